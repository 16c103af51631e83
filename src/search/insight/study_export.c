// SPDX-License-Identifier: Apache-2.0
#include "search/insight/study_export.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/insight/experiment_store.h"
#include "search/insight/study.h"
#include "search/insight/study_out_store.h"
#include "store/db.h"
#include "store/foreign.h"
#include "tasks/metrics_sample.h"
#include "tasks/metrics_store.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct exporting {
    struct db *from, *to;
    const struct search_plan *plan;
    struct tried *tried;
    const char **distributions; /* [n_columns] */
    int64_t n;                  /* trials so far: their numbers have no gaps */
    struct err *err;            /* of a point that could not be stored */
    bool failed;
    struct sampler sampler;
};

static const char *time_text(int64_t unix_ms, struct mem *mem)
{
    char buf[32];

    if (unix_ms == INT_UNSET)
        return NULL;
    return mem_printf(mem, "%s.%03d000", clock_local_text(unix_ms, buf), (int)(unix_ms % 1000));
}

static const char *json_text(const char *text, struct mem *mem)
{
    CLEANUP(text_done) struct text json = {0};

    text_add_json(&json, text);
    return mem_strdup(mem, json.data);
}

/* --- one experiment --- */

static int add_params(struct exporting *x, const struct experiment *e, struct err *err)
{
    struct shown shown[SPACE_DIMS_MAX + 1];
    CLEANUP(freep) char *echo = xstrdup(e->hyperparams);
    int n = shown_split(echo, shown, (int)ARRAY_LEN(shown));

    for (int i = 0; i < n; i++) {
        for (int k = 0; k < x->tried->n_columns; k++) {
            double number;

            if (strcmp(shown[i].name, x->tried->columns[k].name) != 0 || !x->distributions[k] ||
                !study_number(&x->tried->columns[k], shown[i].text, &number))
                continue;
            if (study_add_param(x->to, x->n, shown[i].name, number, x->distributions[k], err) < 0)
                return -1;
        }
    }
    return 0;
}

static int add_attributes(struct exporting *x, const struct experiment *e, struct mem *mem, struct err *err)
{
    const struct { const char *key, *json; } attributes[] = {
        { "experiment", mem_printf(mem, "%" PRId64, e->id) },
        { "exec", e->exec ? json_text(e->exec, mem) : NULL },
        { "metrics", e->metrics },
        { "message", e->message ? json_text(e->message, mem) : NULL },
        { x->plan->resource_name, e->resource == INT_UNSET ? NULL : mem_printf(mem, "%" PRId64, e->resource) },
    };

    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (attributes[i].json && attributes[i].key &&
            study_add_attribute(x->to, x->n, attributes[i].key, attributes[i].json, err) < 0)
            return -1;
    return 0;
}

static void add_point(void *arg, const struct metric_row *row)
{
    struct exporting *x = arg;
    double step = isnan(row->step) ? (double)row->n : floor(row->step);

    if (!x->failed && fabs(step) < 1e15)
        x->failed = study_add_intermediate(x->to, x->n, (int64_t)step, row->value, x->err) < 0;
}

static void sample_point(void *arg, const struct metric_row *row)
{
    sampler_add(&((struct exporting *)arg)->sampler, row);
}

/* The course of the objective, from the first series that has one. */
static int add_course(struct exporting *x, const struct experiment *e, struct mem *mem, struct err *err)
{
    static const char *const groups[] = { "val", "test", "train" };

    for (size_t i = 0; e->exec && i < ARRAY_LEN(groups); i++) {
        const char *series = mem_printf(mem, "%s/%s", groups[i], x->plan->doc.algo.objective_metric);
        int64_t n = 0;

        if (metrics_count(x->from, e->exec, series, NAN, &n, err) < 0)
            return -1;
        if (n == 0)
            continue;
        x->err = err;
        sampler_start(&x->sampler, n, STUDY_POINTS_MAX, add_point, x);
        if (metrics_each(x->from, e->exec, series, NAN, sample_point, x, err) < 0 || x->failed)
            return -1;
        break;
    }
    return 0;
}

/* Of one that FINISHED. */
static const char *outcome(const struct search_plan *plan, const struct experiment *e)
{
    return e->stopped_early || search_ran_short(plan, e->resource) ? "PRUNED" : "COMPLETE";
}

static int add_experiment(void *arg, const struct experiment *e, struct err *err)
{
    struct exporting *x = arg;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    bool fine = strcmp(e->state, "FINISHED") == 0;
    const struct study_trial t = {
        .number = x->n,
        .state = fine ? outcome(x->plan, e) : e->ended_ms != INT_UNSET ? "FAIL" : "RUNNING",
        .started = time_text(e->started_ms, mem),
        .ended = time_text(e->ended_ms, mem),
        .value = fine ? e->metric : NAN,
    };

    if (study_add_trial(x->to, &t, err) < 0 || add_params(x, e, err) < 0 ||
        add_attributes(x, e, mem, err) < 0 || add_course(x, e, mem, err) < 0)
        return -1;
    x->n++;
    return 0;
}

/* --- the file --- */

static void make_distributions(struct exporting *x, struct mem *mem)
{
    x->distributions = mem_alloc(mem, ((size_t)x->tried->n_columns + 1) * sizeof *x->distributions);
    for (int i = 0; i < x->tried->n_columns; i++) {
        const struct column *c = &x->tried->columns[i];
        CLEANUP(text_done) struct text t = {0};

        if (x->plan->resource_name && strcmp(c->name, x->plan->resource_name) == 0)
            continue; /* an attribute */
        study_distribution(c, &t);
        x->distributions[i] = mem_strdup(mem, t.data);
    }
}

static int write_study(struct exporting *x, const struct search *s, const char *path, struct mem *mem, struct err *err)
{
    const char *metric = mem_printf(mem, "[%s]", json_text(x->plan->doc.algo.objective_metric, mem));
    CLEANUP(db_closep) struct db *to = study_create(path, s->name, x->plan->maximize, metric, err);

    if (!to)
        return -1;
    x->to = to;
    make_distributions(x, mem);
    if (experiments_each(x->from, s->name, add_experiment, x, err) < 0)
        return -1;
    return foreign_finish(to, err);
}

int study_export(struct db *db, const struct search *s, const struct search_plan *plan, const char *path,
                 struct mem *mem, struct err *err)
{
    CLEANUP(tried_freep) struct tried *tried = tried_new(plan, /* values= */ false, 0);
    struct exporting x = { .from = db, .plan = plan, .tried = tried };

    if (write_study(&x, s, path, mem, err) == 0)
        return 0;
    unlink(path);
    return -1;
}
