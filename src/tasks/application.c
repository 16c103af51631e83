// SPDX-License-Identifier: Apache-2.0
#include "tasks/application.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "tasks/exec_paths.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { UUID_LENGTH = 36, WORKERS_SHOWN_MAX = 4096 };

static const struct field driver_fields[] = {
    { "id",           TEXT(struct app_driver, id),           .doc = "the task's submissionId" },
    { "containerid",  TEXT(struct app_driver, container_id), .doc = "empty" },
    { "state",        TEXT(struct app_driver, state),        .doc = "of the task" },
    { "host",         TEXT(struct app_driver, host),         .doc = "the machine" },
    { "coresused",    REAL(struct app_driver, cores),        .format = "double", .doc = "0: the launcher holds none" },
    { "memused",      REAL(struct app_driver, memory_mib),   .format = "double", .unit = "MiB", .doc = "0" },
    { "timestamp",    INT(struct app_driver, timestamp_ms),  .format = "int64", .unit = "ms", .doc = "start, Unix time" },
    { "driverstdout", TEXT(struct app_driver, out),          .doc = "path of the launcher's log" },
    { "driverstderr", TEXT(struct app_driver, err),          .doc = "the same" },
    { .type = FIELD_END },
};

static const struct field executor_fields[] = {
    { "id",             TEXT(struct app_executor, id),           .doc = "<n>-<uuid>, n from 0" },
    { "containerid",    TEXT(struct app_executor, container_id), .doc = "empty" },
    { "state",          TEXT(struct app_executor, state),        .doc = "of the task" },
    { "host",           TEXT(struct app_executor, host),         .doc = "the machine" },
    { "coresused",      REAL(struct app_executor, cores),        .format = "double", .doc = "CPU slots held" },
    { "memused",        REAL(struct app_executor, memory_mib),   .format = "double", .unit = "MiB", .doc = "memory granted" },
    { "timestamp",      INT(struct app_executor, timestamp_ms),  .format = "int64", .unit = "ms", .doc = "start, Unix time" },
    { "executorstdout", TEXT(struct app_executor, out),          .doc = "path of its standard output" },
    { "executorstderr", TEXT(struct app_executor, err),          .doc = "path of its standard error" },
    { .type = FIELD_END },
};

static const struct field task_fields[] = {
    { "id",    INT(struct app_task, id),     .doc = "0 is the launcher, workers count from 1" },
    { "state", TEXT(struct app_task, state), .doc = "of the task" },
    { "ip",    TEXT(struct app_task, ip),    .doc = "address of the machine" },
    { "host",  TEXT(struct app_task, host),  .doc = "the machine" },
    { .type = FIELD_END },
};

