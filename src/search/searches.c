// SPDX-License-Identifier: Apache-2.0
#include "search/searches.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/work.h"
#include "cluster/helper.h"
#include "search/insight/experiment_store.h"
#include "search/loop.h"
#include "search/plugins/plugin_install.h"
#include "search/record.h"
#include "store/db.h"
#include "tasks/tasks.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct searches *searches_new(struct tasks *tasks, struct err *err)
{
    struct searches *s = xcalloc(1, sizeof *s);

    (void)err;
    s->tasks = tasks;
    s->records = records_new();
    s->helpers = helpers_new(tasks->config.settings, tasks->config.loop, tasks->config.work);
    tasks_on_move(tasks, search_moved, s);
    tasks_on_metrics(tasks, search_measured, s);
    return s;
}

void searches_free(struct searches *s)
{
    if (!s)
        return;
    while (s->lives) {
        struct live *live = s->lives;

        s->lives = live->next;
        live_free(live);
    }
    changes_free(s);
    helpers_free(s->helpers);
    records_free(s->records);
    free(s);
}

/* --- after a restart --- */

struct names {                  /* of rows, or of folders */
    struct mem *mem;
    const char **items;
    size_t n, cap;
};

static void names_add(struct names *l, const char *name)
{
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 16;
        l->items = xrealloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->n++] = mem_strdup(l->mem, name);
}

static void names_done(struct names *l)
{
    free(l->items);
    mem_free(l->mem);
}

struct unfinished {
    struct names active, forced;
};

static int note_unfinished(void *arg, const struct search *search, struct err *err)
{
    struct unfinished *u = arg;

    (void)err;
    names_add(search->ended_ms == INT_UNSET ? &u->active : &u->forced, search->name);
    return 0;
}

struct ending {
    const char *name, *message;
    struct search_news news;
};

static int make_failed(struct db *db, void *arg, struct err *err)
{
    struct ending *e = arg;

    return searches_end(db, e->name, SEARCH_RECOVERFAILED, e->message, clock_unix_ms(), &e->news,
                        err);
}

/* Goes on with one search; what cannot be read any more ends as RECOVERFAILED. */
static int recover_one(struct searches *s, const char *name, struct err *err)
{
    struct err why = {0};
    struct live *live = live_load(s, name, &why);
    struct ending ending = { .name = name, .message = why.text };
    int rc;

    if (live) {
        loop_post(s->tasks->config.loop, search_adopt, live);
        return 0;
    }
    log_error("search.recover", "search=\"%s\" reason=\"%s\"", name, why.text);
    rc = writer_run(s->tasks->config.writer, make_failed, &ending, err);
    text_done(&ending.news.json);
    return rc;
}

static int stop_one(void *arg, const struct experiment *e, struct err *err)
{
    struct searches *s = arg;

    (void)err;
    if (e->exec && strcmp(e->state, "KILLED") == 0)
        tasks_stop(s->tasks, e->exec, /* force= */ true, NULL, NULL);
    return 0;
}

static int make_force_done(struct db *db, void *arg, struct err *err)
{
    return searches_force_done(db, arg, err);
}

/* A forced stop was acknowledged: every task it should have reached is stopped (again). */
static int finish_force(struct searches *s, struct db *db, const char *name, struct err *err)
{
    if (experiments_each(db, name, stop_one, s, err) < 0)
        return -1;
    return writer_run(s->tasks->config.writer, make_force_done, (void *)name, err);
}

/* --- files that no search names --- */

static void note_package(void *arg, const char *package) { names_add(arg, package); }

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void remove_leftover(void *arg)
{
    struct err err = {0};

    if (file_remove_tree(arg, &err) < 0)
        log_warn("search.sweep", "path=\"%s\" reason=\"%s\"", (const char *)arg, err.text);
    free(arg);
}

static int remove_leftovers(struct searches *s, struct db *db, struct err *err)
{
    CLEANUP(names_done) struct names named = { .mem = mem_new() };
    const char *root = mem_printf(named.mem, "%s/searches", s->tasks->config.settings->data_dir);
    struct dirent *entry;
    DIR *dir;

    if (searches_each_package(db, note_package, &named, err) < 0)
        return -1;
    if (named.n)
        qsort(named.items, named.n, sizeof *named.items, by_text);
    dir = opendir(root);
    if (!dir)
        return errno == ENOENT ? 0 : err_errno(err, ERR_INTERNAL, "%s", root);
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (name[0] == '.' ||
            (named.n && bsearch(&name, named.items, named.n, sizeof *named.items, by_text)))
            continue;
        work_add(s->tasks->config.work, remove_leftover,
                 xstrdup(mem_printf(named.mem, "%s/%s", root, name)));
    }
    closedir(dir);
    return 0;
}

static void unfinished_done(struct unfinished *u)
{
    names_done(&u->active);
    names_done(&u->forced);
}

int searches_recover(struct searches *s, struct err *err)
{
    CLEANUP(unfinished_done) struct unfinished u = { { .mem = mem_new() }, { .mem = mem_new() } };
    CLEANUP(db_closep) struct db *db = db_open(s->tasks->config.db_path, DB_READ, err);

    if (!db || searches_each_unfinished(db, note_unfinished, &u, err) < 0 ||
        remove_leftovers(s, db, err) < 0)
        return -1;
    plugins_sweep(s->tasks->config.settings, db);
    for (size_t i = 0; i < u.forced.n; i++)
        if (finish_force(s, db, u.forced.items[i], err) < 0)
            return -1;
    for (size_t i = 0; i < u.active.n; i++)
        if (recover_one(s, u.active.items[i], err) < 0)
            return -1;
    return 0;
}
