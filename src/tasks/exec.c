// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* In the order real servers answer, then the members that only older clients read. */
const struct field exec_fields[] = {
    { "id",                 TEXT(struct exec, id),               .doc = "the task's id" },
    { "args",               TEXT(struct exec, args),             .doc = "as submitted, secrets replaced by ***" },
    { "submissionId",       TEXT(struct exec, submission_id),    .doc = "what the conductor calls name it by" },
    { "creator",            TEXT(struct exec, creator),          .doc = "who submitted it" },
    { "state",              TEXT(struct exec, state),            .doc = "SUBMITTED, PENDING_CRD_SCHEDULER, RUNNING, FINISHED, KILLED, ERROR" },
    { "appId",              TEXT(struct exec, app_id),           .doc = "its application in /scheduler; the same as id" },
    { "schedulerUrl",       TEXT(struct exec, scheduler_url),    .doc = "address of this server" },
    { "modelFileOwnerName", TEXT(struct exec, model_file_owner), .doc = "OS user that owns the submitted files" },
    { "workDir",            TEXT(struct exec, work_dir),         .doc = "where the submitted code lies; the working directory" },
    { "appName",            TEXT(struct exec, app_name),         .doc = "--appName, or the framework's" },
    { "createTime",         TEXT(struct exec, create_time),      .doc = "UTC, 2026-01-05T10:00:00Z" },
    { "elastic",            BOOLEAN(struct exec, elastic),       .doc = "whether the number of workers may change while it runs" },
    { "events",             TEXT(struct exec, events),           .doc = "what went wrong, a sentence; absent when nothing did" },
    { "nameSpace",          TEXT(struct exec, name_space),       .doc = "the consumer it runs for" },
    { "numWorker",          INT(struct exec, n_workers),         .doc = "worker processes" },
    { "framework",          TEXT(struct exec, framework),        .doc = "--exec-start" },
    { "userName",           TEXT(struct exec, creator),          .doc = "the same as creator" },
    { "sigName",            TEXT(struct exec, sig_name),         .doc = "instance group it was submitted to" },
    { "sigId",              TEXT(struct exec, sig_id),           .doc = "UUID of the instance group" },
    { "masterURL",          TEXT(struct exec, master_url),       .doc = "address of this server" },
    { "executionUserName",  TEXT(struct exec, execution_user),   .doc = "OS user that runs the processes" },
    { "startTime",          TEXT(struct exec, start_time),       .doc = "UTC; absent until it runs" },
    { "endTime",            TEXT(struct exec, end_time),         .doc = "UTC; absent until it ends" },
    { "exitCode",           INT(struct exec, exit_code),         .doc = "of the first process that failed, 128+n after signal n; absent until it ends" },
    { "failReason",         TEXT(struct exec, events),           .doc = "the same as events" },

    { "seq",                 INT(struct exec, seq),                 .hidden = true },
    { "created_ms",          INT(struct exec, created_ms),          .hidden = true },
    { "started_ms",          INT(struct exec, started_ms),          .hidden = true },
    { "ended_ms",            INT(struct exec, ended_ms),            .hidden = true },
    { "main_file",           TEXT(struct exec, main_file),          .hidden = true },
    { "plan",                TEXT(struct exec, plan),               .hidden = true },
    { "cpus",                INT(struct exec, cpus),                .hidden = true },
    { "gpus",                INT(struct exec, gpus),                .hidden = true },
    { "memory_mib",          INT(struct exec, memory_mib),          .hidden = true },
    { "priority",            INT(struct exec, priority),            .hidden = true },
    { "pending_deadline_ms", INT(struct exec, pending_deadline_ms), .hidden = true },
    { "search",              TEXT(struct exec, search),             .hidden = true },
    { "trial",               INT(struct exec, trial),               .hidden = true },
    { "dataset",             TEXT(struct exec, dataset),            .hidden = true },
    { "stop_asked",          BOOLEAN(struct exec, stop_asked),      .hidden = true },
    { "deleted",             BOOLEAN(struct exec, deleted),         .hidden = true },
    { .type = FIELD_END },
};

const struct field exec_plan_fields[] = {
    { "userCmd",          BOOLEAN(struct exec_plan, user_cmd) },
    { "program",          LIST_OF(struct exec_plan, program, FIELD_TEXT) },
    { "env",              LIST_OF(struct exec_plan, env, FIELD_TEXT) },
    { "ignored",          LIST_OF(struct exec_plan, ignored, FIELD_TEXT) },
    { "dataPath",         TEXT(struct exec_plan, data_path) },
    { "datastoreMeta",    TEXT(struct exec_plan, datastore_meta) },
    { "condaHome",        TEXT(struct exec_plan, conda_home) },
    { "condaEnv",         TEXT(struct exec_plan, conda_env) },
    { "pythonVersion",    TEXT(struct exec_plan, python_version) },
    { "debugLevel",       TEXT(struct exec_plan, debug_level) },
    { "prebuiltName",     TEXT(struct exec_plan, prebuilt_name) },
    { "deviceType",       TEXT(struct exec_plan, device_type) },
    { "numPs",            INT(struct exec_plan, n_ps) },
    { "devicesPerWorker", INT(struct exec_plan, devices_per_worker) },
    { "memoryLimitMib",   INT(struct exec_plan, memory_limit_mib) },
    { "cold",             BOOLEAN(struct exec_plan, cold) },
    { .type = FIELD_END },
};

