// SPDX-License-Identifier: Apache-2.0
#include "datasets/dataset_store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"
#include "tasks/exec.h"
#include "tasks/exec_store.h"

#define COLUMNS \
    "seq, name, creator, shared, status, message, spec, sig_name, sig_id, master_url, exec, driver_id, n_tries, target," \
    " source, created_ms, started_ms, ended_ms, size_bytes, report, input, stop_asked, deleted"

static const char sql_find[] =
    "SELECT " COLUMNS
    "  FROM dataset"
    " WHERE name = :name AND deleted = 0";

static const char sql_each[] =
    "SELECT " COLUMNS
    "  FROM dataset"
    " WHERE deleted = 0 AND (:user IS NULL OR shared = 1 OR creator = :user)"
    " ORDER BY seq";

static const char sql_active[] =
    "SELECT " COLUMNS
    "  FROM dataset"
    " WHERE ended_ms IS NULL OR deleted = 1"
    " ORDER BY seq";

static const char sql_any[] =
    "SELECT " COLUMNS
    "  FROM dataset"
    " ORDER BY seq";

static const char sql_insert[] =
    "INSERT INTO dataset (name, creator, shared, status, spec, sig_name, sig_id, master_url, exec, driver_id, target,"
    "                     source, created_ms)"
    " VALUES (:name, :creator, :shared, :status, :spec, :sig_name, :sig_id, :master, :exec, :driver, :target,"
    "         :source, :created)";

static const char sql_again[] =
    "UPDATE dataset"
    "   SET exec = :exec, driver_id = :driver, target = :target, status = 'SUBMITTED', started_ms = NULL,"
    "       n_tries = n_tries + 1"
    " WHERE name = :name AND exec = :lost AND ended_ms IS NULL AND stop_asked = 0";

static const char sql_ask_stop[] =
    "UPDATE dataset"
    "   SET stop_asked = 1"
    " WHERE name = :name AND ended_ms IS NULL";

static const char sql_run[] =
    "UPDATE dataset"
    "   SET status = 'RUNNING', started_ms = :started"
    " WHERE name = :name AND exec = :exec AND status = 'SUBMITTED'";

static const char sql_end[] =
    "UPDATE dataset"
    "   SET status = :status, message = :message, started_ms = :started, ended_ms = :ended, size_bytes = :bytes,"
    "       report = :report, input = :input"
    " WHERE name = :name AND exec = :exec AND ended_ms IS NULL";

static const char sql_reader[] =
    "SELECT id"
    "  FROM exec"
    " WHERE dataset = :name AND state IN ('SUBMITTED', 'PENDING_CRD_SCHEDULER', 'RUNNING')"
    " LIMIT 1";

/* Between two trials of a search no task may read it. */
#define ARGS_PLAIN "(replace(replace(args, '\"', ''), char(39), '') || ' ')"      /* without quotes */
static const char sql_searching[] =
    "SELECT name"
    "  FROM search"
    " WHERE ended_ms IS NULL"
    "   AND (instr(" ARGS_PLAIN ", '--msd-dataset ' || :name || ' ') OR instr(" ARGS_PLAIN ", '--msd-dataset=' || :name || ' '))"
    " LIMIT 1";

static const char sql_mark[] =
    "UPDATE dataset"
    "   SET deleted = 1"
    " WHERE name = :name AND ended_ms IS NOT NULL AND deleted = 0";

static const char sql_mark_exec[] =
    "UPDATE exec"
    "   SET deleted = 1"
    " WHERE id = (SELECT exec FROM dataset WHERE name = :name)";

static const char sql_remove[] =
    "DELETE FROM dataset"
    " WHERE name = :name AND deleted = 1";

static const char sql_event[] =
    "INSERT INTO event (time_ms, owner, kind, subject, data)"
    " VALUES (:time, :owner, 'dataset.state', :subject, :data)";

/* --- reading --- */

int datasets_find(struct db *db, const char *name, struct mem *mem, struct dataset *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct dataset row;
    int n;

    if (query_start(&q, db, sql_find, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    fields_init(dataset_fields, &row);
    fields_init(dataset_row_fields, &row);
    n = query_next(&q, dataset_row_fields, &row, mem, err);
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no dataset \"%.100s\"", name);
    if (n < 0)
        return -1;
    *ret = row;
    return 0;
}

static int each_row(struct query *q, dataset_each_fn *each, void *arg, struct err *err)
{
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct dataset row;
        int n;

        fields_init(dataset_fields, &row);
        fields_init(dataset_row_fields, &row);
        n = query_next(q, dataset_row_fields, &row, mem, err);
        if (n <= 0)
            return n;
        if (each(arg, &row, mem, err) < 0)
            return -1;
    }
}

