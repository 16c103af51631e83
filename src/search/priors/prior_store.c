// SPDX-License-Identifier: Apache-2.0
#include "search/priors/prior_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

static const char sql_insert[] =
    "INSERT INTO prior (search, n, cube, objective)"
    " VALUES (:search, :n, :cube, :objective)";

static const char sql_each[] =
    "SELECT n, cube, objective"
    "  FROM prior"
    " WHERE search = :search"
    " ORDER BY n";

struct prior_row {
    int64_t n;
    struct prior prior;
};

static const struct field row_fields[] = {
    { "n",         INT(struct prior_row, n) },
    { "cube",      TEXT(struct prior_row, prior.cube) },
    { "objective", REAL(struct prior_row, prior.objective) },
    { .type = FIELD_END },
};

int priors_insert(struct db *db, const char *search, const struct priors *p, struct err *err)
{
    for (size_t i = 0; i < p->n; i++)
        if (db_run(db, sql_insert,
                   BINDS(BIND_T(":search", search), BIND_I(":n", (int64_t)i + 1), BIND_T(":cube", p->items[i].cube),
                         BIND_R(":objective", p->items[i].objective)), err) < 0)
            return -1;
    return 0;
}

int priors_each(struct db *db, const char *search, prior_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_each, BINDS(BIND_T(":search", search)), err) < 0)
        return -1;
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct prior_row row;
        int n;

        fields_init(row_fields, &row);
        n = query_next(&q, row_fields, &row, mem, err);
        if (n <= 0)
            return n;
        each(arg, row.n, &row.prior);
    }
}
