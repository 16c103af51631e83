// SPDX-License-Identifier: Apache-2.0
/* Instance groups as clients of the cluster manager see them. They are configuration here: what
 * such a client wants done is either so already, or is refused with the setting that does it. */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/settings.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "http/call.h"
#include "tasks/app_list.h"
#include "tasks/app_log.h"
#include "tasks/application.h"
#include "tasks/tasks.h"

#include <string.h>

struct instance {
    const char *id, *name, *state, *consumer;
    int64_t slots, gpus, memory_mib;
    json_t *outputs, *connectors;
};

static const struct field instance_fields[] = {
    { "id",           TEXT(struct instance, id),         .doc = "stable for a name" },
    { "name",         TEXT(struct instance, name),       .doc = "sigName of a task" },
    { "state",        TEXT(struct instance, state),      .doc = "STARTED" },
    { "consumerpath", TEXT(struct instance, consumer),   .doc = "setting group.<name>.consumer" },
    { "slots",        INT(struct instance, slots),       .doc = "CPU slots in all" },
    { "gpuslots",     INT(struct instance, gpus),        .doc = "devices in all" },
    { "memory",       INT(struct instance, memory_mib),  .unit = "MiB", .doc = "in all" },
    { "outputs",      JSON(struct instance, outputs),    .doc = "empty object" },
    { "connectors",   JSON(struct instance, connectors), .doc = "empty list" },
    { .type = FIELD_END },
};

static bool wanted(struct call *c, const char *name, const char *value)
{
    const char *want = call_query(c, name);

    return !want || !*want || strcmp(want, value ? value : "") == 0;
}

static void write_instance(const struct group *g, struct text *json)
{
    json_t *outputs = json_object(), *connectors = json_array();

    fields_to_text(instance_fields, &(struct instance){
        g->id, g->name, "STARTED", g->consumer ? g->consumer : "", g->total.cpus, g->total.gpus,
        g->total.memory_mib, outputs, connectors }, json);
    json_decref(outputs);
    json_decref(connectors);
}

static int list_instances(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    CLEANUP(text_done) struct text json = {0};
    const struct group *g;

    (void)err;
    text_add_char(&json, '[');
    for (int i = 0; (g = cluster_each(t->config.cluster, i)); i++) {
        if (!wanted(c, "name", g->name) || !wanted(c, "id", g->id) ||
            !wanted(c, "consumerpath", g->consumer))
            continue;
        if (json.len > 1)
            text_add_char(&json, ',');
        write_instance(g, &json);
    }
    text_add_char(&json, ']');
    return reply_json(c, 200, &json);
}

static const struct group *find_group(struct call *c, const char *param, struct err *err)
{
    const struct tasks *t = c->room;
    const struct group *g = cluster_group_by_id(t->config.cluster, call_param(c, param));

    if (!g)
        err_set(err, ERR_NOT_FOUND,
                "there is no instance group with the id \"%.80s\"; GET /instances lists them",
                call_param(c, param));
    return g;
}

static int show_instance(struct call *c, struct err *err)
{
    const struct group *g = find_group(c, "id", err);
    CLEANUP(text_done) struct text json = {0};

    if (!g)
        return -1;
    write_instance(g, &json);
    return reply_json(c, 200, &json);
}

/* --- changes --- */

static int create_instance(struct call *c, struct err *err)
{
    (void)c;
    return err_set(err, ERR_FORBIDDEN,
                   "instance groups are configuration: add group.<name>.slots = N to dlpd.conf "
                   "and restart the server");
}

/* Deployed and started is what every group is. */
static int keep_instance(struct call *c, struct err *err)
{
    return find_group(c, "id", err) ? reply_empty(c, 200) : -1;
}

static int stop_instance(struct call *c, struct err *err)
{
    const struct group *g = find_group(c, "id", err);

    if (!g)
        return -1;
    return err_set(err, ERR_CONFLICT,
                   "instance group \"%s\" is always started: take group.%s out of dlpd.conf and "
                   "restart the server to end it",
                   g->name, g->name);
}

/* --- applications of a group --- */

static int add_application(void *arg, const struct exec *exec, struct err *err)
{
    (void)err;
    app_page_add(arg, exec, instance_application_fields);
    return 0;
}

static int list_applications(struct call *c, struct err *err)
{
    const struct group *g = find_group(c, "sigId", err);

    return g ? app_page_of_group(c, g->name, add_application, err) : -1;
}

