// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"

#include <string.h>

#define RECORD_COLUMNS \
    "seq, id, args, submissionId, creator, state, appId, schedulerUrl, modelFileOwnerName," \
    " workDir, appName, created_ms, elastic, events, nameSpace, numWorker, framework, sigName," \
    " sigId, masterURL, executionUserName, started_ms, ended_ms, exitCode, main_file, cpus, gpus," \
    " memory_mib, priority, pending_deadline_ms, search, trial, dataset, stop_asked, deleted"

#define ACTIVE_STATES "('SUBMITTED', 'PENDING_CRD_SCHEDULER', 'RUNNING')"

static const char sql_find[] =
    "SELECT " RECORD_COLUMNS
    "  FROM exec"
    " WHERE id = :id AND deleted = 0";

static const char sql_find_submission[] =
    "SELECT " RECORD_COLUMNS
    "  FROM exec"
    " WHERE submissionId = :id AND deleted = 0";

static const char sql_load[] =
    "SELECT " RECORD_COLUMNS ", plan"
    "  FROM exec"
    " WHERE id = :id";

static const char sql_seq[] =
    "SELECT seq"
    "  FROM exec"
    " WHERE id = :id AND deleted = 0"
    "   AND (:creator IS NULL OR creator = :creator)";

static const char sql_exists[] =
    "SELECT 1"
    "  FROM exec"
    " WHERE id = :id";

static const char sql_active[] =
    "SELECT " RECORD_COLUMNS ", plan"
    "  FROM exec"
    " WHERE state IN " ACTIVE_STATES
    " ORDER BY seq";

/* What every list filters by; NULL passes all. */
#define MATCHES \
    " WHERE deleted = 0" \
    "   AND (:states IS NULL OR instr(:states, ',' || state || ','))" \
    "   AND (:framework IS NULL OR framework = :framework COLLATE NOCASE)" \
    "   AND (:sig IS NULL OR sigName = :sig)" \
    "   AND (:search IS NULL OR instr(lower(id || ' ' || coalesce(appName, '') || ' ' || creator" \
    "                                       || ' ' || framework), lower(:search)))"

#define OF_ONE " AND creator = :creator"        /* uses the index on (creator, seq) */
#define OF_ANY " AND :creator IS NULL"

/* The ways to sort besides the order of submission. */
#define SORT_KEY \
    "CASE :sort WHEN 'id' THEN id WHEN 'state' THEN state WHEN 'creator' THEN creator" \
    "           WHEN 'framework' THEN framework WHEN 'appName' THEN appName" \
    "           WHEN 'numWorker' THEN numWorker WHEN 'sigName' THEN sigName" \
    "           WHEN 'startTime' THEN started_ms WHEN 'endTime' THEN ended_ms" \
    "           WHEN 'exitCode' THEN exitCode END"

#define PAGE " LIMIT :limit OFFSET :start"
#define PAGE_OF(of, order) "SELECT " RECORD_COLUMNS " FROM exec" MATCHES of order PAGE

static const char sql_each_any[] =
    PAGE_OF(OF_ANY, " AND seq > :after AND :sort IS NULL ORDER BY seq");
static const char sql_each_one[] =
    PAGE_OF(OF_ONE, " AND seq > :after AND :sort IS NULL ORDER BY seq");
static const char sql_each_any_back[] =
    PAGE_OF(OF_ANY, " AND seq < :after AND :sort IS NULL ORDER BY seq DESC");
static const char sql_each_one_back[] =
    PAGE_OF(OF_ONE, " AND seq < :after AND :sort IS NULL ORDER BY seq DESC");
static const char sql_each_any_sorted[] =
    PAGE_OF(OF_ANY, " AND :after = :after ORDER BY " SORT_KEY ", seq");
static const char sql_each_one_sorted[] =
    PAGE_OF(OF_ONE, " AND :after = :after ORDER BY " SORT_KEY ", seq");
static const char sql_each_any_sorted_back[] =
    PAGE_OF(OF_ANY, " AND :after = :after ORDER BY " SORT_KEY " DESC, seq DESC");
static const char sql_each_one_sorted_back[] =
    PAGE_OF(OF_ONE, " AND :after = :after ORDER BY " SORT_KEY " DESC, seq DESC");

static const char *const sql_each[2][2][2] = {      /* [one creator][sorted][backwards] */
    { { sql_each_any, sql_each_any_back }, { sql_each_any_sorted, sql_each_any_sorted_back } },
    { { sql_each_one, sql_each_one_back }, { sql_each_one_sorted, sql_each_one_sorted_back } },
};

