// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "http/call.h"
#include "tasks/app_list.h"
#include "tasks/app_log.h"
#include "tasks/application.h"
#include "tasks/exec_own.h"
#include "tasks/exec_store.h"
#include "tasks/tasks.h"

#include <string.h>

/* --- applications --- */

static int add_application(void *arg, const struct exec *exec, struct err *err)
{
    (void)err;
    app_page_add(arg, exec, application_fields);
    return 0;
}

static int list_applications(struct call *c, struct err *err)
{
    return app_page_reply(c, add_application, err);
}

static int add_engine_app(void *arg, const struct exec *exec, struct err *err)
{
    struct app_page *p = arg;
    const struct tasks *t = p->call->room;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct group *group = cluster_group_by_id(t->config.cluster, exec->sig_id);
    struct engine_app a;

    (void)err;
    if (!app_page_takes(p, exec))
        return 0;
    engine_app_make(exec, group ? group->consumer : NULL, mem, &a);
    fields_to_text(engine_app_fields, &a, &p->json);
    return 0;
}

static int list_engine_apps(struct call *c, struct err *err)
{
    return app_page_reply(c, add_engine_app, err);
}

/* A list of one; of none when there is no such task, which is how the CLI learns it. */
static int show_engine_app(struct call *c, struct err *err)
{
    struct app_page page = { .call = c, .left = 1 };
    struct exec exec;

    if (app_find(c, "id", &exec, err) == 0) {
        text_add_char(&page.json, '[');
        add_engine_app(&page, &exec, err);
        text_add_char(&page.json, ']');
    } else if (err->kind == ERR_NOT_FOUND) {
        *err = (struct err){0};
        text_add(&page.json, "[]");
    } else {
        return -1;
    }
    return reply_json(c, 200, &page.json);
}

/* --- stop --- */

static int stop_application(struct call *c, struct err *err)
{
    struct exec exec;

    return app_find(c, "id", &exec, err) < 0 ? -1 : exec_stop(c, &exec);
}

/* --- logs --- */

static int show_driver_log(struct call *c, struct err *err)
{
    struct exec exec;

    if (app_find(c, "appId", &exec, err) < 0)
        return -1;
    return app_log_reply(c, &exec, APP_DRIVER, call_param(c, "type"), err);
}

static int show_executor_log(struct call *c, struct err *err)
{
    const char *number = call_param(c, "n");
    struct exec exec;
    char *end;
    long long n = strtoll(number, &end, 10);

    if (app_find(c, "appId", &exec, err) < 0)
        return -1;
    if (!*number || *end || n < 1)
        return err_field(err, "n", "a whole number from 1",
                         "executors are numbered from 1, not \"%.40s\"", number);
    return app_log_reply(c, &exec, n - 1, call_param(c, "type"), err);
}

/* --- instance groups --- */

struct group_record {           /* SigAppInstanceDetail */
    const char *uuid, *name, *version, *master_url, *user, *state, *history_url;
};

#define G struct group_record
static const struct field group_fields[] = {
    { "uuid",             TEXT(G, uuid),        .doc = "stable for a name" },
    { "name",             TEXT(G, name),        .doc = "sigName of a task" },
    { "version",          TEXT(G, version),     .doc = "of the server" },
    { "masterUrl",        TEXT(G, master_url),  .doc = "empty" },
    { "executionUser",    TEXT(G, user),        .doc = "OS user of its tasks; empty: the server's" },
    { "state",            TEXT(G, state),       .doc = "STARTED" },
    { "historyServerUrl", TEXT(G, history_url), .doc = "empty" },
    { .type = FIELD_END },
};
#undef G

static int list_groups(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    CLEANUP(text_done) struct text json = {0};
    const struct group *g;

    (void)err;
    text_add_char(&json, '[');
    for (int i = 0; (g = cluster_each(t->config.cluster, i)); i++) {
        if (i)
            text_add_char(&json, ',');
        fields_to_text(group_fields, &(struct group_record){
            g->id, g->name, TRAINYARD_VERSION, "", g->user ? g->user : "", "STARTED", "" }, &json);
    }
    text_add_char(&json, ']');
    return reply_json(c, 200, &json);
}

/* --- what exists only where a container platform runs tasks --- */

static const char *job_status(const struct exec *e)
{
    switch ((enum exec_state)exec_state_parse(e->state)) {
    case EXEC_SUBMITTED: case EXEC_PENDING: return "Pending";
    case EXEC_RUNNING:  return "Running";
    case EXEC_FINISHED: return "Finished";
    case EXEC_KILLED:   return "Killed";
    default:            return "Error";
    }
}