#define A struct application
const struct field application_fields[] = {
    { "sparkinstancegroupid",  TEXT(A, group_id),      .doc = "id of the instance group" },
    { "applicationid",         TEXT(A, id),            .doc = "the task's appId" },
    { "applicationname",       TEXT(A, name),          .doc = "appName of the task" },
    { "type",                  TEXT(A, type),          ALLOWED("BATCH", "NOTEBOOK"), .doc = "BATCH" },
    { "state",                 TEXT(A, state),         .doc = "of the task" },
    { "uiport",                TEXT(A, ui_port),       .doc = "empty" },
    { "driver",                OBJECT(A, driver, driver_fields), .schema = "DriverDetail", .doc = "the launcher" },
    { "executors",             LIST(A, executors, struct app_executor, executor_fields), .schema = "ExecutorDetail",
      .doc = "one per worker" },
    { "slots",                 INT(A, slots),          .doc = "devices held; CPU slots without devices" },
    { "demandslots",           INT(A, demand_slots),   .doc = "the same, wanted" },
    { "hosts",                 INT(A, hosts),          .doc = "machines in use" },
    { "coresused",             REAL(A, cores),         .format = "double", .doc = "CPU slots held" },
    { "memused",               REAL(A, memory_mib),    .format = "double", .unit = "MiB", .doc = "memory granted" },
    { "username",              TEXT(A, user),          .doc = "who submitted" },
    { "driverexecutionuser",   TEXT(A, driver_user),   .doc = "OS user" },
    { "executorexecutionuser", TEXT(A, executor_user), .doc = "OS user" },
    { "timestamp",             INT(A, timestamp_ms),   .format = "int64", .unit = "ms", .doc = "start, else submission" },
    { "submittedtime",         INT(A, submitted_ms),   .format = "int64", .unit = "ms", .doc = "Unix time" },
    { "masterUrl",             TEXT(A, master_url),    .doc = "empty" },
    { "endtime",               INT(A, ended_ms),       .format = "int64", .unit = "ms", .doc = "Unix time; 0: not yet" },
    { "scheduleName",          TEXT(A, schedule_name), .doc = "empty" },
    { "issharedapp",           TEXT(A, shared),        .doc = "false" },
    { "apprunduration",        REAL(A, run_minutes),   .format = "double", .unit = "minutes", .doc = "so far" },
    { "masterSeqNo",           INT(A, master_seq),     .doc = "0" },
    { "masterService",         TEXT(A, master_service),.doc = "empty" },
    { "model",                 TEXT(A, model),         .doc = "empty for a submitted program" },
    { "dataset",               TEXT(A, dataset),       .doc = "the dataset it builds or reads" },
    { "dltype",                TEXT(A, framework),     .doc = "the framework" },
    { "tunningname",           TEXT(A, search),        .doc = "the search it is a trial of" },
    { "sigName",               TEXT(A, group_name),    .doc = "the instance group" },
    { "historyServerUrl",      TEXT(A, history_url),   .doc = "empty" },
    { "task0",                 OBJECT(A, task0, task_fields), .doc = "the launcher" },
    { "task12n",               LIST(A, workers, struct app_task, task_fields), .doc = "the workers" },
    { .type = FIELD_END },
};

static const struct field driver_short_fields[] = {
    { "id",    TEXT(struct app_driver_short, id),    .doc = "the task's submissionId" },
    { "state", TEXT(struct app_driver_short, state), .doc = "of the task" },
    { .type = FIELD_END },
};

static const struct field executor_short_fields[] = {
    { "id", TEXT(struct app_executor_short, id), .doc = "<n>-<uuid>, n from 0" },
    { .type = FIELD_END },
};

static const struct field total_fields[] = {
    { "total", REAL(struct app_total, total), .doc = "0: not measured" },
    { .type = FIELD_END },
};

const struct field instance_application_fields[] = {
    { "applicationid",   TEXT(A, id),          .doc = "the task's appId" },
    { "applicationname", TEXT(A, name),        .doc = "appName of the task" },
    { "username",        TEXT(A, user),        .doc = "who submitted" },
    { "state",           TEXT(A, state),       .doc = "of the task" },
    { "driver",          OBJECT(A, driver_short, driver_short_fields), .doc = "the launcher" },
    { "executors",       LIST(A, executors_short, struct app_executor_short, executor_short_fields),
                                               .doc = "one per worker" },
    { "submittedtime",   INT(A, submitted_ms), .format = "int64", .unit = "ms", .doc = "Unix time" },
    { "apprunduration",  REAL(A, run_minutes), .format = "double", .unit = "minutes", .doc = "so far" },
    { "slots",           INT(A, slots),        .doc = "devices held; CPU slots without devices" },
    { "gpuslots",        INT(A, gpu_slots),    .doc = "devices held" },
    { "gpumemused",      OBJECT(A, gpu_memory, total_fields) },
    { "gpudevutil",      OBJECT(A, gpu_use, total_fields) },
    { .type = FIELD_END },
};
#undef A

