// SPDX-License-Identifier: Apache-2.0
#include "cluster/group.h"

#include "base/err.h"

#include <inttypes.h>

static int too_much(const struct group *g, const char *what, int64_t asked, int64_t there, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "the task asks for %" PRId64 " %s, but the instance group \"%s\" has "
                   "%" PRId64 " in all; ask for less or choose another group", asked, what, g->name, there);
}

int group_could_fit(const struct group *g, const struct need *need, struct err *err)
{
    if (need->cpus > g->total.cpus)
        return too_much(g, "CPU slots", need->cpus, g->total.cpus, err);
    if (need->gpus > g->total.gpus)
        return too_much(g, "GPUs", need->gpus, g->total.gpus, err);
    if (need->memory_mib > g->total.memory_mib)
        return too_much(g, "MiB of memory", need->memory_mib, g->total.memory_mib, err);
    return 0;
}

static void add(struct need *to, const struct need *what, int sign)
{
    to->cpus += sign * what->cpus;
    to->gpus += sign * what->gpus;
    to->memory_mib += sign * what->memory_mib;
}

static void mark_devices(struct group *g, const struct grant *grant, bool busy)
{
    for (int64_t i = 0; i < grant->need.gpus && i < GPUS_MAX; i++)
        for (int64_t k = 0; k < g->total.gpus; k++)
            if (g->gpu_index[k] == grant->gpu_index[i])
                g->gpu_busy[k] = busy;
}

/* Compared by what is left, so that no sum can overflow. */
bool group_claim(struct group *g, const struct need *need, struct grant *ret)
{
    struct grant grant = { .need = *need };
    int64_t n = 0;

    if (need->cpus > g->total.cpus - g->used.cpus || need->gpus > g->total.gpus - g->used.gpus
        || need->memory_mib > g->total.memory_mib - g->used.memory_mib)
        return false;
    for (int64_t k = 0; k < g->total.gpus && n < need->gpus; k++)
        if (!g->gpu_busy[k])
            grant.gpu_index[n++] = g->gpu_index[k];
    if (n < need->gpus)
        return false;       /* a reclaimed task holds devices that are not counted any more */
    group_reclaim(g, &grant);
    *ret = grant;
    return true;
}

void group_reclaim(struct group *g, const struct grant *grant)
{
    add(&g->used, &grant->need, 1);
    mark_devices(g, grant, true);
}

void group_release(struct group *g, const struct grant *grant)
{
    add(&g->used, &grant->need, -1);
    mark_devices(g, grant, false);
}
