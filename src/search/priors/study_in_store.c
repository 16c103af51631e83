// SPDX-License-Identifier: Apache-2.0
#include "search/priors/study_in_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"
#include "store/foreign.h"

#include <math.h>
#include <string.h>

enum {
    NAMES_SHOWN = 5,            /* of studies, in a refusal */
    PARAMS_MAX  = 300,          /* of one trial; SPACE_DIMS_MAX of them can matter */
    KINDS_MAX   = 500,          /* distributions that are remembered: a study has one for each parameter, or few, */
    KINDS_BYTES_MAX = 4 << 20,  /* of all of them: parsed they are many times as large */
};

static const char sql_studies[] =
    "SELECT study_id AS id, study_name AS name"
    "  FROM studies"
    " WHERE :name IS NULL OR study_name = :name"
    " ORDER BY study_id"
    " LIMIT 6";

static const char sql_directions[] =
    "SELECT study_id AS id, direction AS name"
    "  FROM study_directions"
    " WHERE study_id = :study"
    " ORDER BY objective"
    " LIMIT 2";

static const char sql_trials[] =
    "SELECT trials.trial_id AS id, trial_values.value AS value"
    "  FROM trials LEFT JOIN trial_values"
    "       ON trial_values.trial_id = trials.trial_id AND trial_values.objective = 0"
    " WHERE trials.study_id = :study AND trials.state = 'COMPLETE'"
    " ORDER BY trials.number"
    " LIMIT :max";

static const char sql_params[] =
    "SELECT param_name AS name, param_value AS value, distribution_json AS distribution"
    "  FROM trial_params"
    " WHERE trial_id = :trial AND length(param_name) <= 512 AND length(distribution_json) <= 65536"
    " LIMIT :max";

struct row {
    int64_t id;
    const char *name, *distribution;
    double value;
};

static const struct field row_fields[] = {
    { "id",           INT(struct row, id) },
    { "name",         TEXT(struct row, name) },
    { "value",        REAL(struct row, value) },
    { "distribution", TEXT(struct row, distribution) },
    { .type = FIELD_END },
};

/* --- the study --- */

static int check_tables(struct db *db, struct err *err)
{
    static const char *const names[] = { "studies", "study_directions", "trials", "trial_values", "trial_params" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int has = foreign_has_table(db, names[i], err);

        if (has < 0)
            return -1;
        if (!has)
            return err_set(err, ERR_BAD_INPUT, "this is no Optuna study: the file has no table %s", names[i]);
    }
    return 0;
}

static const char *plain(const char *name) { return name && text_is_utf8(name, strlen(name)) ? name : "?"; }

static int find_row(struct db *db, const char *name, struct row *ret, struct mem *mem, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(text_done) struct text names = {0};
    struct row row;
    int n, n_found = 0;

    if (query_start(&q, db, sql_studies, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    for (;; n_found++) {
        fields_init(row_fields, &row);
        n = query_next(&q, row_fields, &row, mem, err);
        if (n <= 0)
            break;
        if (n_found < NAMES_SHOWN)
            text_addf(&names, "%s\"%.40s\"", n_found ? ", " : "", plain(row.name));
        *ret = row;
    }
    if (n < 0)
        return -1;
    if (n_found == 1)
        return 0;
    if (n_found == 0 && name)
        return err_field(err, "priorStudy", "the name of a study in the file", "the file has no study \"%.100s\"", name);
    if (n_found == 0)
        return err_set(err, ERR_BAD_INPUT, "the file has no study");
    return err_field(err, "priorStudy", "the name of a study in the file", "the file has several studies: %s%s", names.data,
                     n_found > NAMES_SHOWN ? ", ..." : "");
}

static int read_direction(struct db *db, struct study *s, struct mem *mem, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct row row, second;
    int n;

    fields_init(row_fields, &row);
    if (query_start(&q, db, sql_directions, BINDS(BIND_I(":study", s->id)), err) < 0)
        return -1;
    n = query_next(&q, row_fields, &row, mem, err);
    if (n < 0)
        return -1;
    if (n == 0 || !row.name || (!text_same(row.name, "MINIMIZE") && !text_same(row.name, "MAXIMIZE")))
        return err_set(err, ERR_BAD_INPUT, "the study does not say whether it minimizes or maximizes");
    s->maximize = text_same(row.name, "MAXIMIZE");
    n = query_next(&q, row_fields, &second, mem, err);
    if (n > 0)
        return err_set(err, ERR_BAD_INPUT, "the study has several objectives; a search has one");
    return n;
}

int study_find(struct db *db, const char *name, struct study *ret, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct row row = {0};

    if (check_tables(db, err) < 0 || find_row(db, name, &row, mem, err) < 0)
        return -1;
    ret->id = row.id;
    return read_direction(db, ret, mem, err);
}

/* --- its trials --- */

/* Distributions are the same text in every trial, and longer than the value: each is parsed once. */
struct kinds {
    struct mem *mem;
    struct kind {
        const char *text;
        json_t *json;           /* NULL: unusable */
    } items[KINDS_MAX];
    int n, next;                /* where the next look begins: trials have them in one order */
    size_t bytes;
};

static void json_release(void *json) { json_decref(json); }

static const json_t *kind_of(struct kinds *k, const char *text)
{
    for (int i = 0; i < k->n; i++) {
        int at = (k->next + i) % k->n;

        if (strcmp(k->items[at].text, text) == 0) {
            k->next = at + 1;
            return k->items[at].json;
        }
    }
    k->bytes += strlen(text);
    if (k->n == KINDS_MAX || k->bytes > KINDS_BYTES_MAX)
        return NULL;
    k->items[k->n] = (struct kind){ mem_strdup(k->mem, text), json_loads(text, 0, NULL) };
    if (k->items[k->n].json)
        mem_on_free(k->mem, json_release, k->items[k->n].json);
    k->next = k->n;
    return k->items[k->n++].json;
}

static int read_params(struct db *db, int64_t trial, struct kinds *kinds, struct mem *mem, struct known_value *values,
                       struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n, n_values = 0;

    if (query_start(&q, db, sql_params, BINDS(BIND_I(":trial", trial), BIND_I(":max", PARAMS_MAX)), err) < 0)
        return -1;
    for (;;) {
        struct row row;

        fields_init(row_fields, &row);
        n = query_next(&q, row_fields, &row, mem, err);
        if (n <= 0)
            return n < 0 ? -1 : n_values;
        if (row.name && row.distribution)
            values[n_values++] = (struct known_value){ row.name, study_known(kind_of(kinds, row.distribution), row.value) };
    }
}

static int each_trial(struct db *db, struct query *q, struct kinds *kinds, study_each_fn *each, void *arg, struct err *err)
{
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct known_value values[PARAMS_MAX];
        struct row row;
        int n;

        fields_init(row_fields, &row);
        n = query_next(q, row_fields, &row, mem, err);
        if (n <= 0)
            return n;
        n = read_params(db, row.id, kinds, mem, values, err);
        if (n < 0)
            return -1;
        each(arg, values, n, row.value);
    }
}

int study_each(struct db *db, const struct study *s, int64_t max, study_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(freep) struct kinds *kinds = xcalloc(1, sizeof *kinds);
    int rc;

    if (query_start(&q, db, sql_trials, BINDS(BIND_I(":study", s->id), BIND_I(":max", max)), err) < 0)
        return -1;
    kinds->mem = mem_new();
    rc = each_trial(db, &q, kinds, each, arg, err);
    mem_free(kinds->mem);
    return rc;
}