static const char sql_count_any[] = "SELECT count(*) FROM exec" MATCHES OF_ANY;
static const char sql_count_one[] = "SELECT count(*) FROM exec" MATCHES OF_ONE;

static const char sql_counts[] =
    "SELECT (SELECT count(*) FROM exec WHERE state = 'RUNNING' AND deleted = 0),"
    "       (SELECT count(*) FROM exec"
    "         WHERE state IN ('SUBMITTED', 'PENDING_CRD_SCHEDULER') AND deleted = 0),"
    "       (SELECT count(*) FROM search WHERE ended_ms IS NULL)";

static const char sql_insert[] =
    "INSERT INTO exec (id, args, submissionId, creator, state, appId, schedulerUrl,"
    "                  modelFileOwnerName, workDir, appName, created_ms, elastic, nameSpace,"
    "                  numWorker, framework, sigName, sigId, masterURL, executionUserName,"
    "                  main_file, plan, cpus, gpus, memory_mib, priority, pending_deadline_ms,"
    "                  search, trial, dataset)"
    " VALUES (:id, :args, :submission, :creator, :state, :id, :scheduler, :owner, :work_dir,"
    "         :app_name, :created, :elastic, :name_space, :workers, :framework, :sig_name, :sig_id,"
    "         :master, :os_user, :main_file, :plan, :cpus, :gpus, :memory, :priority, :deadline,"
    "         :search, :trial, :dataset)";

static const char sql_event[] =
    "INSERT INTO event (time_ms, owner, kind, subject, data)"
    " VALUES (:time, :owner, 'exec.state', :subject, :data)";

static const char sql_move[] =
    "UPDATE exec"
    "   SET state = :to, events = :events, started_ms = :started, ended_ms = :ended,"
    "       exitCode = :exit"
    " WHERE id = :id AND state = :from";

static const char sql_ask_stop[] =
    "UPDATE exec"
    "   SET stop_asked = 1"
    " WHERE id = :id AND state IN " ACTIVE_STATES;

static const char sql_mark_deleted[] =
    "UPDATE exec"
    "   SET deleted = 1, stop_asked = 1"
    " WHERE id = :id";

static const char sql_mark_all_deleted[] =
    "UPDATE exec"
    "   SET deleted = 1, stop_asked = 1"
    " WHERE creator = :creator AND deleted = 0"
    "   AND NOT EXISTS (SELECT 1 FROM search WHERE name = exec.search AND ended_ms IS NULL)"
    "   AND NOT EXISTS (SELECT 1 FROM dataset WHERE name = exec.dataset AND exec = exec.id AND ended_ms IS NULL)";

static const char sql_remove[] =
    "DELETE FROM exec"
    " WHERE id = :id";

static const char sql_doomed[] =
    "SELECT seq, id, creator, state"
    "  FROM exec"
    " WHERE deleted = 1 AND state NOT IN " ACTIVE_STATES
    " ORDER BY seq"
    " LIMIT :max";

static const char sql_condemned[] =
    "SELECT seq, id, creator, state"
    "  FROM exec"
    " WHERE deleted = 1 AND state IN " ACTIVE_STATES
    " ORDER BY seq";

/* An absent number is NULL in its row. */
static struct bind bind_int(const char *name, int64_t v)
{
    if (v == INT_UNSET)
        return (struct bind)BIND_T(name, NULL);
    return (struct bind)BIND_I(name, v);
}

/* 1 with a row, 0 without, -1 with err. */
static int read_one(struct db *db, const char *sql, const char *id, struct mem *mem,
                    struct exec *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct exec exec;
    int n;

    if (query_start(&q, db, sql, BINDS(BIND_T(":id", id)), err) < 0)
        return -1;
    fields_init(exec_fields, &exec);
    n = query_next(&q, exec_fields, &exec, mem, err);
    if (n != 1)
        return n;
    exec_set_times(&exec, mem);
    *ret = exec;
    return 1;
}

static int not_found(const char *id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no task %.200s", id);
}

int execs_find(struct db *db, const char *id, struct mem *mem, struct exec *ret, struct err *err)
{
    int n = read_one(db, sql_find, id, mem, ret, err);

    if (n == 0)
        n = read_one(db, sql_find_submission, id, mem, ret, err);
    if (n == 0)
        return not_found(id, err);
    return n < 0 ? -1 : 0;
}

