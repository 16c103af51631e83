// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "search/echo.h"
#include "search/form.h"
#include "search/loop.h"
#include "search/plugins/plugin_store.h"
#include "search/search_create.h"
#include "search/search_own.h"
#include "search/search_show.h"
#include "tasks/engine.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>

struct named {                  /* one search being changed by a call */
    struct call *call;
    struct search search;
    struct search_news news;
    bool with_execs;
    const char *creator;        /* of the searches to delete; NULL: everyone's */
    const char **folders;       /* to remove, n_folders */
    size_t n_folders;
};

static struct searches *room(const struct call *c) { return c->room; }

static struct named *own_named(struct call *c, struct err *err)
{
    struct named *n = mem_alloc(c->mem, sizeof *n);

    n->call = c;
    c->state = n;
    return search_own(c, &n->search, err) < 0 ? NULL : n;
}

static bool is_final(const struct search *s) { return s->ended_ms != INT_UNSET; }

/* --- stop, force, restart --- */

struct order {                  /* a message to the engine thread */
    struct searches *searches;
    void (*carry_out)(struct live *live);
    char *name;
};

static void carry_out(void *arg)
{
    struct order *o = arg;
    struct live *live = live_find(o->searches, o->name);

    if (live)
        o->carry_out(live);
    free(o->name);
    free(o);
}

static void send_order(struct call *c, const char *name, void (*fn)(struct live *live))
{
    struct order *o = xcalloc(1, sizeof *o);

    *o = (struct order){ room(c), fn, xstrdup(name) };
    loop_post(room(c)->tasks->config.loop, carry_out, o);
}

static int refuse_ended(const struct search *s, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "the search \"%.100s\" has already ended: it is %s", s->name,
                   s->state);
}

/* A search that ended between the look and the change was not stopped by us. */
static int as_ended(struct named *n, int rc, struct err *err)
{
    if (rc < 0 && err->kind == ERR_CONFLICT)
        return err_set(err, ERR_BAD_INPUT, "the search \"%.100s\" has already ended",
                       n->search.name);
    return rc;
}

static int make_stop(struct db *db, void *arg, struct err *err)
{
    struct named *n = arg;

    return as_ended(n, searches_ask_stop(db, n->search.name, err), err);
}

static int stop_stored(struct call *c, struct err *err)
{
    struct named *n = c->state;

    (void)err;
    send_order(c, n->search.name, search_stop);
    return reply_empty(c, 200);
}

static int stop_search(struct call *c, struct err *err)
{
    struct named *n = own_named(c, err);

    if (!n)
        return -1;
    if (is_final(&n->search))
        return refuse_ended(&n->search, err);
    return call_write(c, make_stop, n, stop_stored);
}

static int make_force(struct db *db, void *arg, struct err *err)
{
    struct named *n = arg;

    return as_ended(n, searches_force(db, n->search.name, clock_unix_ms(), &n->news, err), err);
}

static void news_release(void *arg) { text_done(arg); }

static int force_stored(struct call *c, struct err *err)
{
    struct named *n = c->state;

    (void)err;
    news_publish(room(c), n->search.creator, n->search.name, &n->news);
    send_order(c, n->search.name, search_abandon);
    return reply_empty(c, 200);
}

static int force_search(struct call *c, struct err *err)
{
    struct named *n = own_named(c, err);

    if (!n)
        return -1;
    if (is_final(&n->search))
        return refuse_ended(&n->search, err);
    mem_on_free(c->mem, news_release, &n->news.json);
    return call_write(c, make_force, n, force_stored);
}

static int make_restart(struct db *db, void *arg, struct err *err)
{
    struct named *n = arg;

    if (plugins_check_search(db, n->search.name, err) < 0)
        return -1;
    return searches_restart(db, n->search.name, clock_unix_ms(), &n->news, err);
}

static int load_restarted(struct call *c, struct err *err)
{
    struct named *n = c->state;
    struct live *live = live_load(room(c), n->search.name, err);

    if (!live)
        return -1;
    loop_post(room(c)->tasks->config.loop, search_adopt, live);
    return 0;
}

static int restarted(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 200);
}

static int restart_stored(struct call *c, struct err *err)
{
    struct named *n = c->state;

    (void)err;
    news_publish(room(c), n->search.creator, n->search.name, &n->news);
    return call_work(c, load_restarted, restarted);
}

static int restart_search(struct call *c, struct err *err)
{
    struct named *n = own_named(c, err);
    int state;

    if (!n)
        return -1;
    state = search_state_parse(n->search.state);
    if (state < 0 || search_step((enum search_state)state, SEARCH_AGAIN) < 0)
        return err_set(err, ERR_BAD_INPUT,
                       "only a search that is STOPPED or RECOVERFAILED can be restarted; \"%.100s\" "
                       "is %s", n->search.name, n->search.state);
    mem_on_free(c->mem, news_release, &n->news.json);
    return call_write(c, make_restart, n, restart_stored);
}

/* --- delete --- */

static void sweep(void *tasks) { engine_sweep(((struct tasks *)tasks)->engine); }

static void add_folder(struct named *n, const char *package)
{
    struct mem *mem = n->call->mem;

    if (package)
        n->folders[n->n_folders++] = mem_printf(
            mem, "%s/searches/%s", room(n->call)->tasks->config.settings->data_dir, package);
}

