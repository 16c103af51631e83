// SPDX-License-Identifier: Apache-2.0
#include "search/insight/experiment_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <inttypes.h>

#define EXPERIMENT_COLUMNS \
    "id, cube, hyperparams, resource, parent, stopped_early, state, metric, metrics, message, exec, driver_id," \
    " started_ms, ended_ms, told"

static const char sql_each[] =
    "SELECT " EXPERIMENT_COLUMNS
    "  FROM experiment"
    " WHERE search = :search"
    " ORDER BY id";

/* The sign keeps SQLite from walking all of them in order. */
static const char sql_since[] =
    "SELECT " EXPERIMENT_COLUMNS
    "  FROM experiment"
    " WHERE search = :search AND changed > :version"
    " ORDER BY +id";

static const char sql_find[] =
    "SELECT " EXPERIMENT_COLUMNS
    "  FROM experiment"
    " WHERE search = :search AND id = :id";

static int each_row(struct query *q, experiment_each_fn *each, void *arg, struct err *err)
{
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct experiment e;
        int n;

        fields_init(experiment_fields, &e);
        n = query_next(q, experiment_fields, &e, mem, err);
        if (n <= 0)
            return n;
        if (each(arg, &e, err) < 0)
            return -1;
    }
}

int experiments_each(struct db *db, const char *search, experiment_each_fn *each, void *arg,
                     struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_each, BINDS(BIND_T(":search", search)), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int experiments_since(struct db *db, const char *search, int64_t version, experiment_each_fn *each,
                      void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_since,
                    BINDS(BIND_T(":search", search), BIND_I(":version", version)), err) < 0)
        return -1;
    return each_row(&q, each, arg, err);
}

int experiments_find(struct db *db, const char *search, int64_t id, struct mem *mem,
                     struct experiment *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct experiment e;
    int n;

    if (query_start(&q, db, sql_find, BINDS(BIND_T(":search", search), BIND_I(":id", id)), err) < 0)
        return -1;
    fields_init(experiment_fields, &e);
    n = query_next(&q, experiment_fields, &e, mem, err);
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no experiment %" PRId64 " in \"%.100s\"", id,
                       search);
    if (n < 0)
        return -1;
    *ret = e;
    return 0;
}
