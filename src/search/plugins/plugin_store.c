// SPDX-License-Identifier: Apache-2.0
#include "search/plugins/plugin_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#define PLUGIN_COLUMNS "seq, name, creator, conda_home, conda_env, log_level, remote_exec, created_ms"

static const char sql_find[] =
    "SELECT " PLUGIN_COLUMNS
    "  FROM algorithm"
    " WHERE name = :name";

static const char sql_each[] =
    "SELECT " PLUGIN_COLUMNS
    "  FROM algorithm"
    " ORDER BY seq";

static const char sql_insert[] =
    "INSERT INTO algorithm (name, creator, conda_home, conda_env, log_level, remote_exec, created_ms)"
    " VALUES (:name, :creator, :conda_home, :conda_env, :log_level, :remote, :created)";

static const char sql_user[] =
    "SELECT name"
    "  FROM search"
    " WHERE ended_ms IS NULL AND json_extract(spec, '$.algoDef.algorithm') = :name"
    " LIMIT 1";

static const char sql_remove[] =
    "DELETE FROM algorithm"
    " WHERE name = :name AND NOT EXISTS"
    "       (SELECT 1 FROM search WHERE ended_ms IS NULL AND json_extract(spec, '$.algoDef.algorithm') = :name)";

static const char sql_algorithm_of[] =
    "SELECT json_extract(spec, '$.algoDef.algorithm')"
    "  FROM search"
    " WHERE name = :search";

static const char sql_calls[] =
    "SELECT call, samples, state"
    "  FROM plugin_call"
    " WHERE search = :search"
    " ORDER BY call";

static const char sql_suggestions[] =
    "SELECT s.id, s.vals"
    "  FROM suggestion AS s LEFT JOIN experiment AS e ON e.search = s.search AND e.id = s.id"
    " WHERE s.search = :search AND (e.told IS NULL OR e.told > :call)"
    " ORDER BY s.id";

static const char sql_count[] =
    "SELECT coalesce(max(id) + 1, 0)"
    "  FROM suggestion"
    " WHERE search = :search";

static const char sql_add_call[] =
    "INSERT INTO plugin_call (search, call, samples, state)"
    " VALUES (:search, :call, :samples, :state)";

static const char sql_forget_calls[] =
    "DELETE FROM plugin_call"
    " WHERE search = :search AND call < :call";

static const char sql_add_suggestion[] =
    "INSERT INTO suggestion (search, id, vals)"
    " VALUES (:search, :id, :vals)";

static const char sql_tell[] =
    "UPDATE experiment"
    "   SET told = :call"
    " WHERE search = :search AND id = :id";

static const struct field call_fields[] = {
    { "call",    INT(struct plugin_call, call) },
    { "samples", INT(struct plugin_call, samples) },
    { "state",   TEXT(struct plugin_call, state) },
    { .type = FIELD_END },
};

/* --- algorithms --- */

int plugins_find(struct db *db, const char *name, struct mem *mem, struct plugin *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    fields_init(plugin_fields, ret);
    if (query_start(&q, db, sql_find, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    return query_next(&q, plugin_fields, ret, mem, err);
}

int plugins_each(struct db *db, plugin_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_each, NULL, err) < 0)
        return -1;
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct plugin p;
        int n;

        fields_init(plugin_fields, &p);
        n = query_next(&q, plugin_fields, &p, mem, err);
        if (n <= 0)
            return n;
        if (each(arg, &p, err) < 0)
            return -1;
    }
}

static const struct algorithm *find_algorithm(void *arg, const char *name, struct mem *mem, struct err *err)
{
    struct plugin p;

    return plugins_find(arg, name, mem, &p, err) > 0 ? plugin_algorithm(&p, mem) : NULL;
}

struct algorithm_source plugins_source(struct db *db) { return (struct algorithm_source){ find_algorithm, db }; }

int plugins_find_user(struct db *db, const char *name, struct mem *mem, const char **ret_search, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_user, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    *ret_search = n > 0 ? mem_strdup(mem, query_text(&q, 0)) : NULL;
    return n < 0 ? -1 : 0;
}

