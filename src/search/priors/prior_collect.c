// SPDX-License-Identifier: Apache-2.0
#include "search/priors/prior_collect.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/insight/experiment_store.h"
#include "search/loop.h"
#include "search/priors/study_in_store.h"
#include "store/db.h"
#include "store/foreign.h"
#include "tasks/tasks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WARM_START_FIELD "algoDef.algoParams.WarmStart"

struct warm_params { const char *name; };

static const struct field warm_fields[] = {
    { "WarmStart", TEXT(struct warm_params, name), .min = 1, .max = SEARCH_NAME_MAX,
      .doc = "an earlier search, whose experiments the algorithm is told first" },
    { .type = FIELD_END },
};

const struct part *prior_part(const struct call *c) { return call_part(c, "prior"); }

static const char *word(bool maximize) { return maximize ? "maximizes" : "minimizes"; }

/* Numbers of the other direction mean something else: negating them would make up a metric nobody measured. */
static int check_direction(const struct search_plan *plan, bool maximize, const char *field, const char *what,
                           struct err *err)
{
    if (maximize == plan->maximize)
        return 0;
    return err_field(err, field, "an objective of the same direction", "this search %s, but %s %s",
                     word(plan->maximize), what, word(maximize));
}

/* --- an earlier search --- */

struct earlier {
    struct priors *priors;
    const struct search_plan *plan;     /* of the earlier one */
    bool by_name;               /* its resource is a hyperparameter of the new one */
};

/* What was given less than the most is another metric. */
static bool is_comparable(const struct earlier *x, const struct experiment *e)
{
    return x->by_name || !search_ran_short(x->plan, e->resource);
}

static int add_experiment(void *arg, const struct experiment *e, struct err *err)
{
    struct earlier *x = arg;
    struct shown shown[SPACE_DIMS_MAX + 1];
    struct known_value values[SPACE_DIMS_MAX + 1];
    CLEANUP(freep) char *echo = xstrdup(e->hyperparams);
    int n;

    (void)err;
    if (strcmp(e->state, "FINISHED") != 0)
        return 0;
    n = is_comparable(x, e) ? shown_split(echo, shown, (int)ARRAY_LEN(shown)) : 0;
    for (int i = 0; i < n; i++)
        values[i] = (struct known_value){ shown[i].name, known_of_shown(&shown[i]) };
    if (n > 0 && e->resource != INT_UNSET) /* shown as a text */
        values[n - 1].value = (struct known){ .kind = KNOWN_NUMBER, .number = (double)e->resource };
    priors_add(x->priors, values, n < 0 ? 0 : n, n > 0 ? e->metric : NAN);
    return 0;
}

static bool has_dimension(const struct space *space, const char *name)
{
    for (int i = 0; name && i < space->n_dims; i++)
        if (strcmp(space->dims[i].name, name) == 0)
            return true;
    return false;
}

/* Another metric means another number. */
static int check_metric(const struct search_plan *plan, const struct search_plan *before, struct err *err)
{
    const char *metric = plan->doc.algo.objective_metric, *earlier = before->doc.algo.objective_metric;

    if (strcmp(metric, earlier) == 0)
        return 0;
    return err_field(err, WARM_START_FIELD, "a search of the same objectiveMetric",
                     "the objectiveMetric of this search is \"%.60s\", that of the earlier one \"%.60s\"", metric, earlier);
}

static int add_earlier(struct call *c, struct db *db, const char *name, const struct search_plan *plan,
                       struct priors *ret, struct err *err)
{
    struct search_plan before;
    struct earlier x = { .priors = ret, .plan = &before };
    struct search s;
    int rc = searches_find(db, name, c->mem, &s, err);

    if ((rc < 0 && err->kind == ERR_NOT_FOUND) || (rc == 0 && !call_owns(c, s.creator)))
        return err_field(err, WARM_START_FIELD, "the name of a search of yours",
                         "there is no search \"%.100s\" to learn from", name);
    if (rc < 0 || document_read_stored(s.spec, c->mem, &before, err) < 0)
        return -1;
    if (check_direction(plan, before.maximize, WARM_START_FIELD, "the earlier search", err) < 0 ||
        check_metric(plan, &before, err) < 0)
        return -1;
    x.by_name = has_dimension(&plan->space, before.resource_name);
    return experiments_each(db, name, add_experiment, &x, err);
}

static int collect_earlier(struct call *c, const struct searches *s, const char *name, const struct search_plan *plan,
                           struct priors *ret, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(s->tasks->config.db_path, DB_READ, err);

    return db ? add_earlier(c, db, name, plan, ret, err) : -1;
}

/* --- an Optuna study --- */

static void add_trial(void *arg, const struct known_value *values, int n, double objective)
{
    priors_add(arg, values, n, objective);
}

/* All trials are read, though not all can be told, so that those skipped are counted. */
static int read_study(struct db *db, const struct search_plan *plan, struct priors *ret, struct err *err)
{
    struct study study = {0};

    if (study_find(db, plan->doc.prior_study, &study, err) < 0 ||
        check_direction(plan, study.maximize, "prior", "the study", err) < 0)
        return -1;
    return study_each(db, &study, INT64_MAX, add_trial, ret, err);
}

static int collect_study(const struct part *part, const struct search_plan *plan, struct priors *ret, struct err *err)
{
    static const struct foreign_limits limits = { PRIOR_FILE_BYTES_MAX, PRIOR_FILE_MS_MAX };
    CLEANUP(db_closep) struct db *db = part->path ? foreign_open(part->path, &limits, err)
                                                  : foreign_open_bytes(part->data, (size_t)part->len, &limits, err);

    if (db && read_study(db, plan, ret, err) == 0)
        return 0;
    if (!err->field[0])
        snprintf(err->field, sizeof err->field, "prior");
    return -1;
}

/* --- both --- */

int priors_collect(struct call *c, const struct searches *s, const struct search_plan *plan, struct priors *ret,
                   bool *ret_any, struct err *err)
{
    const struct part *part = prior_part(c);
    struct warm_params warm;

    *ret = (struct priors){ .mem = c->mem, .space = &plan->space };
    if (algorithm_params(warm_fields, &plan->doc.algo.params, &warm, c->mem, err) < 0)
        return -1;
    if (!part && plan->doc.prior_study)
        return err_field(err, "prior", "an Optuna study in a part named prior", "priorStudy names a study of a file that was not sent");
    *ret_any = part || warm.name;
    if (!*ret_any)
        return 0;
    if (!plan->algorithm->takes_priors)
        return err_field(err, part ? "prior" : WARM_START_FIELD, "an algorithm that learns, such as Tpe or Bayesian",
                         "%s does not learn from what was known before", plan->algorithm->name);
    if (warm.name && collect_earlier(c, s, warm.name, plan, ret, err) < 0)
        return -1;
    return part ? collect_study(part, plan, ret, err) : 0;
}
