// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A few threads for work that blocks: unpacking, zipping, deleting trees, hashing passwords. Jobs
 * start in the order they came; a job may take seconds. */

struct err;
struct work;

typedef void work_fn(void *arg);

struct work *work_start(int n_threads, struct err *err);
void work_stop(struct work *work);      /* finishes what was given; NULL is fine */
void work_add(struct work *work, work_fn *fn, void *arg);       /* any thread; never fails */
