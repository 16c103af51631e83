// SPDX-License-Identifier: Apache-2.0
/* Deleting, in two steps: rows are marked, which makes them invisible and is what the caller waits for;
 * then tasks that run are stopped, files are removed on a worker thread, and the rows go last. A server
 * that was ended in between goes on where it was. */
#include "tasks/engine_state.h"

#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/work.h"
#include "http/stream.h"
#include "store/writer.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_store.h"
#include "tasks/metrics_store.h"

enum {
    BATCH = 256,            /* tasks whose files go in one piece of work */
    POINTS = 5000,          /* metric points removed in one change */
};

struct sweep {
    struct engine *engine;
    struct mem *mem;
    struct doomed { const char *id, *creator; } tasks[BATCH];
    int n;
    struct err err;
};

void sweep_free(struct sweep *s)
{
    if (!s)
        return;
    mem_free(s->mem);
    free(s);
}

static int remove_rows(struct db *db, void *arg, struct err *err)
{
    struct sweep *s = arg;

    for (int i = 0; i < s->n; i++)
        if (execs_remove(db, s->tasks[i].id, err) < 0)
            return -1;
    return 0;
}

/* A batch that could not be removed (a file that another keeps, a full disk) is taken up at the next
 * deletion or start; trying for ever would only fill the log. */
static void on_rows_removed(void *arg)
{
    struct sweep *s = arg;
    struct engine *e = s->engine;
    bool again = s->n == BATCH || e->sweep_again;

    if (s->err.kind != ERR_NONE)
        log_error("exec.delete", "tasks=%d reason=\"%s\"", s->n, s->err.text);
    for (int i = 0; i < s->n && s->err.kind == ERR_NONE; i++) {
        CLEANUP(text_done) struct text json = {0};

        text_add(&json, "{\"id\":");
        text_add_json(&json, s->tasks[i].id);
        text_add_char(&json, '}');
        hub_publish(e->tasks->config.hub, &(struct notice){
            .owner = s->tasks[i].creator, .kind = "exec.deleted", .subject = s->tasks[i].id,
            .json = json.data });
    }
    if (s->err.kind != ERR_NONE)
        again = false;
    sweep_free(TAKE(e->sweep));
    e->sweep_again = false;
    if (again)
        engine_sweep(e);
}

/* On the writer's thread. */
static void rows_removed(void *arg, const struct err *err)
{
    struct sweep *s = arg;

    s->err = *err;
    loop_post(s->engine->tasks->config.loop, on_rows_removed, s);
}

struct points {
    const char *exec_id;
    int n_removed;
};

static int remove_some_points(struct db *db, void *arg, struct err *err)
{
    struct points *p = arg;

    p->n_removed = metrics_trim(db, p->exec_id, POINTS, err);
    return p->n_removed < 0 ? -1 : 0;
}

/* In small changes: if they went with their task's row, a million of them would keep every other change
 * waiting for seconds. What fails here is tried again there. */
static void remove_points(struct sweep *s, const char *exec_id)
{
    struct points p = { .exec_id = exec_id, .n_removed = POINTS };
    struct err err = {0};

    while (p.n_removed == POINTS && err.kind == ERR_NONE)
        writer_run(s->engine->tasks->config.writer, remove_some_points, &p, &err);
}

/* On a worker thread. A row whose files could not be removed stays. */
static void remove_files(void *arg)
{
    struct sweep *s = arg;
    const struct settings *settings = s->engine->tasks->config.settings;
    int kept = 0;

    for (int i = 0; i < s->n; i++) {
        const struct doomed *t = &s->tasks[i];
        struct err err = {0};

        if (file_remove_tree(exec_result_dir(settings, t->creator, t->id, s->mem), &err) < 0
            || file_remove_tree(exec_run_dir(settings, t->id, s->mem), &err) < 0)
            log_error("exec.delete", "id=%s reason=\"%s\"", t->id, err.text);
        else
            s->tasks[kept++] = *t;
    }
    s->n = kept;
    for (int i = 0; i < s->n; i++)
        remove_points(s, s->tasks[i].id);
    writer_add(s->engine->tasks->config.writer, remove_rows, rows_removed, s);
}

/* Tasks whose last change of state is still being written wait for it. */
static int add_doomed(void *arg, const struct exec *exec, struct err *err)
{
    struct sweep *s = arg;

    (void)err;
    if (task_find(s->engine, exec->id))
        return 0;
    s->tasks[s->n++] = (struct doomed){ mem_strdup(s->mem, exec->id), mem_strdup(s->mem, exec->creator) };
    return 0;
}

static int stop_condemned(void *arg, const struct exec *exec, struct err *err)
{
    struct engine *e = arg;
    struct task *t = task_find(e, exec->id);

    (void)err;
    if (!t)
        return 0;       /* not admitted yet: it will find itself marked then */
    t->exec.deleted = true;
    task_stop(t, /* force= */ false);
    task_forget(t);
    return 0;
}

void engine_sweep(struct engine *e)
{
    struct err err = {0};
    struct sweep *s;

    if (e->sweep) {
        e->sweep_again = true;
        return;
    }
    s = e->sweep = xcalloc(1, sizeof *s);
    s->engine = e;
    s->mem = mem_new();
    if (execs_each_condemned(e->db, stop_condemned, e, &err) < 0
        || execs_each_doomed(e->db, BATCH, add_doomed, s, &err) < 0)
        log_error("exec.delete", "reason=\"%s\"", err.text);
    if (s->n > 0)
        work_add(e->tasks->config.work, remove_files, s);
    else
        sweep_free(TAKE(e->sweep));
}
