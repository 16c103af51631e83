// SPDX-License-Identifier: Apache-2.0
/* The engine's life, its queues, and what the back ends report. */
#include "tasks/engine_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "store/db.h"
#include "tasks/exec_paths.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* --- slots --- */

static void start_task(struct task *t)
{
    queue_remove(t->queue, &t->item);
    queue_account(t->queue, t->exec.creator, t->item.need.cpus);
    t->granted = true;
    watch_cancel(t->deadline);
    t->deadline = NULL;
    task_launch(t);
}

void engine_dispatch(struct engine *e)
{
    for (int i = 0; i < e->n_groups; i++) {
        for (;;) {
            struct task *t = (struct task *)queue_pick(e->queues[i], e->groups[i]);

            if (!t || !group_claim(e->groups[i], &t->item.need, &t->grant))
                break;
            start_task(t);
        }
    }
}

static void on_deadline(void *arg)
{
    struct task *t = arg;

    watch_cancel(t->deadline);
    t->deadline = NULL;
    task_fail(t, "it waited longer for slots than --msd-pending-timeout allows");
}

static void watch_deadline(struct task *t)
{
    int64_t left_ms = t->exec.pending_deadline_ms - clock_unix_ms();

    if (t->exec.pending_deadline_ms == INT_UNSET || t->deadline)
        return;
    t->deadline = loop_timer(t->engine->tasks->config.loop, left_ms > 0 ? left_ms : 0,
                             /* every_ms= */ 0, on_deadline, t);
}

void task_wait(struct task *t)
{
    task_apply(t, EV_QUEUED);
    watch_deadline(t);
}

void task_enqueue(struct task *t)
{
    queue_add(t->queue, &t->item);
    engine_dispatch(t->engine);
    if (!t->granted)
        task_wait(t);
}

static void give_back(struct task *t)
{
    t->granted = false;
    group_release(t->group, &t->grant);
    queue_account(t->queue, t->exec.creator, -t->item.need.cpus);
}

/* Slots stay taken while a worker thread still prepares the launch: it counts on its devices. */
void task_release(struct task *t)
{
    watch_cancel(t->deadline);
    t->deadline = NULL;
    queue_remove(t->queue, &t->item);
    if (t->preparing && !t->prepared)
        return;
    preparation_free(TAKE(t->preparing));
    if (!t->granted)
        return;
    give_back(t);
    engine_dispatch(t->engine);
}

const struct grant *engine_grant(struct engine *e, const char *exec_id)
{
    const struct task *t = task_find(e, exec_id);

    return t && t->granted ? &t->grant : NULL;
}

/* --- news from the back ends --- */

static void on_started(struct task *t, const struct report *r)
{
    const struct settings *s = t->engine->tasks->config.settings;
    const struct engine *e = t->engine;
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    t->launched = true;
    t->adopting = false;
    preparation_free(TAKE(t->preparing));
    if (t->exec.started_ms == INT_UNSET)
        t->exec.started_ms = r->started_ms;
    task_apply(t, EV_STARTED);
    if (e->observer)
        e->observer->started(e->observer_arg, &t->exec,
                             exec_result_dir(s, t->exec.creator, t->exec.id, mem),
                             exec_run_dir(s, t->exec.id, mem));
    if (t->stop_wanted)
        task_signal(t);
}

static const char *describe_end(struct task *t, const struct report *r)
{
    if (r->signal)
        return mem_printf(t->mem, "task %s: a process was ended by signal %d (%s)", t->exec.id,
                          r->signal, strsignal(r->signal));
    return mem_printf(t->mem, "task %s: a process ended with exit code %d", t->exec.id, r->exit_code);
}

static enum exec_event end_event(struct task *t, const struct report *r)
{
    if (t->stop_wanted || r->stopped)
        return EV_STOPPED;
    if (r->reason) {
        t->exec.events = mem_strdup(t->mem, r->reason);
        if (r->kind == REPORT_ENDED && r->exit_code == 0 && r->signal == 0)
            return EV_EXIT_OK;      /* a remark: its program did all it wanted */
        return EV_LOST;
    }
    if (r->exit_code == 0 && r->signal == 0)
        return EV_EXIT_OK;
    t->exec.events = describe_end(t, r);
    return EV_EXIT_BAD;
}

static void on_ended(struct task *t, const struct report *r)
{
    const struct engine *e = t->engine;

    t->launched = t->adopting = false;
    if (t->exec.started_ms == INT_UNSET && r->started_ms > 0)
        t->exec.started_ms = r->started_ms;
    exec_set_end(&t->exec, r->ended_ms > 0 ? r->ended_ms : clock_unix_ms());
    if (r->kind == REPORT_ENDED && (r->signal || r->exit_code >= 0))
        t->exec.exit_code = r->signal ? 128 + r->signal : r->exit_code;
    if (e->observer)
        e->observer->ended(e->observer_arg, &t->exec);
    task_apply(t, end_event(t, r));
    task_forget(t);
}