#define E struct engine_app
const struct field engine_app_fields[] = {
    { "id",             TEXT(E, id),             .doc = "the task's appId" },
    { "consumer",       TEXT(E, consumer),       .doc = "of the instance group" },
    { "submit_user",    TEXT(E, user),           .doc = "who submitted" },
    { "name",           TEXT(E, name),           .doc = "appName of the task" },
    { "priority",       INT(E, priority),        .doc = "larger first" },
    { "type",           TEXT(E, type),           .doc = "training, or hpo for a trial" },
    { "state",          TEXT(E, state),          .doc = "of the task" },
    { "tag",            TEXT(E, tag),            .doc = "the search it is a trial of" },
    { "task12n_resreq", TEXT(E, task12n_resreq), .doc = "what one worker asks for" },
    { "task12n_num",    INT(E, n_workers),       .doc = "workers" },
    { "task12n",        LIST(E, workers, struct app_task, task_fields), .doc = "the workers" },
    { "used_gpu",       INT(E, used_gpus),       .doc = "held now" },
    { "used_mem",       INT(E, used_memory_mib), .unit = "MiB", .doc = "granted now" },
    { "used_cpu",       INT(E, used_cpus),       .doc = "held now" },
    { "submit_time",    INT(E, submit_s),        .unit = "s", .doc = "Unix time" },
    { "start_time",     INT(E, start_s),         .unit = "s", .doc = "Unix time; 0: not yet" },
    { "end_time",       INT(E, end_s),           .unit = "s", .doc = "Unix time; 0: not yet" },
    { "kernels",        LIST_OF(E, kernels, FIELD_TEXT), .doc = "empty" },
    { "is_packing",     BOOLEAN(E, packing),     .doc = "false" },
    { "pack_id",        TEXT(E, pack_id),        .doc = "empty" },
    { .type = FIELD_END },
};
#undef E

static const char *or_empty(const char *s) { return s ? s : ""; }
static int64_t or_zero(int64_t ms) { return ms == INT_UNSET ? 0 : ms; }

static bool runs(const struct exec *e) { return exec_state_parse(e->state) == EXEC_RUNNING; }

static const char *host_name(struct mem *mem)
{
    char name[HOST_NAME_MAX + 1] = "localhost";

    gethostname(name, sizeof name - 1);
    return mem_strdup(mem, name);
}

static int64_t n_workers(const struct exec *e)
{
    if (e->n_workers < 0)
        return 0;
    return e->n_workers < WORKERS_SHOWN_MAX ? e->n_workers : WORKERS_SHOWN_MAX;
}

/* The uuid at the end of the submissionId. */
static const char *uuid_of(const struct exec *e)
{
    size_t len = strlen(or_empty(e->submission_id));

    return len < UUID_LENGTH ? or_empty(e->submission_id) : e->submission_id + len - UUID_LENGTH;
}

static struct list make_tasks(const struct exec *e, const char *host, struct mem *mem)
{
    int64_t n = n_workers(e);
    struct app_task *tasks = mem_alloc(mem, (size_t)n * sizeof *tasks);

    for (int64_t i = 0; i < n; i++)
        tasks[i] = (struct app_task){ i + 1, e->state, "127.0.0.1", host };
    return (struct list){ tasks, (size_t)n };
}

static void make_executors(const struct exec *e, const char *run_dir, const char *host,
                           struct mem *mem, struct application *a)
{
    int64_t n = n_workers(e);
    struct app_executor *all = mem_alloc(mem, (size_t)n * sizeof *all);
    struct app_executor_short *ids = mem_alloc(mem, (size_t)n * sizeof *ids);

    for (int64_t i = 0; i < n; i++) {
        char *label = mem_printf(mem, "worker-%" PRId64, i);

        all[i] = (struct app_executor){
            .id = mem_printf(mem, "%" PRId64 "-%s", i, uuid_of(e)),
            .container_id = "",
            .state = e->state,
            .host = host,
            .cores = a->cores / (double)n,
            .memory_mib = a->memory_mib / (double)n,
            .timestamp_ms = a->timestamp_ms,
            .out = exec_log_path(run_dir, label, "out", mem),
            .err = exec_log_path(run_dir, label, "err", mem),
        };
        ids[i].id = all[i].id;
    }
    a->executors = (struct list){ all, (size_t)n };
    a->executors_short = (struct list){ ids, (size_t)n };
}

