// SPDX-License-Identifier: Apache-2.0
/* After a start: every task that is not final is found again, queued again or reported lost; what an
 * interrupted submission or deletion left behind is removed. */
#include "tasks/engine_state.h"

#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/work.h"
#include "store/db.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_store.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

/* --- tasks --- */

static bool is_empty_dir(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int n = 0;

    if (!folder)
        return true;
    while (n < 3 && (entry = readdir(folder)))      /* "." and ".." and one more */
        n++;
    closedir(folder);
    return n < 3;
}

/* The devices written beside the logs when the task was launched. */
static void read_gpus(struct task *t, const char *run_dir)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text list = {0};
    struct err ignored = {0};
    char *at, *end;

    t->grant.need = t->item.need;
    if (t->item.need.gpus == 0)
        return;
    if (file_read(mem_printf(mem, "%s/gpus", run_dir), 4096, &list, &ignored) < 0)
        return;
    at = list.data;
    for (int64_t i = 0; i < t->grant.need.gpus && i < GPUS_MAX && at; i++, at = end) {
        t->grant.gpu_index[i] = (int)strtol(at, &end, 10);
        if (end == at)
            break;
    }
}

/* It was launched, or nearly: the back end finds out, and holds its slots meanwhile. */
static void adopt(struct task *t, const char *run_dir)
{
    const struct backend *backend = t->group->backend;
    struct err err = {0};

    read_gpus(t, run_dir);
    group_reclaim(t->group, &t->grant);
    queue_account(t->queue, t->exec.creator, t->item.need.cpus);
    t->granted = true;
    t->adopting = true;
    if (backend->adopt(engine_backend(t->engine, backend), t->exec.id, run_dir, &err) < 0) {
        t->adopting = false;
        task_fail(t, "could not be found again after a restart of the server: %s", err.text);
    }
}

struct recovery {
    struct engine *engine;
    int n_adopted, n_queued;
};

static int recover_task(void *arg, const struct exec *exec, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct recovery *r = arg;
    const char *run_dir = exec_run_dir(r->engine->tasks->config.settings, exec->id, mem);
    struct task *t = task_new(r->engine, exec->id, err);

    if (!t)
        return -1;
    t->stop_wanted = t->exec.stop_asked;
    t->stop_grace_ms = r->engine->tasks->config.settings->task_grace_s * 1000;
    if (t->state == EXEC_RUNNING || !is_empty_dir(run_dir)) {
        r->n_adopted++;
        adopt(t, run_dir);
        return 0;
    }
    r->n_queued++;
    if (t->stop_wanted)
        task_stop_unlaunched(t);
    else
        queue_add(t->queue, &t->item);
    return 0;
}

/* All are queued before the first is picked, so that their order is right. */
static void start_queued(struct engine *e)
{
    engine_dispatch(e);
    for (size_t i = 0; i < e->n_buckets; i++)
        for (struct task *t = e->buckets[i]; t; t = t->next)
            if (t->item.lane)
                task_wait(t);
}

/* --- leftovers --- */

struct leftovers {
    struct engine *engine;
    struct mem *mem;
    struct place { const char *folder, *id; struct place *next; } *places;
};

void leftovers_free(struct leftovers *l)
{
    if (!l)
        return;
    mem_free(l->mem);
    free(l);
}

static void list_ids(struct leftovers *l, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct place *p;

    if (!dir)
        return;
    folder = mem_strdup(l->mem, folder);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        p = mem_alloc(l->mem, sizeof *p);
        *p = (struct place){ folder, mem_strdup(l->mem, entry->d_name), l->places };
        l->places = p;
    }
    closedir(dir);
}

/* Before anything new can be submitted: whatever lies there now is old. */
static struct leftovers *list_all(struct engine *e)
{
    const struct settings *s = e->tasks->config.settings;
    struct leftovers *l = xcalloc(1, sizeof *l);
    DIR *users = opendir(s->result_fs);
    struct dirent *entry;

    l->engine = e;
    l->mem = mem_new();
    list_ids(l, mem_printf(l->mem, "%s/run", s->data_dir));
    while (users && (entry = readdir(users)))
        if (entry->d_name[0] != '.')
            list_ids(l, mem_printf(l->mem, "%s/%s/batchworkdir", s->result_fs, entry->d_name));
    if (users)
        closedir(users);
    return l;
}

static void on_cleaned(void *arg)
{
    struct leftovers *l = arg;

    l->engine->leftovers = NULL;
    leftovers_free(l);
}

/* On a worker thread, with a connection of its own. */
static void clean(void *arg)
{
    struct leftovers *l = arg;
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = db_open(l->engine->tasks->config.db_path, DB_READ, &err);

    for (struct place *p = l->places; db && p; p = p->next) {
        const char *path = mem_printf(l->mem, "%s/%s", p->folder, p->id);

        if (execs_exist(db, p->id))
            continue;
        if (file_remove_tree(path, &err) < 0)
            log_warn("exec.clean", "path=%s reason=\"%s\"", path, err.text);
        else
            log_info("exec.clean", "path=%s", path);
    }
    loop_post(l->engine->tasks->config.loop, on_cleaned, l);
}

/* --- the whole --- */

struct start {                  /* engine_recover() waits while the engine thread does it */
    struct engine *engine;
    int result;
    struct err err;
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static int recover_all(struct engine *e, struct err *err)
{
    struct recovery r = { .engine = e };

    if (execs_each_active(e->db, recover_task, &r, err) < 0)
        return -1;
    start_queued(e);
    if (r.n_adopted || r.n_queued)
        log_info("exec.recover", "adopted=%d queued=%d", r.n_adopted, r.n_queued);
    e->leftovers = list_all(e);
    work_add(e->tasks->config.work, clean, e->leftovers);
    engine_sweep(e);
    return 0;
}

static void on_start(void *arg)
{
    struct start *s = arg;

    s->result = recover_all(s->engine, &s->err);
    pthread_mutex_lock(&s->lock);
    s->done = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

int engine_recover(struct engine *e, struct err *err)
{
    struct start s = { .engine = e, .lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER };

    loop_post(e->tasks->config.loop, on_start, &s);
    pthread_mutex_lock(&s.lock);
    while (!s.done)
        pthread_cond_wait(&s.changed, &s.lock);
    pthread_mutex_unlock(&s.lock);
    if (s.result < 0)
        *err = s.err;
    return s.result;
}