static int show_objects(struct call *c, struct err *err)
{
    const char *name = call_query(c, "name");
    CLEANUP(text_done) struct text json = {0};
    char time[32];
    struct exec exec;

    if (!name || !*name) {
        text_add(&json, "{\"items\":[]}");
        return reply_json(c, 200, &json);
    }
    if (app_find_id(c, name, &exec, err) < 0)
        return -1;
    text_add(&json, "{\"metadata\":{\"name\":");
    text_add_json(&json, exec.id);
    text_addf(&json,
              "},\"status\":{\"jobStatus\":\"%s\",\"jobPendingReason\":\"%s\","
              "\"creationTimestamp\":\"%s\"",
              job_status(&exec),
              exec_state_parse(exec.state) == EXEC_PENDING ? "waiting for free slots" : "",
              clock_utc_text(exec.created_ms, time));
    if (exec.started_ms != INT_UNSET)
        text_addf(&json, ",\"jobStartTime\":\"%s\"", clock_utc_text(exec.started_ms, time));
    text_add(&json, "},\"spec\":{\"taskGroups\":[]}}");
    return reply_json(c, 200, &json);
}

/* One plan that cannot be changed: tasks are queued by priority, then by fair share between users. */
static int show_plans(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};

    (void)err;
    text_add(&json, "{\"id\":\"default\",\"pid\":\"\",\"childTreeDto\":[]}");
    return reply_json(c, 200, &json);
}

static int show_plan(struct call *c, struct err *err)
{
    if (strcmp(call_param(c, "name"), "default") != 0)
        return err_set(err, ERR_NOT_FOUND, "there is no resource plan \"%.80s\", only \"default\"",
                       call_param(c, "name"));
    return show_plans(c, err);
}

static int delete_plan(struct call *c, struct err *err)
{
    return err_set(err, ERR_FORBIDDEN,
                   "resource plan \"%.80s\" cannot be deleted: there is one plan, built in",
                   call_param(c, "name"));
}

#define LOG_QUERY PARAMS({ "lastlines", "integer", false, "only the last lines" })
#define PAGE_QUERY PARAMS( \
    { "applicationid",   "string", false, "the application with this id" }, \
    { "applicationname", "string", false, "only applications of this name" }, \
    { "driverid",        "string", false, "the application with this driver" }, \
    { "search",          "string", false, "text in id, name, user or framework" }, \
    { "sort",            "string", false, "a field; with a leading minus, descending" }, \
    { "order",           "string", false, "asc or desc; a minus wins" }, \
    { "start",           "string", false, "how many to pass over" }, \
    { "length",          "string", false, "at most so many" }, \
    { "state",           "string", false, "states, separated by commas" }, \
    { "sigId",           "string", false, "only of the instance group with this id" })

const struct route scheduler_routes[] = {
    { GET, "/scheduler/applications", USER, list_applications, "getApplications", "Scheduler",
      "What runs, waits and has run", .query = PAGE_QUERY,
      .reply = { 200, "[SparkApplicationDetail]", application_fields },
      .failures = FAILURES(400, 401, 403, 416, 500) },
    { GET, "/scheduler/instances", USER, list_groups, "getAppInstances", "Scheduler",
      "The instance groups", .reply = { 200, "[SigAppInstanceDetail]", group_fields },
      .failures = FAILURES(400, 401, 403, 500) },
    { PUT, "/scheduler/applications/{id}/stop", USER, stop_application, "stopApplication",
      "Scheduler", "Stop an application", .reply = { 204 }, .failures = FAILURES(401, 404, 500) },
    { GET, "/scheduler/applications/{appId}/driver/logs/{type}", USER, show_driver_log,
      "getDriverLog", "Scheduler", "What the launcher did", .query = LOG_QUERY,
      .reply = { 200, "string" }, .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/scheduler/applications/{appId}/executor/{n}/logs/{type}", USER, show_executor_log,
      "getExecutorLog", "Scheduler", "What one worker printed, counted from 1", .query = LOG_QUERY,
      .reply = { 200, "string" }, .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/scheduler/engine/applications", USER, list_engine_apps, "getEngineApplications",
      "Scheduler", "Applications with what they ask for and hold", .query = PAGE_QUERY,
      .reply = { 200, "[EngineApplication]", engine_app_fields },
      .failures = FAILURES(400, 401, 416, 500) },
    { GET, "/scheduler/engine/applications/{id}", USER, show_engine_app, "getEngineApplication",
      "Scheduler", "A list of one application, or of none",
      .reply = { 200, "[EngineApplication]", engine_app_fields }, .failures = FAILURES(401, 500) },
    { GET, "/scheduler/kubernetesobjects", USER, show_objects, "getKubernetesObjects", "Scheduler",
      "A task in the form of a Kubernetes object",
      .query = PARAMS({ "type", "string", false, "ignored" },
                      { "name", "string", false, "the task's id" }),
      .reply = { 200, "string" }, .failures = FAILURES(401, 404, 500) },
    { GET, "/resplans/resplantree", USER, show_plans, "getResourcePlanTree", "Scheduler",
      "The resource plan", .reply = { 200, "string" }, .failures = FAILURES(401, 500) },
    { GET, "/resplans/resplan/{name}", USER, show_plan, "getResourcePlan", "Scheduler",
      "One resource plan", .reply = { 200, "string" }, .failures = FAILURES(401, 404, 500) },
    { DELETE, "/resplans/resplan/{name}", USER, delete_plan, "deleteResourcePlan", "Scheduler",
      "Refused: the plan is built in", .reply = { 204 }, .failures = FAILURES(401, 403, 500) },
    { .path = NULL },
};
