// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/task.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <string.h>

static struct task **chain_of(struct backend_ctx *b, const char *exec_id)
{
    uint32_t hash = 2166136261u;    /* FNV-1a */

    for (; *exec_id; exec_id++)
        hash = (hash ^ (unsigned char)*exec_id) * 16777619u;
    return &b->tasks[hash % N_CHAINS];
}

struct task *local_task_find(struct backend_ctx *b, const char *exec_id)
{
    struct task *t = *chain_of(b, exec_id);

    while (t && strcmp(t->exec_id, exec_id) != 0)
        t = t->next;
    return t;
}

struct task *local_task_add(struct backend_ctx *b, const char *exec_id, const char *run_dir)
{
    struct task **chain = chain_of(b, exec_id);
    struct task *t = xcalloc(1, sizeof *t);

    t->b = b;
    t->exec_id = xstrdup(exec_id);
    t->run_dir = xstrdup(run_dir);
    t->socket = -1;
    t->stop_ms = -1;
    t->next = *chain;
    *chain = t;
    return t;
}

static void unhook(struct task *t)
{
    struct task **at = chain_of(t->b, t->exec_id);

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
}

void local_task_disconnect(struct task *t)
{
    watch_cancel(TAKE(t->socket_watch));
    fd_closep(&t->socket);
    t->socket = -1;
}

void local_ctx_free(struct backend_ctx *b)
{
    struct named_user *u;

    while (b->users) {
        u = b->users;
        b->users = u->next;
        user_free(u->user);
        free(u->name);
        free(u);
    }
    free(b->shepherd);
    free(b);
}

void local_task_free_if_unused(struct task *t)
{
    struct backend_ctx *b = t->b;

    if (t->dropped && t->n_posted == 0) {
        free(t->exec_id);
        free(t->run_dir);
        free(t);
    }
    if (b->closed && b->n_posted == 0)
        local_ctx_free(b);
}

void local_task_drop(struct task *t)
{
    unhook(t);
    local_task_disconnect(t);
    watch_cancel(TAKE(t->child_watch));
    watch_cancel(TAKE(t->later));
    watch_cancel(TAKE(t->again));
    t->dropped = true;
}

void local_task_post(struct task *t, loop_fn *fn)
{
    t->n_posted++;
    t->b->n_posted++;
    loop_post(t->b->loop, fn, t);
}

struct task *local_task_arrived(struct task *t)
{
    t->n_posted--;
    t->b->n_posted--;
    if (!t->dropped)
        return t;
    local_task_free_if_unused(t);
    return NULL;
}

void local_task_tell_started(struct task *t, int64_t pid)
{
    const struct report report = {
        .kind = REPORT_STARTED, .exec_id = t->exec_id, .pid = pid, .started_ms = t->started_ms,
    };

    if (t->told_started)
        return;
    t->told_started = true;
    t->b->report(t->b->arg, &report);
}

void local_task_tell_started_later(void *arg)
{
    struct task *t = local_task_arrived(arg);

    if (t)
        local_task_tell_started(t, t->pid);
}

void local_task_tell_end(struct task *t, struct report report)
{
    struct backend_ctx *b = t->b;

    report.exec_id = t->exec_id;
    local_task_drop(t);
    t->n_posted++;      /* keeps exec_id until the report was given */
    b->n_posted++;
    b->report(b->arg, &report);
    local_task_arrived(t);
}
