// SPDX-License-Identifier: Apache-2.0
/* Changes of state: decided here at once, written one after the other, told when they are durable. */
#include "tasks/engine_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http/stream.h"
#include "store/writer.h"
#include "tasks/exec_store.h"

#include <stdarg.h>

enum { RETRY_MS = 1000 };       /* until a change that the disk refused is tried again */

static void write_first(struct task *t);

static int change_row(struct db *db, void *arg, struct err *err)
{
    struct move *m = arg;

    return execs_move(db, &m->exec, exec_state_name(m->from), &m->event_id, err);
}

static void publish(struct engine *e, const struct move *m)
{
    CLEANUP(text_done) struct text json = {0};
    struct notice notice = { .id = m->event_id, .owner = m->exec.creator, .kind = "exec.state",
                             .subject = m->exec.id };

    exec_event_json(&m->exec, &json);
    notice.json = json.data;
    hub_publish(e->tasks->config.hub, &notice);
}

static void tell(struct move *m)
{
    struct engine *e = m->task->engine;

    log_info("exec.move", "id=%s from=%s to=%s", m->exec.id, exec_state_name(m->from), m->exec.state);
    publish(e, m);
    for (int i = 0; i < e->n_listeners; i++)
        e->listeners[i].fn(e->listeners[i].arg, &m->exec);
}

static void try_again(void *arg)
{
    struct task *t = arg;

    watch_cancel(t->retry);
    t->retry = NULL;
    write_first(t);
}

/* The disk is full or the like: nothing is lost, the change waits. Said once, not for each task. */
static void wait_for_disk(struct task *t, const struct err *why)
{
    struct engine *e = t->engine;

    if (!e->write_failed)
        log_error("exec.move", "id=%s reason=\"%s\" retry_ms=%d", t->exec.id, why->text, RETRY_MS);
    e->write_failed = true;
    t->retry = loop_timer(e->tasks->config.loop, RETRY_MS, /* every_ms= */ 0, try_again, t);
}

static void on_moved(void *arg)
{
    struct move *m = arg;
    struct task *t = m->task;
    struct engine *e = t->engine;
    bool remove;

    t->writing = false;
    if (m->err.kind != ERR_NONE && m->err.kind != ERR_CONFLICT) {
        wait_for_disk(t, &m->err);
        return;
    }
    e->write_failed = false;
    t->moves = m->next;
    if (!t->moves)
        t->moves_end = &t->moves;
    if (m->err.kind == ERR_NONE)
        tell(m);
    else
        log_warn("exec.move", "id=%s reason=\"%s\"", t->exec.id, m->err.text);
    free(m);
    write_first(t);
    remove = t->exec.deleted && exec_state_is_final(t->state) && !t->moves;
    task_forget(t);
    if (remove)
        engine_sweep(e);
}

/* On the writer's thread. */
static void change_done(void *arg, const struct err *err)
{
    struct move *m = arg;

    m->err = *err;
    loop_post(m->task->engine->tasks->config.loop, on_moved, m);
}

/* One at a time, so that the changes of one task arrive in order even when the disk refuses some. */
static void write_first(struct task *t)
{
    if (t->writing || t->retry || !t->moves)
        return;
    t->writing = true;
    writer_add(t->engine->tasks->config.writer, change_row, change_done, t->moves);
}

static void move_to(struct task *t, enum exec_state to)
{
    struct move *m = xcalloc(1, sizeof *m);

    m->task = t;
    m->from = t->state;
    t->state = to;
    t->exec.state = exec_state_name(to);
    if (exec_state_is_final(to) && t->exec.ended_ms == INT_UNSET)
        exec_set_end(&t->exec, clock_unix_ms());
    exec_set_times(&t->exec, t->mem);
    m->exec = t->exec;
    *t->moves_end = m;
    t->moves_end = &m->next;
    write_first(t);
}

bool task_apply(struct task *t, enum exec_event event)
{
    const struct exec_step *step = exec_step(t->state, event);

    if (!step)
        return false;
    if (step->to != t->state)
        move_to(t, step->to);
    if (step->effect == DO_SIGNAL)
        task_signal(t);
    if (step->effect == DO_RELEASE)
        task_release(t);
    return true;
}

void task_fail(struct task *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t->exec.events = mem_vprintf(t->mem, fmt, ap);
    va_end(ap);
    task_apply(t, EV_LOST);
    task_forget(t);
}

void moves_free(struct task *t)
{
    struct move *m, *next;

    for (m = t->moves; m; m = next) {
        next = m->next;
        free(m);
    }
}
