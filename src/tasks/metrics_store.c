// SPDX-License-Identifier: Apache-2.0
#include "tasks/metrics_store.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"
#include "tasks/exec.h"

#include <string.h>

/* By primary key; the newest point is one look-up. */
static const char sql_series[] =
    "SELECT series AS name, count(*) AS n, min(value) AS min, max(value) AS max,"
    "       (SELECT value FROM metric AS newest"
    "         WHERE newest.exec = metric.exec AND newest.series = metric.series"
    "         ORDER BY newest.n DESC LIMIT 1) AS latest"
    "  FROM metric"
    " WHERE exec = :exec"
    " GROUP BY series"
    " ORDER BY series";

static const char sql_each[] =
    "SELECT n, step, time_ms, value"
    "  FROM metric"
    " WHERE exec = :exec AND series = :series AND (:since IS NULL OR step >= :since)"
    " ORDER BY n";

static const char sql_count[] =
    "SELECT count(*)"
    "  FROM metric"
    " WHERE exec = :exec AND series = :series AND (:since IS NULL OR step >= :since)";

static const char sql_unsure[] =
    "SELECT id, creator"
    "  FROM exec"
    " WHERE deleted = 0 AND ended_ms IS NOT NULL"
    "   AND id IN (SELECT subject FROM event"
    "               WHERE kind = 'exec.state'"
    "                 AND time_ms >= (SELECT max(time_ms) FROM event) - :span)"
    " LIMIT :max";

static const char sql_add[] =
    "INSERT OR REPLACE INTO metric (exec, series, n, step, time_ms, value)"
    " VALUES (:exec, :series, :n, :step, :time, :value)";

static const char sql_clear[] =
    "DELETE FROM metric"
    " WHERE exec = :exec";

static const char sql_trim[] =
    "DELETE FROM metric"
    " WHERE exec = :exec"
    "   AND (series, n) IN (SELECT series, n FROM metric WHERE exec = :exec LIMIT :max)";

static const char sql_clear_series[] =
    "DELETE FROM metric"
    " WHERE exec = :exec AND series = :series";

static const struct field row_fields[] = {
    { "n",       INT(struct metric_row, n) },
    { "step",    REAL(struct metric_row, step) },
    { "time_ms", INT(struct metric_row, time_ms) },
    { "value",   REAL(struct metric_row, value) },
    { .type = FIELD_END },
};

static const struct field series_fields[] = {
    { "name",   TEXT(struct metric_series, name) },
    { "n",      INT(struct metric_series, n) },
    { "min",    REAL(struct metric_series, min) },
    { "max",    REAL(struct metric_series, max) },
    { "latest", REAL(struct metric_series, latest) },
    { .type = FIELD_END },
};

int metrics_series(struct db *db, const char *exec, struct mem *mem, struct list *ret,
                   struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct metric_series one, *all = mem_alloc(mem, sizeof *all);
    size_t n = 0, cap = 1;
    int got;

    if (query_start(&q, db, sql_series, BINDS(BIND_T(":exec", exec)), err) < 0)
        return -1;
    while ((got = query_next(&q, series_fields, &one, mem, err)) > 0) {
        if (n == cap) {
            struct metric_series *more = mem_alloc(mem, 2 * cap * sizeof *more);

            memcpy(more, all, n * sizeof *more);
            all = more;
            cap *= 2;
        }
        all[n++] = one;
    }
    *ret = (struct list){ .items = all, .n = n };
    return got;
}

int metrics_each(struct db *db, const char *exec, const char *series, double since,
                 metric_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(mem_freep) struct mem *mem = mem_new();     /* stays empty: no column is text */
    struct metric_row row = {0};
    int got;

    if (query_start(&q, db, sql_each, BINDS(BIND_T(":exec", exec), BIND_T(":series", series),
                                            BIND_R(":since", since)), err) < 0)
        return -1;
    while ((got = query_next(&q, row_fields, &row, mem, err)) > 0)
        each(arg, &row);
    return got;
}

int metrics_count(struct db *db, const char *exec, const char *series, double since, int64_t *ret,
                  struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_count, BINDS(BIND_T(":exec", exec), BIND_T(":series", series),
                                             BIND_R(":since", since)), err) < 0 ||
        query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    *ret = query_int(&q, 0);
    return 0;
}

int metrics_each_unsure(struct db *db, int64_t span_ms, int64_t max,
                        void (*each)(void *arg, const struct exec *exec), void *arg,
                        struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec exec;
    int got;

    fields_init(exec_fields, &exec);
    if (query_start(&q, db, sql_unsure,
                    BINDS(BIND_I(":span", span_ms), BIND_I(":max", max)), err) < 0)
        return -1;
    while ((got = query_next(&q, exec_fields, &exec, mem, err)) > 0)
        each(arg, &exec);
    return got;
}

int metrics_add(struct db *db, const char *exec, const struct metric_row *rows, size_t n,
                struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct metric_row *r = &rows[i];

        if (db_run(db, sql_add,
                   BINDS(BIND_T(":exec", exec), BIND_T(":series", r->series), BIND_I(":n", r->n),
                         BIND_R(":step", r->step), BIND_I(":time", r->time_ms),
                         BIND_R(":value", r->value)),
                   err) < 0)
            return -1;
    }
    return 0;
}

int metrics_clear(struct db *db, const char *exec, struct err *err)
{
    return db_run(db, sql_clear, BINDS(BIND_T(":exec", exec)), err) < 0 ? -1 : 0;
}

int metrics_trim(struct db *db, const char *exec, int64_t max, struct err *err)
{
    return db_run(db, sql_trim, BINDS(BIND_T(":exec", exec), BIND_I(":max", max)), err);
}

int metrics_clear_series(struct db *db, const char *exec, const char *series, struct err *err)
{
    return db_run(db, sql_clear_series,
                  BINDS(BIND_T(":exec", exec), BIND_T(":series", series)), err) < 0 ? -1 : 0;
}