static double minutes(const struct exec *e, int64_t now_ms)
{
    if (e->started_ms == INT_UNSET)
        return 0;
    return clock_minutes_between(e->started_ms, e->ended_ms == INT_UNSET ? now_ms : e->ended_ms);
}

void application_make(const struct exec *e, const struct settings *s, int64_t now_ms,
                      struct mem *mem, struct application *ret)
{
    const char *run_dir = exec_run_dir(s, e->id, mem), *host = host_name(mem);
    const char *log = exec_launcher_log(run_dir, mem), *user = or_empty(e->execution_user);
    int64_t slots = e->gpus > 0 ? e->gpus : e->cpus;
    bool holds = runs(e);

    *ret = (struct application){
        .group_id = or_empty(e->sig_id),
        .id = e->app_id,
        .name = or_empty(e->app_name),
        .type = "BATCH",
        .state = e->state,
        .ui_port = "",
        .slots = holds ? slots : 0,
        .demand_slots =
            exec_state_is_final((enum exec_state)exec_state_parse(e->state)) ? 0 : slots,
        .hosts = holds,
        .cores = holds ? (double)e->cpus : 0,
        .memory_mib = holds ? (double)e->memory_mib : 0,
        .user = e->creator,
        .driver_user = user,
        .executor_user = user,
        .timestamp_ms = e->started_ms == INT_UNSET ? e->created_ms : e->started_ms,
        .submitted_ms = e->created_ms,
        .ended_ms = or_zero(e->ended_ms),
        .master_url = or_empty(e->master_url),
        .schedule_name = "",
        .shared = "false",
        .run_minutes = minutes(e, now_ms),
        .master_service = "",
        .model = "",
        .dataset = or_empty(e->dataset),
        .framework = e->framework,
        .search = or_empty(e->search),
        .group_name = or_empty(e->sig_name),
        .history_url = "",
        .task0 = { 0, e->state, "127.0.0.1", host },
        .workers = make_tasks(e, host, mem),
        .driver_short = { e->submission_id, e->state },
        .gpu_slots = holds ? e->gpus : 0,
    };
    ret->driver = (struct app_driver){ .id = e->submission_id,
                                       .container_id = "",
                                       .state = e->state,
                                       .host = host,
                                       .timestamp_ms = ret->timestamp_ms,
                                       .out = log,
                                       .err = log };
    make_executors(e, run_dir, host, mem, ret);
}

static const char *resource_request(const struct exec *e, struct mem *mem)
{
    int64_t n = e->n_workers > 0 ? e->n_workers : 1;

    return mem_printf(mem, "ncpus=%" PRId64 ",mem=%" PRId64 ",ngpus=%" PRId64, e->cpus / n,
                      e->memory_mib / n, e->gpus / n);
}

void engine_app_make(const struct exec *e, const char *consumer, struct mem *mem,
                     struct engine_app *ret)
{
    bool holds = runs(e);

    *ret = (struct engine_app){
        .id = e->app_id,
        .consumer = or_empty(consumer),
        .user = e->creator,
        .name = or_empty(e->app_name),
        .priority = e->priority,
        .type = e->search ? "hpo" : "training",
        .state = e->state,
        .tag = or_empty(e->search),
        .task12n_resreq = resource_request(e, mem),
        .n_workers = e->n_workers,
        .workers = make_tasks(e, host_name(mem), mem),
        .used_gpus = holds ? e->gpus : 0,
        .used_memory_mib = holds ? e->memory_mib : 0,
        .used_cpus = holds ? e->cpus : 0,
        .submit_s = e->created_ms / 1000,
        .start_s = or_zero(e->started_ms) / 1000,
        .end_s = or_zero(e->ended_ms) / 1000,
        .kernels = { .items = mem_alloc(mem, 1) },
        .pack_id = "",
    };
}

int64_t application_executor(const struct exec *e, const char *executor_id)
{
    char *end;
    int64_t n = strtoll(executor_id, &end, 10);

    if (end == executor_id || *end != '-' || strcmp(end + 1, uuid_of(e)) != 0 || n < 0 ||
        n >= e->n_workers)
        return -1;
    return n;
}
