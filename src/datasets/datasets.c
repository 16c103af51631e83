// SPDX-License-Identifier: Apache-2.0
#include "datasets/datasets.h"

#include "base/err.h"
#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/work.h"
#include "datasets/build.h"
#include "http/stream.h"
#include "store/db.h"
#include "store/writer.h"
#include "tasks/exec_store.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 1000 };       /* until an end that the disk refused is tried again */

/* --- builds, on the engine thread --- */

struct build *build_new(struct datasets *d, const char *name, const char *exec)
{
    struct build *b = xcalloc(1, sizeof *b);

    b->datasets = d;
    b->name = xstrdup(name);
    b->exec = xstrdup(exec);
    return b;
}

void build_free(struct build *b)
{
    free(b->name);
    free(b->exec);
    free(b->why);
    free(b->again);
    free(b);
}

void build_adopt(void *build)
{
    struct build *b = build;

    b->next = b->datasets->builds;
    b->datasets->builds = b;
}

static void build_forget(struct build *b)
{
    struct build **at = &b->datasets->builds;

    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    build_free(b);
}

static struct build *find_build(const struct datasets *d, const char *exec)
{
    struct build *b = d->builds;

    while (b && strcmp(b->exec, exec) != 0)
        b = b->next;
    return b;
}

void dataset_publish(struct datasets *d, const char *owner, const char *name, const struct dataset_news *news)
{
    const struct notice notice = { .id = news->event_id, .owner = owner, .kind = "dataset.state", .subject = name,
                                   .json = news->json.data };

    if (news->event_id)
        hub_publish(d->tasks->config.hub, &notice);
}

/* --- a task of ours moved --- */

struct run {                    /* its start on the way through the writer */
    struct datasets *datasets;
    char *name, *exec, *owner;
    int64_t started_ms;
    struct dataset_news news;
};

static int make_run(struct db *db, void *arg, struct err *err)
{
    struct run *r = arg;

    return datasets_run(db, r->name, r->exec, r->started_ms, &r->news, err);
}

/* On the writer's thread. A start that could not be stored shows only until the end is. */
static void run_stored(void *arg, const struct err *err)
{
    struct run *r = arg;

    if (err->kind == ERR_NONE)
        dataset_publish(r->datasets, r->owner, r->name, &r->news);
    text_done(&r->news.json);
    free(r->name);
    free(r->exec);
    free(r->owner);
    free(r);
}

static void build_runs(struct build *b, const struct exec *exec)
{
    struct run *r = xcalloc(1, sizeof *r);

    *r = (struct run){ .datasets = b->datasets, .name = xstrdup(b->name), .exec = xstrdup(b->exec),
                       .owner = xstrdup(exec->creator), .started_ms = exec->started_ms };
    writer_add(b->datasets->tasks->config.writer, make_run, run_stored, r);
}

/* Its machine or its shepherd died; nobody stopped it, and its program said nothing. */
static bool was_lost(const struct exec *exec)
{
    return strcmp(exec->state, "ERROR") == 0 && exec->started_ms != INT_UNSET && exec->exit_code == INT_UNSET &&
           !exec->stop_asked && !exec->deleted;
}

static void build_ends(struct build *b, const struct exec *exec)
{
    if (b->ending)
        return;
    b->ending = true;
    snprintf(b->state, sizeof b->state, "%s", exec->state);
    b->why = xstrdup(exec->events);
    b->lost = was_lost(exec);
    b->started_ms = exec->started_ms;
    b->ended_ms = exec->ended_ms;
    work_add(b->datasets->tasks->config.work, build_end, b);
}

static void on_move(void *arg, const struct exec *exec)
{
    struct build *b = exec->dataset ? find_build(arg, exec->id) : NULL;
    int state = exec_state_parse(exec->state);

    if (b && state == EXEC_RUNNING)
        build_runs(b, exec);
    else if (b && exec_state_is_final((enum exec_state)state))
        build_ends(b, exec);
}

static void end_again(void *arg)
{
    struct build *b = arg;

    watch_cancel(b->retry);
    b->retry = NULL;
    work_add(b->datasets->tasks->config.work, build_end, b);
}

void build_ended(void *arg)
{
    struct build *b = arg;
    struct datasets *d = b->datasets;

    if (b->err.kind != ERR_NONE && b->err.kind != ERR_CONFLICT && b->err.kind != ERR_NOT_FOUND) {
        log_error("dataset.end", "name=\"%s\" retry_ms=%d reason=\"%s\"", b->name, RETRY_MS, b->err.text);
        b->retry = loop_timer(d->tasks->config.loop, RETRY_MS, 0, end_again, b);
        return;
    }
    if (b->again) {
        log_warn("dataset.again", "name=\"%s\" lost=%s id=%s", b->name, b->exec, b->again);
        build_adopt(build_new(d, b->name, b->again));
        tasks_admit(d->tasks, b->again);
    }
    build_forget(b);
}

/* --- life --- */

