// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Work that several threads do and whose results are taken in order, so that what is written does not depend on how many
 * threads there are. Memory is bounded: few results wait at a time. */

#include <stddef.h>
#include <stdint.h>

struct err;

struct ordered {
    int64_t n;                          /* items, numbered from 0 */
    int n_threads;                      /* the caller's among them */
    size_t slot_size;                   /* bytes of a result; zeroed once, then used again and again */
    void *arg;                          /* given to the functions below */

    /* What one thread keeps from item to item; called on that thread. */
    void *(*start)(void *arg);

    /* Does item i into the slot, on any of the threads. Returns how many bytes the result holds. */
    size_t (*work)(void *arg, void *kept, int64_t i, void *slot);

    /* Takes the result of item i: 0, 1, 2, ..., one at a time, on any of the threads. -1 ends everything. */
    int (*take)(void *arg, int64_t i, void *slot, struct err *err);

    /* On the caller's thread, when all threads have ended. */
    void (*end)(void *arg, void *kept);
    void (*slot_done)(void *slot);
};

int ordered_run(const struct ordered *o, struct err *err);

/* Processors that this process may use, for n_threads. */
int ordered_processors(void);
