// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Whether files in the folders of definitions may have changed since the last look, for the price of
 * one system call. The kernel tells what happens in the folders; what it does not tell (network file
 * systems, files behind links) is noticed a second late. One thread at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changes {
    int fd;                 /* inotify; -1: always look */
    bool complete;          /* every folder is watched */
    int64_t looked_ms;      /* monotonic; 0: look next time, whatever is told */
};

void changes_init(struct changes *c);
void changes_done(struct changes *c);

/* True when the caller must look at the folders; it then counts as having looked. What changes while
 * it looks is told the next time. */
bool changes_pending(struct changes *c, const char *const *folders, size_t n);