static int remove_folders(struct call *c, struct err *err)
{
    struct named *n = c->state;

    for (size_t i = 0; i < n->n_folders; i++)
        if (file_remove_tree(n->folders[i], err) < 0)
            return -1;
    return 0;
}

static int removed(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 200);
}

static int remove_stored(struct call *c, struct err *err)
{
    struct named *n = c->state;

    (void)err;
    if (n->with_execs)
        loop_post(room(c)->tasks->config.loop, sweep, room(c)->tasks);
    return call_work(c, remove_folders, removed);
}

static int make_remove(struct db *db, void *arg, struct err *err)
{
    struct named *n = arg;

    return searches_remove(db, n->search.name, n->with_execs, err);
}

static int delete_search(struct call *c, struct err *err)
{
    struct named *n = own_named(c, err);

    if (!n)
        return -1;
    if (!is_final(&n->search))
        return err_set(err, ERR_CONFLICT, "the search \"%.100s\" is %s; stop it first",
                       n->search.name, n->search.state);
    n->with_execs = call_query_bool(c, "withExecs");
    n->folders = mem_alloc(c->mem, sizeof *n->folders);
    add_folder(n, n->search.package);
    return call_write(c, make_remove, n, remove_stored);
}

static int note_folder(void *arg, const struct search *s, struct err *err)
{
    struct named *n = arg;
    const char **more;

    (void)err;
    if ((n->n_folders & (n->n_folders - 1)) == 0) { /* full at every power of two */
        more = mem_alloc(n->call->mem, (n->n_folders ? 2 * n->n_folders : 1) * sizeof *more);
        if (n->n_folders)
            memcpy(more, n->folders, n->n_folders * sizeof *more);
        n->folders = more;
    }
    add_folder(n, s->package);
    return 0;
}

/* The folders are noted in the change itself, so that they are those of the rows that go. */
static int make_remove_all(struct db *db, void *arg, struct err *err)
{
    struct named *n = arg;

    n->n_folders = 0;
    if (searches_each(db, n->creator, note_folder, n, err) < 0)
        return -1;
    return searches_remove_all(db, n->creator, n->with_execs, err);
}

static int delete_searches(struct call *c, struct err *err)
{
    struct named *n = mem_alloc(c->mem, sizeof *n);

    (void)err;
    n->call = c;
    n->creator = c->role == ADMIN ? NULL : c->user;
    n->with_execs = call_query_bool(c, "withExecs");
    c->state = n;
    return call_write(c, make_remove_all, n, remove_stored);
}

/* --- routes --- */

#define TAG .tag = "HyperSearch"
#define FIELDS { "fields", "string", false, "only these members of a record, comma separated" }
#define WITH_EXECS PARAMS({ "withExecs", "boolean", false, "true removes the tasks of the experiments too" })

const struct route searches_routes[] = {
    { GET, "/hypersearch", USER, search_list, "getAllHPO", TAG, .summary = "The searches you may see",
      .query = PARAMS({ "state", "string", false, "only these states, comma separated" },
                      { "creator", "string", false, "only this user's" },
                      { "search", "string", false, "only names that contain this" },
                      { "sort_by", "string", false, "hpoName, state, creator or createtime, then :asc or :desc" },
                      { "start", "integer", false, "how many to pass over" },
                      { "limit", "integer", false, "how many at most" }, FIELDS),
      .reply = { 200, "[HpoTaskState]", task_state_fields }, .failures = FAILURES(400, 401, 403, 500) },
    { POST, "/hypersearch", USER, search_create, "startHPO", TAG, .summary = "Start a search", .form = true,
      .parts = PARAMS({ "file", "file", true, "a script, or a tar, tar.gz or zip of the model's folder" },
                      { "data", "string", true, "the search, as JSON or Python text" },
                      { "prior", "file", false, "an Optuna study (SQLite) whose trials the algorithm is told first" }),
      .reply = { 200, "CreationResponse", creation_fields }, .failures = FAILURES(400, 401, 403, 409, 500) },
    { DELETE, "/hypersearch", USER, delete_searches, "deleteAllHPO", TAG, .summary = "Delete your searches",
      .query = WITH_EXECS, .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 409, 500) },
    { GET, "/hypersearch/{hpoName}", USER, search_show, "getOneHPO", TAG, .summary = "One search",
      .query = PARAMS(FIELDS, { "since", "string", false,
                                "only experiments that changed since: `next` of the last reply; 0 at first" }),
      .reply = { 200, "HpoTaskState", task_state_fields }, .missing = 400, .failures = FAILURES(400, 401, 403, 500) },
    { PUT, "/hypersearch/{hpoName}", USER, stop_search, "stopOneHPO", TAG, .summary = "Stop a search",
      .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { DELETE, "/hypersearch/{hpoName}", USER, delete_search, "deleteOneHPO", TAG, .summary = "Delete a search",
      .query = WITH_EXECS, .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 409, 500) },
    { PUT, "/hypersearch/{hpoName}/force", USER, force_search, "stopOneHPOForce", TAG,
      .summary = "Stop a search at once", .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { PUT, "/hypersearch/{hpoName}/restart", USER, restart_search, "restartOneHPO", TAG,
      .summary = "Go on with a stopped search", .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { .path = NULL },
};
