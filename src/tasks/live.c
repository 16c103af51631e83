// SPDX-License-Identifier: Apache-2.0
/* The tasks that are not final, by id. */
#include "tasks/engine_state.h"

#include "base/loop.h"
#include "base/mem.h"
#include "tasks/exec_store.h"

#include <string.h>

enum { BUCKETS_MIN = 64 };

static uint32_t hash(const char *id)        /* FNV-1a */
{
    uint32_t h = 2166136261u;

    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return h;
}

static struct task **bucket_of(struct engine *e, const char *id)
{
    return &e->buckets[hash(id) & (e->n_buckets - 1)];
}

/* Twice the buckets once there are as many tasks. */
static void grow(struct engine *e)
{
    size_t n_old = e->n_buckets, i;
    struct task **old = e->buckets, *t, *next;

    e->n_buckets = n_old ? n_old * 2 : BUCKETS_MIN;
    e->buckets = xcalloc(e->n_buckets, sizeof *e->buckets);
    for (i = 0; i < n_old; i++) {
        for (t = old[i]; t; t = next) {
            struct task **at = bucket_of(e, t->exec.id);

            next = t->next;
            t->next = *at;
            *at = t;
        }
    }
    free(old);
}

struct task *task_find(struct engine *e, const char *exec_id)
{
    struct task *t = e->n_buckets ? *bucket_of(e, exec_id) : NULL;

    while (t && strcmp(t->exec.id, exec_id) != 0)
        t = t->next;
    return t;
}

static void place(struct task *t)
{
    struct engine *e = t->engine;
    struct err ignored = {0};
    struct group *group = cluster_group(e->tasks->config.cluster, t->exec.sig_name, &ignored);
    int i = 0;

    /* A group that is no longer configured: what runs goes on, in the default one. */
    t->group = group ? group : e->groups[0];
    while (i < e->n_groups - 1 && e->groups[i] != t->group)
        i++;
    t->queue = e->queues[i];
}

struct task *task_new(struct engine *e, const char *exec_id, struct err *err)
{
    struct task *t = xcalloc(1, sizeof *t), **bucket;
    int state;

    t->mem = mem_new();
    t->engine = e;
    t->moves_end = &t->moves;
    if (execs_load(e->db, exec_id, t->mem, &t->exec, err) < 0) {
        task_free(t);
        return NULL;
    }
    state = exec_state_parse(t->exec.state);
    t->state = state < 0 ? EXEC_ERROR : (enum exec_state)state;
    place(t);
    t->item = (struct queue_item){
        .seq = t->exec.seq, .priority = t->exec.priority, .user = t->exec.creator,
        .need = { t->exec.cpus, t->exec.gpus, t->exec.memory_mib },
    };

    if (e->n_live >= e->n_buckets)
        grow(e);
    bucket = bucket_of(e, t->exec.id);
    t->next = *bucket;
    *bucket = t;
    e->n_live++;
    return t;
}

void task_free(struct task *t)
{
    if (!t)
        return;
    watch_cancel(t->deadline);
    watch_cancel(t->retry);
    preparation_free(t->preparing);
    moves_free(t);
    mem_free(t->mem);
    free(t);
}

void task_forget(struct task *t)
{
    struct engine *e = t->engine;
    bool deleted = t->exec.deleted;
    struct task **at;

    if (!exec_state_is_final(t->state) || t->moves || (t->preparing && !t->prepared))
        return;
    at = bucket_of(e, t->exec.id);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    e->n_live--;
    task_free(t);
    if (deleted)
        engine_sweep(e);    /* it waited for this */
}
