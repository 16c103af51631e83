// SPDX-License-Identifier: Apache-2.0
/* Stopping: the wish is stored first, then carried out; what is stored survives a restart. */
#include "tasks/engine_state.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "store/writer.h"
#include "tasks/exec_store.h"

void task_signal(struct task *t)
{
    const struct backend *backend = t->group->backend;
    struct err err = {0};

    if (backend->stop(engine_backend(t->engine, backend), t->exec.id, t->stop_grace_ms, &err) < 0)
        log_warn("exec.stop", "id=%s reason=\"%s\"", t->exec.id, err.text);
}

/* It counts as running when it was told to start, but went down with the server before it did. */
void task_stop_unlaunched(struct task *t) { task_apply(t, t->state == EXEC_RUNNING ? EV_STOPPED : EV_STOP); }

void task_stop(struct task *t, bool force)
{
    int64_t grace_ms = force ? 0 : t->engine->tasks->config.settings->task_grace_s * 1000;

    if (exec_state_is_final(t->state) || (t->stop_wanted && !(force && t->stop_grace_ms > 0)))
        return;
    t->stop_wanted = true;
    t->exec.stop_asked = true;
    t->stop_grace_ms = grace_ms;
    if (t->launched)
        task_signal(t);
    else if (!t->adopting)      /* else the back end is about to say what there is to stop */
        task_stop_unlaunched(t);
}

void engine_stop(struct engine *e, const char *exec_id, bool force)
{
    struct task *t = task_find(e, exec_id);

    if (!t)
        return;
    task_stop(t, force);
    task_forget(t);
}

static int store_wish(struct db *db, void *arg, struct err *err)
{
    struct stop_wish *w = arg;

    return execs_ask_stop(db, w->id, err);
}

static void drop_wish(struct stop_wish *w)
{
    struct engine *e = w->engine;
    struct stop_wish **at = &e->wishes;

    pthread_mutex_lock(&e->wishes_lock);
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    pthread_mutex_unlock(&e->wishes_lock);
    free(w->id);
    free(w);
}

static void carry_out(void *arg)
{
    struct stop_wish *w = arg;

    if (w->err.kind == ERR_NONE)
        engine_stop(w->engine, w->id, w->force);
    if (w->done)
        w->done(w->arg, &w->err);
    drop_wish(w);
}

/* On the writer's thread. */
static void wish_stored(void *arg, const struct err *err)
{
    struct stop_wish *w = arg;

    w->err = *err;
    loop_post(w->engine->tasks->config.loop, carry_out, w);
}

void tasks_stop(struct tasks *t, const char *exec_id, bool force,
                void (*done)(void *arg, const struct err *err), void *arg)
{
    struct engine *e = t->engine;
    struct stop_wish *w = xcalloc(1, sizeof *w);

    *w = (struct stop_wish){ .engine = e, .id = xstrdup(exec_id), .force = force, .done = done,
                             .arg = arg };
    pthread_mutex_lock(&e->wishes_lock);
    w->next = e->wishes;
    e->wishes = w;
    pthread_mutex_unlock(&e->wishes_lock);
    writer_add(t->config.writer, store_wish, wish_stored, w);
}

void wishes_free(struct engine *e)
{
    struct stop_wish *w, *next;

    for (w = e->wishes; w; w = next) {
        next = w->next;
        free(w->id);
        free(w);
    }
}