int plugins_insert(struct db *db, const struct plugin *p, struct err *err)
{
    if (db_run(db, sql_insert,
               BINDS(BIND_T(":name", p->name), BIND_T(":creator", p->creator), BIND_T(":conda_home", p->conda_home),
                     BIND_T(":conda_env", p->conda_env), BIND_T(":log_level", p->log_level),
                     BIND_I(":remote", p->remote_exec), BIND_I(":created", p->created_ms)),
               err) > 0)
        return 0;
    if (err->kind == ERR_CONFLICT)
        err_set(err, ERR_CONFLICT, "there is an algorithm named \"%.60s\" already", p->name);
    return -1;
}

int plugins_remove(struct db *db, const char *name, struct err *err)
{
    int n = db_run(db, sql_remove, BINDS(BIND_T(":name", name)), err);

    if (n == 0)
        return err_set(err, ERR_CONFLICT, "the algorithm \"%.60s\" is in use", name);
    return n < 0 ? -1 : 0;
}

int plugins_check_search(struct db *db, const char *search, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(query_done) struct query q = {0};
    const char *name;
    struct plugin p;
    int n;

    if (query_start(&q, db, sql_algorithm_of, BINDS(BIND_T(":search", search)), err) < 0)
        return -1;
    n = query_next(&q, NULL, NULL, NULL, err);
    name = n > 0 ? query_text(&q, 0) : NULL;
    if (n < 0 || !name || algorithm_find(name))
        return n < 0 ? -1 : 0;
    n = plugins_find(db, name, mem, &p, err);
    if (n == 0)
        return err_field(err, "algoDef.algorithm", "an algorithm that GET /hypersearch/algorithm lists",
                         "the algorithm \"%.60s\" is not installed any more", name);
    return n < 0 ? -1 : 0;
}

/* --- calls --- */

int plugin_calls_each(struct db *db, const char *search, plugin_call_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_calls, BINDS(BIND_T(":search", search)), err) < 0)
        return -1;
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct plugin_call call;
        int n;

        fields_init(call_fields, &call);
        n = query_next(&q, call_fields, &call, mem, err);
        if (n <= 0)
            return n;
        if (each(arg, &call, err) < 0)
            return -1;
    }
}

int suggestions_each(struct db *db, const char *search, int64_t call, suggestion_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_suggestions, BINDS(BIND_T(":search", search), BIND_I(":call", call)), err) < 0)
        return -1;
    while ((n = query_next(&q, NULL, NULL, NULL, err)) > 0)
        each(arg, query_int(&q, 0), query_text(&q, 1));
    return n;
}

int suggestions_count(struct db *db, const char *search, int64_t *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_count, BINDS(BIND_T(":search", search)), err) < 0 ||
        query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    *ret = query_int(&q, 0);
    return 0;
}

static int add_suggestions(struct db *db, const char *search, const struct plugin_reply *r, struct err *err)
{
    for (size_t i = 0; i < r->n; i++)
        if (db_run(db, sql_add_suggestion,
                   BINDS(BIND_T(":search", search), BIND_I(":id", r->first + (int64_t)i),
                         BIND_T(":vals", r->suggestions[i])),
                   err) < 0)
            return -1;
    for (size_t i = 0; i < r->n_told; i++)
        if (db_run(db, sql_tell,
                   BINDS(BIND_T(":search", search), BIND_I(":id", r->told[i]), BIND_I(":call", r->call.call)), err) < 0)
            return -1;
    return 0;
}

int plugin_calls_add(struct db *db, const char *search, const struct plugin_reply *r, struct err *err)
{
    if (db_run(db, sql_add_call,
               BINDS(BIND_T(":search", search), BIND_I(":call", r->call.call), BIND_I(":samples", r->call.samples),
                     BIND_T(":state", r->call.state)),
               err) < 0)
        return -1;
    if (r->call.state && db_run(db, sql_forget_calls,
                                BINDS(BIND_T(":search", search), BIND_I(":call", r->call.call)), err) < 0)
        return -1;
    return add_suggestions(db, search, r, err);
}
