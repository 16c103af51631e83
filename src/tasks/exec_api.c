// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/call.h"
#include "store/writer.h"
#include "tasks/exec.h"
#include "tasks/exec_cache.h"
#include "tasks/exec_own.h"
#include "tasks/exec_routes.h"
#include "tasks/exec_store.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>

enum { LIST_LIMIT_MAX = 1000000 };

int exec_own(struct call *c, struct exec *ret, struct err *err)
{
    const char *id = call_param(c, "execId");

    if (execs_find(c->db, id, c->mem, ret, err) < 0)
        return -1;
    if (!call_owns(c, ret->creator))
        return err_set(err, ERR_NOT_FOUND, "there is no task %.200s", id);
    return 0;
}

/* The call that clients poll: from the cache while nothing has been written. */
static int show_exec(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    const char *id = call_param(c, "execId");
    uint64_t commits = writer_commits(t->config.writer);
    struct text json = {0};
    struct exec exec;

    if (exec_cache_find(t->cache, id, commits, c->role == ADMIN ? NULL : c->user, &json))
        return reply_json(c, 200, &json);
    if (exec_own(c, &exec, err) < 0)
        return -1;
    fields_to_text(exec_fields, &exec, &json);
    exec_cache_keep(t->cache, id, commits, exec.creator, &json);
    return reply_json(c, 200, &json);
}

/* --- the list --- */

/* `sort_by=field[:asc|:desc]`, or `sort=[-]field`. */
static int read_sort(struct call *c, struct exec_filter *f, struct err *err)
{
    const char *sort_by = call_query(c, "sort_by"), *sort = call_query(c, "sort");
    const char *order;
    size_t len;

    if (sort && *sort) {
        f->descending = *sort == '-';
        f->sort = sort + f->descending;
        return 0;
    }
    if (!sort_by || !*sort_by)
        return 0;
    len = strcspn(sort_by, ":");
    order = sort_by[len] ? sort_by + len + 1 : "asc";
    if (!text_same(order, "asc") && !text_same(order, "desc"))
        return err_field(err, "sort_by", "field, field:asc or field:desc",
                         "there is no order %.40s", order);
    f->sort = mem_strndup(c->mem, sort_by, len);
    f->descending = text_same(order, "desc");
    return 0;
}

static const char *query_or_null(struct call *c, const char *name)
{
    const char *value = call_query(c, name);

    return value && *value ? value : NULL;
}

static int read_filter(struct call *c, struct exec_filter *f, struct err *err)
{
    *f = (struct exec_filter){
        .creator = query_or_null(c, "creator"), .states = query_or_null(c, "state"),
        .framework = query_or_null(c, "framework"), .sig_name = query_or_null(c, "sigName"),
        .search = query_or_null(c, "search"), .after = query_or_null(c, "after"),
    };
    if (call_query_int(c, "offset", 0, INT32_MAX, &f->start, err) < 0
        || call_query_int(c, "start", 0, INT32_MAX, &f->start, err) < 0
        || call_query_int(c, "limit", 1, LIST_LIMIT_MAX, &f->limit, err) < 0)
        return -1;
    return read_sort(c, f, err);
}

static int add_exec(void *arg, const struct exec *exec, struct err *err)
{
    struct text *t = arg;

    (void)err;
    text_add_char(t, t->len == 0 ? '[' : ',');
    fields_to_text(exec_fields, exec, t);
    return 0;
}

static int list_execs(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    struct exec_filter f;

    if (read_filter(c, &f, err) < 0)
        return -1;
    if (c->role != ADMIN && f.creator && strcmp(f.creator, c->user) != 0)
        f.limit = -1;       /* of another: there is nothing to see */
    if (c->role != ADMIN)
        f.creator = c->user;
    if (f.limit >= 0 && execs_each(c->db, &f, add_exec, &out, err) < 0)
        return -1;
    text_add(&out, out.len == 0 ? "[]" : "]");
    return reply_json(c, 200, &out);
}

/* --- stop and delete --- */

static void stop_done(void *arg, const struct err *err)
{
    struct call *c = arg;

    *c->err = *err;
    call_wake(c);
}

static int stop_stored(struct call *c, struct err *err)
{
    if (c->err->kind != ERR_NONE) {
        *err = *c->err;
        return -1;
    }
    return reply_empty(c, 204);
}

int exec_stop(struct call *c, const struct exec *exec)
{
    int waits;

    if (exec_state_is_final((enum exec_state)exec_state_parse(exec->state)))
        return reply_empty(c, 204);
    waits = call_wait(c, stop_stored);
    tasks_stop(c->room, exec->id, /* force= */ false, stop_done, c);
    return waits;
}

static int stop_exec(struct call *c, struct err *err)
{
    struct exec exec;

    return exec_own(c, &exec, err) < 0 ? -1 : exec_stop(c, &exec);
}

static int mark_one(struct db *db, void *arg, struct err *err)
{
    struct call *c = arg;

    return execs_mark_deleted(db, c->state, err);
}

static int mark_all(struct db *db, void *arg, struct err *err)
{
    struct call *c = arg;

    return execs_mark_all_deleted(db, c->user, err);
}

static int marked(struct call *c, struct err *err)
{
    (void)err;
    tasks_sweep(c->room);
    return reply_empty(c, 204);
}

static int delete_exec(struct call *c, struct err *err)
{
    struct exec exec;

    if (exec_own(c, &exec, err) < 0)
        return -1;
    c->state = mem_strdup(c->mem, exec.id);
    return call_write(c, mark_one, c, marked);
}