int datasets_each(struct db *db, const char *user, dataset_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_each, BINDS(BIND_T(":user", user)), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int datasets_each_active(struct db *db, dataset_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_active, NULL, err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int datasets_each_any(struct db *db, dataset_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_any, NULL, err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

/* --- changes --- */

static int tell(struct db *db, const char *name, struct dataset_news *news, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct dataset row;

    if (datasets_find(db, name, mem, &row, err) < 0)
        return -1;
    text_clear(&news->json);
    dataset_event_json(&row, &news->json);
    if (db_run(db, sql_event, BINDS(BIND_I(":time", clock_unix_ms()), BIND_T(":owner", row.creator),
                                    BIND_T(":subject", name), BIND_T(":data", news->json.data)), err) < 0)
        return -1;
    news->event_id = db_last_id(db);
    return 0;
}

int datasets_insert(struct db *db, const struct dataset *row, const struct exec *exec, struct dataset_news *news,
                    struct err *err)
{
    if (db_run(db, sql_insert,
               BINDS(BIND_T(":name", row->spec.name), BIND_T(":creator", row->creator), BIND_I(":shared", row->spec.shared),
                     BIND_T(":status", row->status), BIND_T(":spec", row->spec_text), BIND_T(":sig_name", row->sig_name),
                     BIND_T(":sig_id", row->sig_id), BIND_T(":master", row->master_url), BIND_T(":exec", exec->id),
                     BIND_T(":driver", exec->submission_id), BIND_T(":target", row->target),
                     BIND_T(":source", row->source), BIND_I(":created", row->created_ms)), err) < 0) {
        if (err->kind == ERR_CONFLICT)
            err_field(err, "name", "another name", "there is a dataset named \"%.100s\" already", row->spec.name);
        return -1;
    }
    if (execs_insert(db, exec, err) < 0)
        return -1;
    return tell(db, row->spec.name, news, err);
}

int datasets_again(struct db *db, const struct dataset *row, const char *lost, const struct exec *exec, struct err *err)
{
    int n = db_run(db, sql_again, BINDS(BIND_T(":name", row->spec.name), BIND_T(":lost", lost), BIND_T(":exec", exec->id),
                                        BIND_T(":driver", exec->submission_id), BIND_T(":target", row->target)), err);

    if (n == 0)
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" is not built any more", row->spec.name);
    return n < 0 ? -1 : execs_insert(db, exec, err);
}

int datasets_ask_stop(struct db *db, const char *name, struct err *err)
{
    return db_run(db, sql_ask_stop, BINDS(BIND_T(":name", name)), err) < 0 ? -1 : 0;
}

int datasets_run(struct db *db, const char *name, const char *exec, int64_t started_ms, struct dataset_news *news,
                 struct err *err)
{
    int n = db_run(db, sql_run, BINDS(BIND_T(":name", name), BIND_T(":exec", exec), BIND_I(":started", started_ms)), err);

    news->event_id = 0;
    return n <= 0 ? n : tell(db, name, news, err);
}

/* A number that may be INT_UNSET. */
#define BIND_OPTIONAL(name_, v) \
    (v) == INT_UNSET ? (struct bind)BIND_T((name_), NULL) : (struct bind)BIND_I((name_), (v))

int datasets_end(struct db *db, const struct dataset *row, struct dataset_news *news, struct err *err)
{
    int n = db_run(db, sql_end,
                   BINDS(BIND_T(":name", row->spec.name), BIND_T(":exec", row->exec), BIND_T(":status", row->status),
                         BIND_T(":message", row->message), BIND_OPTIONAL(":started", row->started_ms),
                         BIND_I(":ended", row->ended_ms), BIND_OPTIONAL(":bytes", row->size_bytes),
                         BIND_T(":report", row->report_text), BIND_T(":input", row->input_text)), err);

    if (n == 0)
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" has ended already", row->spec.name);
    return n < 0 ? -1 : tell(db, row->spec.name, news, err);
}

/* ERR_CONFLICT when the statement finds someone who needs it. */
static int check_unused(struct db *db, const char *sql, const char *name, const char *who, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    if (n > 0)
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" is used by %s %.120s; stop it first", name, who,
                       query_text(&q, 0));
    return n;
}

int datasets_mark_deleted(struct db *db, const char *name, struct err *err)
{
    int n;

    if (check_unused(db, sql_reader, name, "task", err) < 0 || check_unused(db, sql_searching, name, "search", err) < 0)
        return -1;
    n = db_run(db, sql_mark, BINDS(BIND_T(":name", name)), err);
    if (n == 0)
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" is still being built; stop it first", name);
    return n < 0 || db_run(db, sql_mark_exec, BINDS(BIND_T(":name", name)), err) < 0 ? -1 : 0;
}

int datasets_remove(struct db *db, const char *name, struct err *err)
{
    return db_run(db, sql_remove, BINDS(BIND_T(":name", name)), err) < 0 ? -1 : 0;
}
