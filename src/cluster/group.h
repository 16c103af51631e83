// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Instance groups: named pools of slots on one back end. Plain data and arithmetic, no I/O. The engine
 * thread owns the counters; names, ids and totals never change while the server runs. */

#include "base/field.h"

enum { GPUS_MAX = 64 };     /* devices of one group */

struct need {               /* what one task wants, all its workers together */
    int64_t cpus;           /* slots */
    int64_t gpus;           /* devices */
    int64_t memory_mib;
};

struct grant {              /* what it got */
    struct need need;
    int gpu_index[GPUS_MAX];    /* need.gpus of them */
};

struct group {
    const char *name;
    const char *id;             /* stable UUID, derived from the name */
    const char *consumer;
    const char *user;           /* OS user of its tasks, "" = the server's */
    const struct backend *backend;
    struct need total;
    struct need used;           /* engine thread */
    int gpu_index[GPUS_MAX];    /* device numbers, total.gpus of them */
    bool gpu_busy[GPUS_MAX];    /* engine thread */
};

/* Whether `need` could ever fit; otherwise ERR_BAD_INPUT says what is asked and what there is. */
int group_could_fit(const struct group *g, const struct need *need, struct err *err);
bool group_claim(struct group *g, const struct need *need, struct grant *ret);     /* false: not now */
void group_reclaim(struct group *g, const struct grant *grant);    /* after a restart: marks it used */
void group_release(struct group *g, const struct grant *grant);
