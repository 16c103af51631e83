// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Who is next in one instance group: larger priority first, then the user with the fewest running slots,
 * then order of submission. Pure; the engine thread owns it.
 *
 * The task at the head waits until it fits, and all behind it wait with it, so that a large task is not
 * starved by small ones. One exception: while only GPU devices are short, tasks that need none pass. */

#include "cluster/group.h"

struct lane;
struct queue;

struct queue_item {             /* embedded in what is queued; {0} when it is not */
    struct queue_item *next, *prev;
    struct lane *lane;          /* NULL: not queued */
    int64_t seq;                /* set by the caller before queue_add(), like the rest */
    int64_t priority;
    const char *user;
    struct need need;
};

struct queue *queue_new(void);
void queue_free(struct queue *q);       /* empty; NULL is fine */

void queue_add(struct queue *q, struct queue_item *item);
void queue_remove(struct queue *q, struct queue_item *item);    /* not queued is fine */

/* The one to start now in `group`, still queued; NULL: nobody, or it does not fit yet. */
struct queue_item *queue_pick(const struct queue *q, const struct group *group);

/* Slots a user got, and gave back (negative). */
void queue_account(struct queue *q, const char *user, int64_t slots);
