// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "search/echo.h"
#include "search/loop.h"
#include "search/record.h"
#include "search/search_create.h"
#include "tasks/engine.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>

enum { LIST_LIMIT_MAX = 1000000 };

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

/* The search of the path, if it is the caller's. Others' are as good as absent. */
static int own_search(struct call *c, struct search *ret, struct err *err)
{
    const char *name = call_param(c, "hpoName");

    if (searches_find(c->db, name, c->mem, ret, err) < 0)
        return -1;
    if (!call_owns(c, ret->creator))
        return err_set(err, ERR_NOT_FOUND, "there is no search \"%.100s\"", name);
    return 0;
}

static struct named *own_named(struct call *c, struct err *err)
{
    struct named *n = mem_alloc(c->mem, sizeof *n);

    n->call = c;
    c->state = n;
    return own_search(c, &n->search, err) < 0 ? NULL : n;
}

static bool is_final(const struct search *s) { return s->ended_ms != INT_UNSET; }

/* --- reading --- */

static int show_search(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    struct search s;

    if (own_search(c, &s, err) < 0 ||
        record_write(room(c)->records, c->db, &s, c->mem, &out, err) < 0)
        return -1;
    return reply_json(c, 200, &out);
}

struct filter {
    struct call *call;
    const char *states;         /* ",RUNNING,FINISHED,"; NULL: all */
    const char *creator, *search, *sort;
    bool descending;
    int64_t start, limit;
    struct search *found;       /* [n] in call->mem but for the array */
    size_t n, cap;
};

static bool passes(const struct filter *f, const struct search *s)
{
    char state[32];

    snprintf(state, sizeof state, ",%s,", s->state);
    return (!f->states || strcasestr(f->states, state)) &&
           (!f->creator || strcmp(f->creator, s->creator) == 0) &&
           (!f->search || strcasestr(s->name, f->search));
}

static int note_search(void *arg, const struct search *s, struct err *err)
{
    struct filter *f = arg;
    struct mem *mem = f->call->mem;

    (void)err;
    if (!passes(f, s))
        return 0;
    if (f->n == f->cap) {
        f->cap = f->cap * 2 + 16;
        f->found = xrealloc(f->found, f->cap * sizeof *f->found);
    }
    f->found[f->n++] = (struct search){ .seq = s->seq,
                                        .name = mem_strdup(mem, s->name),
                                        .state = mem_strdup(mem, s->state),
                                        .creator = mem_strdup(mem, s->creator) };
    return 0;
}

static int by_key(const void *a, const void *b, void *arg)
{
    const struct search *x = a, *y = b;
    const struct filter *f = arg;
    int order = 0;

    if (text_same(f->sort, "hpoName"))
        order = strcmp(x->name, y->name);
    else if (text_same(f->sort, "state"))
        order = strcmp(x->state, y->state);
    else if (text_same(f->sort, "creator"))
        order = strcmp(x->creator, y->creator);
    if (order == 0)
        order = (x->seq > y->seq) - (x->seq < y->seq);
    return f->descending ? -order : order;
}

/* `sort_by=field[:asc|:desc]`, or `sort=[-]field`. */
static int read_sort(struct call *c, struct filter *f, struct err *err)
{
    static const char *const keys[] = { "hpoName", "state", "creator", "createtime" };
    const char *sort_by = call_query(c, "sort_by"), *sort = call_query(c, "sort");
    const char *order = sort_by ? strchr(sort_by, ':') : NULL;

    f->sort = sort_by ? mem_strndup(c->mem, sort_by, strcspn(sort_by, ":")) : sort;
    f->descending = order && text_same(order, ":desc");
    if (!f->sort || !*f->sort)
        return 0;
    if (!sort_by && *f->sort == '-') {
        f->descending = true;
        f->sort++;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (text_same(f->sort, keys[i]))
            return 0;
    return err_field(err, "sort_by", "hpoName, state, creator or createtime, then :asc or :desc",
                     "searches cannot be sorted by \"%.40s\"", f->sort);
}

static int read_filter(struct call *c, struct filter *f, struct err *err)
{
    const char *states = call_query(c, "state");

    *f = (struct filter){ .call = c,
                          .creator = call_query(c, "creator"),
                          .search = call_query(c, "search"),
                          .limit = LIST_LIMIT_MAX };
    if (states && *states)
        f->states = mem_printf(c->mem, ",%s,", states);
    if (call_query_int(c, "offset", 0, INT32_MAX, &f->start, err) < 0 ||
        call_query_int(c, "start", 0, INT32_MAX, &f->start, err) < 0 ||
        call_query_int(c, "limit", 1, LIST_LIMIT_MAX, &f->limit, err) < 0)
        return -1;
    return read_sort(c, f, err);
}

static void filter_done(struct filter *f) { free(f->found); }

static int list_searches(struct call *c, struct err *err)
{
    CLEANUP(filter_done) struct filter f = {0};
    CLEANUP(text_done) struct text out = {0};

    if (read_filter(c, &f, err) < 0 ||
        searches_each(c->db, c->role == ADMIN ? NULL : c->user, note_search, &f, err) < 0)
        return -1;
    if (f.sort && f.n)
        qsort_r(f.found, f.n, sizeof *f.found, by_key, &f);
    text_add_char(&out, '[');
    for (size_t i = (size_t)f.start; i < f.n && i < (size_t)(f.start + f.limit); i++) {
        size_t before = out.len;
        struct search s;
        struct err gone = {0};

        if (before > 1)
            text_add_char(&out, ',');
        if (searches_find(c->db, f.found[i].name, c->mem, &s, &gone) == 0 &&
            record_write(room(c)->records, c->db, &s, c->mem, &out, &gone) == 0)
            continue;
        if (gone.kind != ERR_NOT_FOUND) {
            *err = gone;
            return -1;
        }
        out.len = before; /* deleted meanwhile */
    }
    text_add_char(&out, ']');
    return reply_json(c, 200, &out);
}

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
#define WITH_EXECS PARAMS({ "withExecs", "boolean", false, "true removes the tasks of the experiments too" })

const struct route searches_routes[] = {
    { GET, "/hypersearch", USER, list_searches, "getAllHPO", TAG, .summary = "The searches you may see",
      .query = PARAMS({ "state", "string", false, "only these states, comma separated" },
                      { "creator", "string", false, "only this user's" },
                      { "search", "string", false, "only names that contain this" },
                      { "sort_by", "string", false, "hpoName, state, creator or createtime, then :asc or :desc" },
                      { "start", "integer", false, "how many to pass over" },
                      { "limit", "integer", false, "how many at most" }),
      .reply = { 200, "[HpoTaskState]", task_state_fields }, .failures = FAILURES(400, 401, 403, 500) },
    { POST, "/hypersearch", USER, search_create, "startHPO", TAG, .summary = "Start a search", .form = true,
      .parts = PARAMS({ "file", "file", true, "a script, or a tar, tar.gz or zip of the model's folder" },
                      { "data", "string", true, "the search, as JSON or Python text" }),
      .reply = { 200, "CreationResponse", creation_fields }, .failures = FAILURES(400, 401, 403, 409, 500) },
    { DELETE, "/hypersearch", USER, delete_searches, "deleteAllHPO", TAG, .summary = "Delete your searches",
      .query = WITH_EXECS, .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 409, 500) },
    { GET, "/hypersearch/{hpoName}", USER, show_search, "getOneHPO", TAG, .summary = "One search",
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