int execs_load(struct db *db, const char *id, struct mem *mem, struct exec *ret, struct err *err)
{
    int n = read_one(db, sql_load, id, mem, ret, err);

    if (n == 0)
        return not_found(id, err);
    return n < 0 ? -1 : 0;
}

bool execs_exist(struct db *db, const char *id)
{
    CLEANUP(query_done) struct query q = {0};
    struct err ignored = {0};

    if (query_start(&q, db, sql_exists, BINDS(BIND_T(":id", id)), &ignored) < 0)
        return true;
    return query_next(&q, NULL, NULL, NULL, &ignored) != 0;
}

/* Each row of a started query, in memory of its own. */
static int each_row(struct query *q, exec_each_fn *each, void *arg, struct err *err)
{
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct exec exec;
        int n;

        fields_init(exec_fields, &exec);
        n = query_next(q, exec_fields, &exec, mem, err);
        if (n <= 0)
            return n;
        exec_set_times(&exec, mem);
        if (each(arg, &exec, err) < 0)
            return -1;
    }
}

/* "running, finished" as ",RUNNING,FINISHED,"; NULL stays NULL. */
static int normalise_states(const char *states, struct text *ret, struct err *err)
{
    const char *at = states;
    size_t len;

    while (at && *at) {
        char word[32] = "";
        int state;

        at += strspn(at, ", ");
        len = strcspn(at, ", ");
        if (len == 0)
            break;
        if (len < sizeof word)
            memcpy(word, at, len);
        state = exec_state_parse(word);
        if (state < 0)
            return err_field(err, "state", "SUBMITTED, PENDING_CRD_SCHEDULER, RUNNING, FINISHED, "
                             "KILLED, ERROR", "there is no state %.*s", (int)(len > 40 ? 40 : len), at);
        text_addf(ret, "%s%s,", ret->len ? "" : ",", exec_state_name((enum exec_state)state));
        at += len;
    }
    return 0;
}

static const char sortable[] =
    "id, createTime, state, creator, framework, appName, numWorker, sigName, startTime, endTime, "
    "exitCode";

/* The table's spelling of a sort field; NULL for the order of submission. */
static int normalise_sort(const char *sort, const char **ret, struct err *err)
{
    static const char *const names[] = { "id", "state", "creator", "framework", "appName",
        "numWorker", "sigName", "startTime", "endTime", "exitCode", NULL };
    size_t i;

    *ret = NULL;
    if (!sort || !*sort || text_same(sort, "createTime") || text_same(sort, "submit_time"))
        return 0;
    if (text_same(sort, "userName"))
        sort = "creator";
    for (i = 0; names[i]; i++)
        if (text_same(sort, names[i]))
            *ret = names[i];
    if (!*ret)
        return err_field(err, "sort_by", sortable, "tasks cannot be sorted by %.60s", sort);
    return 0;
}