static int delete_execs(struct call *c, struct err *err)
{
    (void)err;
    return call_write(c, mark_all, c, marked);
}

/* --- status --- */

struct status_execs { int64_t n_running, n_pending; };
struct status_hpo { int64_t n_running; };

struct status {
    const char *status, *version;
    int64_t uptime_s;
    struct status_execs execs;
    struct status_hpo hpo;
};

static const struct field status_execs_fields[] = {
    { "running", INT(struct status_execs, n_running), .doc = "tasks with processes" },
    { "pending", INT(struct status_execs, n_pending), .doc = "tasks that wait for slots" },
    { .type = FIELD_END },
};
static const struct field status_hpo_fields[] = {
    { "running", INT(struct status_hpo, n_running), .doc = "searches that have not ended" },
    { .type = FIELD_END },
};
static const struct field status_fields[] = {
    { "status",  TEXT(struct status, status),   .doc = "ok" },
    { "version", TEXT(struct status, version),  .doc = "of the server" },
    { "uptime",  INT(struct status, uptime_s),  .unit = "s", .doc = "since the server started" },
    { "execs",   OBJECT(struct status, execs, status_execs_fields) },
    { "hpo",     OBJECT(struct status, hpo, status_hpo_fields) },
    { .type = FIELD_END },
};

static int show_status(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    struct exec_counts n;
    struct status s;

    if (execs_counts(c->db, &n, err) < 0)
        return -1;
    s = (struct status){ .status = "ok", .version = TRAINYARD_VERSION,
                         .uptime_s = (clock_mono_ms() - t->started_mono_ms) / 1000,
                         .execs = { n.n_running, n.n_pending }, .hpo = { n.n_searches } };
    return reply_fields(c, 200, status_fields, &s);
}

#define LIST_QUERY PARAMS( \
    { "limit",     "integer", .doc = "at most so many" }, \
    { "start",     "integer", .doc = "how many to pass over; also offset" }, \
    { "after",     "string",  .doc = "go on after the task with this id" }, \
    { "state",     "string",  .doc = "states, comma separated" }, \
    { "sort_by",   "string",  .doc = "field, field:asc or field:desc; also sort=-field" }, \
    { "framework", "string",  .doc = "of this framework only" }, \
    { "sigName",   "string",  .doc = "of this instance group only" }, \
    { "creator",   "string",  .doc = "of this user only; administrators" }, \
    { "search",    "string",  .doc = "text in id, appName, creator or framework" })

#define SUBMIT_QUERY PARAMS( \
    { "sigName", "string", .required = true, .doc = "instance group; absent: the default one" }, \
    { "args",    "string", .required = true, .doc = "--exec-start FRAMEWORK ...; may come in the data part" })

#define SUBMIT_PARTS PARAMS( \
    { "file", "file",   .required = true, .doc = "a script, or a tar, tar.gz or zip of a folder" }, \
    { "data", "string", .doc = "JSON: args, hardwareSpec, dataSource" })

#define LOG_QUERY PARAMS( \
    { "logType",   "string",  .doc = "outlog, errlog or outerrlog" }, \
    { "lastlines", "integer", .doc = "only the last lines" }, \
    { "offset",    "integer", .doc = "only from this byte; X-Log-Size says where the next begins" })

#define RESULT_QUERY PARAMS( \
    { "all", "boolean", .doc = "with the submitted code" })

const struct route exec_routes[] = {
    { GET, "/execs", USER, list_execs, "execsGet", "Execs", "The tasks",
      .query = LIST_QUERY, .reply = { 200, "[Batch]", exec_fields }, .missing = 400,
      .failures = FAILURES(401, 500) },
    { POST, "/execs", USER, submit_exec, "execsPost", "Execs", "Submit a task",
      .form = true, .query = SUBMIT_QUERY, .parts = SUBMIT_PARTS,
      .reply = { 200, "Batch", exec_fields }, .missing = 400, .failures = FAILURES(401, 500) },
    { DELETE, "/execs", USER, delete_execs, "execsDelete", "Execs", "Delete all tasks of the caller",
      .reply = { 204, NULL, NULL }, .missing = 400, .failures = FAILURES(401, 500) },
    { GET, "/execs/{execId}", USER, show_exec, "execsExecIdGet", "Execs", "One task",
      .reply = { 200, "Batch", exec_fields }, .missing = 400, .failures = FAILURES(400, 401, 500) },
    { DELETE, "/execs/{execId}", USER, delete_exec, "execsExecIdDelete", "Execs", "Delete a task",
      .reply = { 204, NULL, NULL }, .missing = 400, .failures = FAILURES(400, 401, 500) },
    { POST, "/execs/{execId}/stop", USER, stop_exec, "execsExecIdStopPost", "Execs", "Stop a task",
      .reply = { 204, NULL, NULL }, .missing = 400, .failures = FAILURES(400, 401, 500) },
    { GET, "/execs/{execId}/log", USER, show_log, "execsExecIdLogGet", "Execs", "What a task printed",
      .query = LOG_QUERY, .reply = { 200, "string", NULL }, .missing = 400,
      .failures = FAILURES(400, 401, 500) },
    { GET, "/execs/{execId}/result", USER, download_result, "execsExecIdResultGet", "Execs",
      "What a task left, as a zip", .query = RESULT_QUERY, .reply = { 200, "string", NULL },
      .missing = 400, .failures = FAILURES(400, 401, 500) },
    { GET, "/status", USER, show_status, "getStatus", "Configuration", "Whether the server is well",
      .reply = { 200, "Status", status_fields }, .failures = FAILURES(401, 500) },
    { .path = NULL },
};