/* The server went down between storing the task and launching it. It is queued before anyone else gets its
 * slots, so that nobody overtakes it. */
static void on_never_started(struct task *t)
{
    t->adopting = false;
    t->exec.started_ms = INT_UNSET;
    if (t->stop_wanted) {
        task_stop_unlaunched(t);
        task_forget(t);
        return;
    }
    if (t->granted)
        give_back(t);
    task_enqueue(t);
}

static void on_report(void *arg, const struct report *r)
{
    struct engine *e = arg;
    struct task *t = task_find(e, r->exec_id);

    if (!t || exec_state_is_final(t->state))
        return;
    switch (r->kind) {
    case REPORT_STARTED:
        on_started(t, r);
        break;
    case REPORT_ENDED:
    case REPORT_LOST:
        on_ended(t, r);
        break;
    case REPORT_NEVER_STARTED:
        on_never_started(t);
        break;
    }
}

/* --- life --- */

struct backend_ctx *engine_backend(struct engine *e, const struct backend *backend)
{
    for (int i = 0; i < e->n_backends; i++)
        if (e->backends[i].backend == backend)
            return e->backends[i].ctx;
    return NULL;
}

static int open_backend(struct engine *e, const struct backend *backend, struct err *err)
{
    const struct tasks_config *c = &e->tasks->config;
    struct backend_ctx *ctx;

    if (engine_backend(e, backend))
        return 0;
    assert(e->n_backends < BACKENDS_MAX);
    ctx = backend->open(c->loop, c->settings, on_report, e, err);
    if (!ctx)
        return -1;
    e->backends[e->n_backends].backend = backend;
    e->backends[e->n_backends++].ctx = ctx;
    return 0;
}

static int open_groups(struct engine *e, struct err *err)
{
    struct group *g;

    while ((g = cluster_each(e->tasks->config.cluster, e->n_groups))) {
        if (e->n_groups == GROUPS_MAX)
            return err_set(err, ERR_BAD_INPUT, "more than %d instance groups are configured", GROUPS_MAX);
        if (open_backend(e, g->backend, err) < 0)
            return -1;
        e->groups[e->n_groups] = g;
        e->queues[e->n_groups++] = queue_new();
    }
    return 0;
}

struct engine *engine_new(struct tasks *t, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);

    e->tasks = t;
    pthread_mutex_init(&e->wishes_lock, NULL);
    e->db = db_open(t->config.db_path, DB_READ, err);
    if (!e->db || open_groups(e, err) < 0) {
        engine_free(e);
        return NULL;
    }
    return e;
}

static void free_tasks(struct engine *e)
{
    struct task *t, *next;

    for (size_t i = 0; i < e->n_buckets; i++) {
        for (t = e->buckets[i]; t; t = next) {
            next = t->next;
            queue_remove(t->queue, &t->item);
            task_free(t);
        }
    }
    free(e->buckets);
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (int i = 0; i < e->n_backends; i++)
        e->backends[i].backend->close(e->backends[i].ctx);
    free_tasks(e);
    for (int i = 0; i < e->n_groups; i++)
        queue_free(e->queues[i]);
    sweep_free(e->sweep);
    leftovers_free(e->leftovers);
    wishes_free(e);
    pthread_mutex_destroy(&e->wishes_lock);
    db_close(e->db);
    free(e);
}

void engine_forget(struct engine *e, const char *search)
{
    for (int i = 0; i < e->n_backends; i++)
        if (e->backends[i].backend->forget)
            e->backends[i].backend->forget(e->backends[i].ctx, search);
}

void engine_set_observer(struct engine *e, const struct engine_observer *observer, void *arg)
{
    e->observer = observer;
    e->observer_arg = arg;
}

void engine_add_listener(struct engine *e, exec_moved_fn *fn, void *arg)
{
    assert(e->n_listeners < LISTENERS_MAX);
    e->listeners[e->n_listeners].fn = fn;
    e->listeners[e->n_listeners++].arg = arg;
}

void engine_admit(struct engine *e, const char *exec_id)
{
    struct err err = {0};
    struct task *t;

    if (task_find(e, exec_id))
        return;
    t = task_new(e, exec_id, &err);
    if (!t) {
        log_error("exec.admit", "id=%s reason=\"%s\"", exec_id, err.text);
        return;
    }
    if (t->exec.stop_asked)         /* it came in while the row was on its way here */
        task_stop(t, /* force= */ false);
    else if (!exec_state_is_final(t->state))
        task_enqueue(t);
    task_forget(t);
}