/* The position after which a page begins. */
static int after_seq(struct db *db, const struct exec_filter *f, int64_t *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    *ret = f->descending ? INT64_MAX : 0;
    if (!f->after || !*f->after)
        return 0;
    if (query_start(&q, db, sql_seq, BINDS(BIND_T(":id", f->after), BIND_T(":creator", f->creator)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    if (n == 0)
        return err_field(err, "after", "the id of a task", "there is no task %.200s", f->after);
    if (n == 1)
        *ret = query_int(&q, 0);
    return n < 0 ? -1 : 0;
}

int execs_each(struct db *db, const struct exec_filter *f, exec_each_fn *each, void *arg,
               struct err *err)
{
    CLEANUP(text_done) struct text states = {0};
    CLEANUP(query_done) struct query q = {0};
    const char *sort;
    int64_t after;

    if (normalise_states(f->states, &states, err) < 0 || normalise_sort(f->sort, &sort, err) < 0)
        return -1;
    if (after_seq(db, f, &after, err) < 0)
        return -1;

    if (query_start(&q, db, sql_each[f->creator != NULL][sort != NULL][f->descending],
                    BINDS(BIND_T(":states", states.data), BIND_T(":framework", f->framework),
                          BIND_T(":sig", f->sig_name), BIND_T(":search", f->search),
                          BIND_T(":creator", f->creator), BIND_T(":sort", sort),
                          BIND_I(":after", after), BIND_I(":start", f->start),
                          BIND_I(":limit", f->limit > 0 ? f->limit : -1)), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int execs_count(struct db *db, const struct exec_filter *f, int64_t *ret, struct err *err)
{
    CLEANUP(text_done) struct text states = {0};
    CLEANUP(query_done) struct query q = {0};

    if (normalise_states(f->states, &states, err) < 0)
        return -1;
    if (query_start(&q, db, f->creator ? sql_count_one : sql_count_any,
                    BINDS(BIND_T(":states", states.data), BIND_T(":framework", f->framework),
                          BIND_T(":sig", f->sig_name), BIND_T(":search", f->search),
                          BIND_T(":creator", f->creator)), err) < 0)
        return -1;
    if (query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    *ret = query_int(&q, 0);
    return 0;
}

int execs_counts(struct db *db, struct exec_counts *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_counts, BINDS({ .type = BIND_END }), err) < 0)
        return -1;
    if (query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    *ret = (struct exec_counts){ .n_running = query_int(&q, 0), .n_pending = query_int(&q, 1),
                                 .n_searches = query_int(&q, 2) };
    return 0;
}

int execs_each_active(struct db *db, exec_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_active, BINDS({ .type = BIND_END }), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int execs_each_doomed(struct db *db, int64_t max, exec_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_doomed, BINDS(BIND_I(":max", max)), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int execs_each_condemned(struct db *db, exec_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_condemned, BINDS({ .type = BIND_END }), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

static int add_event(struct db *db, const struct exec *e, struct err *err)
{
    CLEANUP(text_done) struct text data = {0};

    exec_event_json(e, &data);
    return db_run(db, sql_event,
                  BINDS(BIND_I(":time", clock_unix_ms()), BIND_T(":owner", e->creator),
                        BIND_T(":subject", e->id), BIND_T(":data", data.data)), err);
}

int execs_insert(struct db *db, const struct exec *e, struct err *err)
{
    if (db_run(db, sql_insert,
               BINDS(BIND_T(":id", e->id), BIND_T(":args", e->args),
                     BIND_T(":submission", e->submission_id), BIND_T(":creator", e->creator),
                     BIND_T(":state", e->state), BIND_T(":scheduler", e->scheduler_url),
                     BIND_T(":owner", e->model_file_owner), BIND_T(":work_dir", e->work_dir),
                     BIND_T(":app_name", e->app_name), BIND_I(":created", e->created_ms),
                     BIND_I(":elastic", e->elastic), BIND_T(":name_space", e->name_space),
                     BIND_I(":workers", e->n_workers), BIND_T(":framework", e->framework),
                     BIND_T(":sig_name", e->sig_name), BIND_T(":sig_id", e->sig_id),
                     BIND_T(":master", e->master_url), BIND_T(":os_user", e->execution_user),
                     BIND_T(":main_file", e->main_file), BIND_T(":plan", e->plan),
                     BIND_I(":cpus", e->cpus), BIND_I(":gpus", e->gpus),
                     BIND_I(":memory", e->memory_mib), BIND_I(":priority", e->priority),
                     bind_int(":deadline", e->pending_deadline_ms),
                     BIND_T(":search", e->search), bind_int(":trial", e->trial),
                     BIND_T(":dataset", e->dataset)), err) < 0)
        return -1;
    return add_event(db, e, err) < 0 ? -1 : 0;
}

int execs_move(struct db *db, const struct exec *e, const char *from, int64_t *ret_event,
               struct err *err)
{
    int n = db_run(db, sql_move,
                   BINDS(BIND_T(":to", e->state), BIND_T(":events", e->events),
                         bind_int(":started", e->started_ms), bind_int(":ended", e->ended_ms),
                         bind_int(":exit", e->exit_code), BIND_T(":id", e->id),
                         BIND_T(":from", from)), err);

    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(err, ERR_CONFLICT, "task %s is not %s any more", e->id, from);
    if (add_event(db, e, err) < 0)
        return -1;
    *ret_event = db_last_id(db);
    return 0;
}

int execs_ask_stop(struct db *db, const char *id, struct err *err)
{
    return db_run(db, sql_ask_stop, BINDS(BIND_T(":id", id)), err) < 0 ? -1 : 0;
}

int execs_mark_deleted(struct db *db, const char *id, struct err *err)
{
    return db_run(db, sql_mark_deleted, BINDS(BIND_T(":id", id)), err) < 0 ? -1 : 0;
}

int execs_mark_all_deleted(struct db *db, const char *creator, struct err *err)
{
    return db_run(db, sql_mark_all_deleted, BINDS(BIND_T(":creator", creator)), err) < 0 ? -1 : 0;
}

int execs_remove(struct db *db, const char *id, struct err *err)
{
    return db_run(db, sql_remove, BINDS(BIND_T(":id", id)), err) < 0 ? -1 : 0;
}
