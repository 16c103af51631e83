// SPDX-License-Identifier: Apache-2.0
#include "tasks/app_list.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cluster/cluster.h"
#include "tasks/application.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { PAGE_MAX = 1000000 };

/* Fields that lists can be sorted by, and what the task calls them; NULL: the order of submission. */
static const struct { const char *name, *of_task; } sort_keys[] = {
    { "applicationid", "id" }, { "id", "id" },
    { "applicationname", "appName" }, { "name", "appName" },
    { "state", "state" },
    { "username", "creator" }, { "submit_user", "creator" },
    { "dltype", "framework" },
    { "sigName", "sigName" },
    { "submittedtime", NULL }, { "submit_time", NULL },
    { "timestamp", "startTime" }, { "start_time", "startTime" },
    { "endtime", "endTime" }, { "end_time", "endTime" },
    { "task12n_num", "numWorker" },
};

/* States that clients of other versions ask for and that no task of this server is ever in. */
static const char *const foreign_states[] = {
    "NEW", "PENDING_JOB_SCHEDULER", "LAUNCHING", "RECOVERING", "UNKNOWN", "WAITING", "FAILED",
};

static const char *query(struct call *c, const char *name)
{
    const char *value = call_query(c, name);

    return value && *value ? value : NULL;
}

static bool is_foreign(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(foreign_states); i++) {
        if (strlen(foreign_states[i]) == len && strncasecmp(foreign_states[i], name, len) == 0)
            return true;
    }
    return false;
}

/* The list without foreign states; "" when nothing is left of it. */
static const char *own_states(struct call *c, const char *states)
{
    CLEANUP(text_done) struct text own = {0};

    for (;;) {
        size_t len = strcspn(states, ",");

        if (!is_foreign(states, len))
            text_addf(&own, "%s%.*s", own.len ? "," : "", (int)len, states);
        if (!states[len])
            break;
        states += len + 1;
    }
    return mem_strdup(c->mem, own.data ? own.data : "");
}

static int read_sort(struct call *c, struct exec_filter *f, struct err *err)
{
    const char *sort = query(c, "sort"), *order = query(c, "order");

    if (order && !text_same(order, "asc") && !text_same(order, "desc"))
        return err_field(err, "order", "asc or desc", "order must be asc or desc, not \"%.40s\"",
                         order);
    f->descending = text_same(order, "desc");
    if (!sort)
        return 0;
    if (*sort == '-') {
        f->descending = true;
        sort++;
    }
    for (size_t i = 0; i < ARRAY_LEN(sort_keys); i++) {
        if (text_same(sort, sort_keys[i].name)) {
            f->sort = sort_keys[i].of_task;
            return 0;
        }
    }
    return err_field(
        err, "sort",
        "applicationid, applicationname, state, username, dltype, sigName, submittedtime, "
        "timestamp or endtime",
        "applications cannot be sorted by \"%.60s\"", sort);
}

/* *ret_none: nothing can match. */
static int read_filter(struct call *c, const char *group, struct exec_filter *f, bool *ret_none,
                       struct err *err)
{
    const char *states = query(c, "state");

    *f = (struct exec_filter){
        .creator = c->role == ADMIN ? NULL : c->user,
        .states = states ? own_states(c, states) : NULL,
        .search = query(c, "search"),
        .sig_name = group,
    };
    *ret_none = (f->states && !*f->states) || (group && !*group);
    return read_sort(c, f, err);
}

bool app_page_takes(struct app_page *p, const struct exec *exec)
{
    if (p->name && (!exec->app_name || strcmp(p->name, exec->app_name) != 0))
        return false;
    p->n_matched++;
    if (p->skip > 0) {
        p->skip--;
        return false;
    }
    if (p->left == 0)
        return false;
    if (p->left > 0)
        p->left--;
    if (p->n_taken++)
        text_add_char(&p->json, ',');
    return true;
}

int app_find_id(struct call *c, const char *id, struct exec *ret, struct err *err)
{
    if (execs_find(c->db, id, c->mem, ret, err) < 0)
        return -1;
    if (!call_owns(c, ret->creator))
        return err_set(err, ERR_NOT_FOUND, "there is no task %.200s", id);
    return 0;
}

int app_find(struct call *c, const char *param, struct exec *ret, struct err *err)
{
    return app_find_id(c, call_param(c, param), ret, err);
}

/* A filter by id leaves one task, or none: that is no error of a list. */
static int add_one(struct app_page *p, const char *id, const struct exec_filter *f,
                   exec_each_fn *each, struct err *err)
{
    struct call *c = p->call;
    const char *driver = query(c, "driverid");
    struct exec exec;

    if (app_find_id(c, id, &exec, err) < 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        *err = (struct err){0};
        return 0;
    }
    if ((driver && strcmp(driver, exec.submission_id) != 0) ||
        (f->sig_name && strcmp(f->sig_name, exec.sig_name) != 0) ||
        (f->states && !strcasestr(f->states, exec.state)))
        return 0;
    return each(p, &exec, err);
}

/* The database cuts the page, unless the name has still to be compared. */
static int add_many(struct app_page *p, struct exec_filter *f, exec_each_fn *each, struct err *err)
{
    int64_t start = p->skip, n = 0;

    if (!p->name) {
        f->start = p->skip;
        f->limit = p->left < 0 ? 0 : p->left;
        p->skip = 0;
    }
    if (p->left != 0 && execs_each(p->call->db, f, each, p, err) < 0)
        return -1;
    if (p->n_taken || p->name || start == 0)
        return 0;
    if (execs_count(p->call->db, f, &n, err) < 0)
        return -1;
    p->n_matched = n;
    return 0;
}

void app_page_add(struct app_page *p, const struct exec *exec, const struct field *fields)
{
    const struct tasks *t = p->call->room;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct application a;

    if (!app_page_takes(p, exec))
        return;
    application_make(exec, t->config.settings, clock_unix_ms(), mem, &a);
    fields_to_text(fields, &a, &p->json);
}

int app_page_of_group(struct call *c, const char *group, exec_each_fn *each, struct err *err)
{
    struct app_page p = { .call = c, .name = query(c, "applicationname"), .left = -1 };
    CLEANUP(text_done) struct text json = {0};
    const char *id = query(c, "applicationid");
    struct exec_filter filter;
    int64_t start = 0;
    bool none;

    if (read_filter(c, group, &filter, &none, err) < 0 ||
        call_query_int(c, "start", 0, INT32_MAX, &start, err) < 0 ||
        call_query_int(c, "length", 0, PAGE_MAX, &p.left, err) < 0)
        return -1;
    p.skip = start;
    if (!id)
        id = query(c, "driverid");
    text_add_char(&p.json, '[');
    if (!none &&
        (id ? add_one(&p, id, &filter, each, err) : add_many(&p, &filter, each, err)) < 0) {
        text_done(&p.json);
        return -1;
    }
    text_add_char(&p.json, ']');
    json = p.json;
    if (start > 0 && p.n_matched > 0 && start >= p.n_matched && !p.n_taken)
        return err_set(err, ERR_OUT_OF_RANGE,
                       "start is %" PRId64 ", but there are only %" PRId64 " applications", start,
                       p.n_matched);
    return reply_json(c, 200, &json);
}

int app_page_reply(struct call *c, exec_each_fn *each, struct err *err)
{
    const struct tasks *t = c->room;
    const char *id = query(c, "sigId");
    const struct group *group = id ? cluster_group_by_id(t->config.cluster, id) : NULL;

    return app_page_of_group(c, !id ? NULL : group ? group->name : "", each, err);
}