static const char *time_text(int64_t unix_ms, struct mem *mem)
{
    char buf[32];

    return unix_ms == INT_UNSET ? NULL : mem_strdup(mem, clock_utc_text(unix_ms, buf));
}

void exec_set_end(struct exec *e, int64_t unix_ms)
{
    e->ended_ms = unix_ms > e->started_ms ? unix_ms : e->started_ms;
}

void exec_set_times(struct exec *e, struct mem *mem)
{
    e->create_time = time_text(e->created_ms, mem);
    e->start_time = time_text(e->started_ms, mem);
    e->end_time = time_text(e->ended_ms, mem);
}

static void add_text_member(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_addf(out, ",\"%s\":", name);
    text_add_json(out, value);
}

static void add_int_member(struct text *out, const char *name, int64_t value)
{
    if (value == INT_UNSET)
        return;
    text_addf(out, ",\"%s\":", name);
    text_add_int(out, value);
}

void exec_event_json(const struct exec *e, struct text *out)
{
    text_add(out, "{\"id\":");
    text_add_json(out, e->id);
    add_text_member(out, "state", e->state);
    add_text_member(out, "creator", e->creator);
    add_text_member(out, "appName", e->app_name);
    add_text_member(out, "framework", e->framework);
    add_text_member(out, "events", e->events);
    add_int_member(out, "exitCode", e->exit_code);
    add_text_member(out, "search", e->search);
    add_int_member(out, "experiment", e->trial);
    add_text_member(out, "dataset", e->dataset);
    text_add_char(out, '}');
}

/* Every (state, event) that means something. News of an end may arrive before news of the start was
 * handled, so ends are accepted in every state that is not final. */
static const struct exec_step steps[] = {
    { EXEC_SUBMITTED, EV_QUEUED,   EXEC_PENDING,  DO_NOTHING },
    { EXEC_SUBMITTED, EV_STARTED,  EXEC_RUNNING,  DO_NOTHING },
    { EXEC_SUBMITTED, EV_STOP,     EXEC_KILLED,   DO_RELEASE },
    { EXEC_SUBMITTED, EV_EXIT_OK,  EXEC_FINISHED, DO_RELEASE },
    { EXEC_SUBMITTED, EV_EXIT_BAD, EXEC_ERROR,    DO_RELEASE },
    { EXEC_SUBMITTED, EV_STOPPED,  EXEC_KILLED,   DO_RELEASE },
    { EXEC_SUBMITTED, EV_LOST,     EXEC_ERROR,    DO_RELEASE },

    { EXEC_PENDING,   EV_STARTED,  EXEC_RUNNING,  DO_NOTHING },
    { EXEC_PENDING,   EV_STOP,     EXEC_KILLED,   DO_RELEASE },
    { EXEC_PENDING,   EV_EXIT_OK,  EXEC_FINISHED, DO_RELEASE },
    { EXEC_PENDING,   EV_EXIT_BAD, EXEC_ERROR,    DO_RELEASE },
    { EXEC_PENDING,   EV_STOPPED,  EXEC_KILLED,   DO_RELEASE },
    { EXEC_PENDING,   EV_LOST,     EXEC_ERROR,    DO_RELEASE },

    { EXEC_RUNNING,   EV_STOP,     EXEC_RUNNING,  DO_SIGNAL },
    { EXEC_RUNNING,   EV_EXIT_OK,  EXEC_FINISHED, DO_RELEASE },
    { EXEC_RUNNING,   EV_EXIT_BAD, EXEC_ERROR,    DO_RELEASE },
    { EXEC_RUNNING,   EV_STOPPED,  EXEC_KILLED,   DO_RELEASE },
    { EXEC_RUNNING,   EV_LOST,     EXEC_ERROR,    DO_RELEASE },
};

const struct exec_step *exec_step(enum exec_state from, enum exec_event event)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i].from == from && steps[i].event == event)
            return &steps[i];
    return NULL;
}

static const char *const state_names[EXEC_N_STATES] = {
    [EXEC_SUBMITTED] = "SUBMITTED",
    [EXEC_PENDING]   = "PENDING_CRD_SCHEDULER",
    [EXEC_RUNNING]   = "RUNNING",
    [EXEC_FINISHED]  = "FINISHED",
    [EXEC_KILLED]    = "KILLED",
    [EXEC_ERROR]     = "ERROR",
};

const char *exec_state_name(enum exec_state state) { return state_names[state]; }

int exec_state_parse(const char *name)
{
    int i;

    for (i = 0; i < EXEC_N_STATES; i++)
        if (text_same(name, state_names[i]))
            return i;
    return -1;
}

bool exec_state_is_final(enum exec_state state) { return state >= EXEC_FINISHED; }