/* The task with this driver, if it belongs to the group of the path. */
static int find_task(struct call *c, struct exec *ret, struct err *err)
{
    if (app_find(c, "driverId", ret, err) < 0)
        return -1;
    if (!ret->sig_id || strcmp(ret->sig_id, call_param(c, "sigId")) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no task %.120s in the instance group with the id \"%.80s\"",
                       call_param(c, "driverId"), call_param(c, "sigId"));
    return 0;
}

static int download_driver_log(struct call *c, struct err *err)
{
    struct exec exec;

    if (find_task(c, &exec, err) < 0)
        return -1;
    return app_log_reply(c, &exec, APP_DRIVER, call_param(c, "type"), err);
}

static int download_executor_log(struct call *c, struct err *err)
{
    struct exec exec;
    int64_t n;

    if (find_task(c, &exec, err) < 0)
        return -1;
    n = application_executor(&exec, call_param(c, "executorId"));
    if (n < 0)
        return err_set(err, ERR_NOT_FOUND,
                       "task %.120s has no executor \"%.80s\"; GET /instances/{id}/applications "
                       "lists them",
                       exec.id, call_param(c, "executorId"));
    return app_log_reply(c, &exec, n, call_param(c, "type"), err);
}

/* --- conda --- */

struct conda {
    const char *id, *name, *path, *state;
};

static const struct field conda_fields[] = {
    { "id",    TEXT(struct conda, id),    .doc = "conda" },
    { "name",  TEXT(struct conda, name),  .doc = "conda" },
    { "path",  TEXT(struct conda, path),  .doc = "setting paths.conda" },
    { "state", TEXT(struct conda, state), .doc = "READY" },
    { .type = FIELD_END },
};

static int list_conda(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    const char *home = t->config.settings->conda_home;
    CLEANUP(text_done) struct text json = {0};

    (void)err;
    text_add_char(&json, '[');
    if (home && *home)
        fields_to_text(conda_fields, &(struct conda){ "conda", "conda", home, "READY" }, &json);
    text_add_char(&json, ']');
    return reply_json(c, 200, &json);
}

const struct route conductor_routes[] = {
    { GET, "/instances", USER, list_instances, "conductorGetInstances", "Conductor",
      "The instance groups",
      .query = PARAMS({ "name", "string", false, "only this one" },
                      { "id", "string", false, "only this one" },
                      { "consumerpath", "string", false, "only of this consumer" },
                      { "fields", "string", false, "ignored: all fields come" }),
      .reply = { 200, "[Instance]", instance_fields }, .failures = FAILURES(401, 500) },
    { GET, "/instances/{id}", USER, show_instance, "conductorGetInstance", "Conductor",
      "One instance group", .reply = { 200, "Instance", instance_fields },
      .failures = FAILURES(401, 404, 500) },
    { POST, "/instances", ADMIN, create_instance, "conductorCreateInstance", "Conductor",
      "Refused: instance groups are configuration", .reply = { 201 },
      .failures = FAILURES(401, 403, 500) },
    { PUT, "/instances/{id}/deploy", ADMIN, keep_instance, "conductorDeployInstance", "Conductor",
      "Nothing to do: every instance group is deployed", .reply = { 200 },
      .failures = FAILURES(401, 403, 404, 500) },
    { PUT, "/instances/{id}/start", ADMIN, keep_instance, "conductorStartInstance", "Conductor",
      "Nothing to do: every instance group is started", .reply = { 200 },
      .failures = FAILURES(401, 403, 404, 500) },
    { PUT, "/instances/{id}/stop", ADMIN, stop_instance, "conductorStopInstance", "Conductor",
      "Refused: instance groups are configuration", .reply = { 200 },
      .failures = FAILURES(401, 403, 404, 409, 500) },
    { GET, "/instances/{sigId}/applications", USER, list_applications, "conductorGetApplications",
      "Conductor", "The applications of an instance group",
      .query = PARAMS({ "state", "string", false, "states, separated by commas" }),
      .reply = { 200, "[InstanceApplication]", instance_application_fields },
      .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/instances/{sigId}/applications/{driverId}/logs/{type}/download", USER,
      download_driver_log, "conductorGetDriverLog", "Conductor", "What the launcher of a task did",
      .reply = { 200, "string" }, .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/instances/{sigId}/applications/{driverId}/{executorId}/logs/{type}/download", USER,
      download_executor_log, "conductorGetExecutorLog", "Conductor",
      "What one worker of a task printed", .reply = { 200, "string" },
      .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/anaconda/instances", USER, list_conda, "conductorGetAnaconda", "Conductor",
      "The conda installation", .reply = { 200, "[Anaconda]", conda_fields },
      .failures = FAILURES(401, 500) },
    { .path = NULL },
};