static int note_build(void *arg, const struct dataset *row, struct mem *mem, struct err *err)
{
    struct datasets *d = arg;

    (void)mem, (void)err;
    if (row->ended_ms == INT_UNSET)
        build_adopt(build_new(d, row->spec.name, row->exec));
    return 0;
}

struct datasets *datasets_new(struct tasks *tasks, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(tasks->config.db_path, DB_READ, err);
    struct datasets *d;

    if (!db)
        return NULL;
    d = xcalloc(1, sizeof *d);
    d->tasks = tasks;
    if (datasets_each_active(db, note_build, d, err) < 0) {
        datasets_free(d);
        return NULL;
    }
    tasks_on_move(tasks, on_move, d);
    return d;
}

void datasets_free(struct datasets *d)
{
    struct build *next;

    if (!d)
        return;
    for (struct build *b = d->builds; b; b = next) {
        next = b->next;
        build_free(b);
    }
    free(d);
}

/* --- after a restart --- */

struct check {                  /* a task of a build, as the database has it */
    struct datasets *datasets;
    struct mem *mem;
    struct exec exec;
};

static void check_build(void *arg)
{
    struct check *c = arg;
    struct build *b = find_build(c->datasets, c->exec.id);

    if (b)
        build_ends(b, &c->exec);
    mem_free(c->mem);
    free(c);
}

/* What the disk does not let go of is tried again at the next start. */
static void erase_again(struct datasets *d, const char *name, struct mem *mem)
{
    struct err err = {0};

    if (dataset_erase(d, name, mem, &err) < 0)
        log_error("dataset.erase", "name=\"%s\" reason=\"%s\"", name, err.text);
}

/* A task that had ended before the server did is not told of again. One that was deleted was stopped first. */
static int recover_build(void *arg, const struct dataset *row, struct mem *mem, struct err *err)
{
    struct datasets *d = arg;
    CLEANUP(db_closep) struct db *db = NULL;
    struct check *c;

    if (row->deleted) {
        erase_again(d, row->spec.name, mem);
        return 0;
    }
    db = db_open(d->tasks->config.db_path, DB_READ, err);
    if (!db)
        return -1;
    c = xcalloc(1, sizeof *c);
    *c = (struct check){ .datasets = d, .mem = mem_new() };
    fields_init(exec_fields, &c->exec);
    if (execs_load(db, row->exec, c->mem, &c->exec, err) < 0) {
        if (err->kind != ERR_NOT_FOUND) {
            mem_free(c->mem);
            free(c);
            return -1;
        }
        *err = (struct err){0};
        c->exec.id = mem_strdup(c->mem, row->exec);
        c->exec.state = "KILLED";
        c->exec.events = "its task was deleted";
    }
    if (exec_state_is_final((enum exec_state)exec_state_parse(c->exec.state))) {
        loop_post(d->tasks->config.loop, check_build, c);
        return 0;
    }
    mem_free(c->mem);
    free(c);
    return 0;
}

struct named {                  /* folders that rows name */
    struct mem *mem;
    const char **names;
    size_t n, cap;
};

static void name_add(struct named *l, const char *name)
{
    if (!name)
        return;
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->names = xrealloc(l->names, l->cap * sizeof *l->names);
    }
    l->names[l->n++] = mem_strdup(l->mem, name);
}

static int note_names(void *arg, const struct dataset *row, struct mem *mem, struct err *err)
{
    struct named *lists = arg;

    (void)mem, (void)err;
    name_add(&lists[0], row->spec.name);
    if (row->ended_ms == INT_UNSET) {
        name_add(&lists[1], row->target);
        name_add(&lists[1], row->source);
    }
    return 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static void remove_leftover(void *arg)
{
    struct err err = {0};

    if (file_remove_tree(arg, &err) < 0)
        log_warn("dataset.sweep", "path=\"%s\" reason=\"%s\"", (const char *)arg, err.text);
    free(arg);
}

static void sweep(struct datasets *d, const char *folder, struct named *keep)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (keep->n)
        qsort(keep->names, keep->n, sizeof *keep->names, by_text);
    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".new") != 0 &&
            !(keep->n && bsearch(&name, keep->names, keep->n, sizeof *keep->names, by_text)))
            work_add(d->tasks->config.work, remove_leftover, xstrdup(mem_printf(keep->mem, "%s/%s", folder, name)));
    }
    if (dir)
        closedir(dir);
}

int datasets_recover(struct datasets *d, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(db_closep) struct db *db = db_open(d->tasks->config.db_path, DB_READ, err);
    struct named lists[2] = { { .mem = mem }, { .mem = mem } };
    int rc = -1;

    if (db && datasets_each_active(db, recover_build, d, err) == 0 && datasets_each_any(db, note_names, lists, err) == 0) {
        sweep(d, dataset_dir(d, "", mem), &lists[0]);
        sweep(d, new_dir(d, "", mem), &lists[1]);
        rc = 0;
    }
    free(lists[0].names);
    free(lists[1].names);
    return rc;
}
