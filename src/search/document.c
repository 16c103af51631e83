// SPDX-License-Identifier: Apache-2.0
#include "search/document.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { EARLY_TRIALS = 5, EARLY_STEPS = 1 };

static const struct field model_spec_fields[] = {
    { "sigName", TEXT(struct model_spec, sig_name), .max = 256, .doc = "instance group; default group when absent or empty" },
    { "args",    TEXT(struct model_spec, args),     .required = true, .min = 1, .max = 256 << 10,
      .doc = "arguments of every experiment, as for a task" },
    { .type = FIELD_END },
};

const struct field algo_def_fields[] = {
    { "algorithm",         TEXT(struct algo_def, algorithm), .required = true, .min = 1, .max = 128,
      .doc = "Random, ExperimentGridSearch, ..." },
    { "maxRunTime",        INT(struct algo_def, max_minutes), .min = -1, .max = SEARCH_MINUTES_MAX, .unit = "minutes",
      .doc = "wall clock from the start; -1 (default) = unlimited" },
    { "maxJobNum",         INT(struct algo_def, max_jobs), .min = -1, .max = SEARCH_JOBS_MAX,
      .doc = "experiments in all; -1 (default) = unlimited" },
    { "maxParalleJobNum",  INT(struct algo_def, parallel), .min = 1, .max = SEARCH_PARALLEL_MAX,
      ALIASES("maxParalleJob", "maxParallelJobNum"), .doc = "experiments at the same time; default 1" },
    { "objective",         TEXT(struct algo_def, objective), .max = 32, .doc = "minimize (default) or maximize" },
    { "objectiveMetric",   TEXT(struct algo_def, objective_metric), .required = true, .min = 1, .max = 256,
      .doc = "the metric to optimise, as named in val_dict_list.json" },
    { "additionalMetrics", JSON(struct algo_def, additional_metrics),
      .doc = "other metrics to report: object of name to minimize, maximize or latest" },
    { "hyperbandEta",      REAL(struct algo_def, hyperband_eta), .format = "double", .doc = "of Hyperband" },
    { "algoParams",        LIST(struct algo_def, params, struct algo_param, algo_param_fields), .max = 64,
      .doc = "parameters of the algorithm" },
    { .type = FIELD_END },
};

static const struct field listed_fields[] = {
    { "id",          INT(struct listed_experiment, id), .doc = "any number; experiments are numbered anew from 0" },
    { "hyperParams", LIST(struct listed_experiment, params, struct param_spec, param_spec_fields), .required = true,
      .min = 1, .max = SPACE_DIMS_MAX, ALIASES("fixedHyperParams"), .doc = "name, dataType and fixedVal of each" },
    { .type = FIELD_END },
};

const struct field document_fields[] = {
    { "hpoName",       TEXT(struct document, name), .doc = "unique; <user>-hpo-<number> when absent" },
    { "modelSpec",     OBJECT(struct document, model, model_spec_fields), .required = true, .doc = "what to run" },
    { "algoDef",       OBJECT(struct document, algo, algo_def_fields), .required = true, .doc = "how to search" },
    { "hyperParams",   LIST(struct document, params, struct param_spec, param_spec_fields), .max = SPACE_DIMS_MAX,
      .doc = "the space" },
    { "experiments",   LIST(struct document, experiments, struct listed_experiment, listed_fields),
      .max = SEARCH_LISTED_MAX, .doc = "ExperimentGridSearch: the experiments to run" },
    { "powerSampling", TEXT(struct document, power_sampling), ALLOWED("log", "linear"),
      .doc = "what is drawn uniformly with power: the exponent (log) or the value; default: the server's setting" },
    { "priorStudy",    TEXT(struct document, prior_study), .max = 512,
      .doc = "the study in the file sent as prior; needed when it has several" },
    { .type = FIELD_END },
};

/* --- spelling --- */

static void json_release(void *json) { json_decref(json); }

/* Listed parameters are fixed by nature and come without a type. */
static void respell_listed(json_t *experiments)
{
    json_t *item, *param, *list;
    size_t i, k;

    json_array_foreach(experiments, i, item) {
        list = json_object_get(item, "hyperParams");
        if (!list)
            list = json_object_get(item, "fixedHyperParams");
        space_respell(list);
        json_array_foreach(list, k, param) {
            json_object_set_new(param, "type", json_string("fix"));
        }
    }
}

static void drop_empty(struct list *list)
{
    if (list->n == 0)
        *list = (struct list){0};
}

/* Lists that clients send empty beside the one they mean are not part of the echo. */
static void drop_unused(struct list *specs)
{
    struct param_spec *p = specs->items;

    for (size_t i = 0; i < specs->n; i++) {
        drop_empty(&p[i].discrete_db);
        drop_empty(&p[i].discrete_int);
        drop_empty(&p[i].discrete_str);
        if (p[i].step && !p[i].step[0])
            p[i].step = NULL;
        if (p[i].power && !p[i].power[0])
            p[i].power = NULL;
    }
    drop_empty(specs);
}

/* --- checks --- */

const char *search_name_trouble(const char *name)
{
    static const char *const reserved[] = { "algorithm", "install" };

    if (!name[0] || strlen(name) > SEARCH_NAME_MAX)
        return "a name has 1 to 255 bytes";
    if (!path_name_ok(name) || strpbrk(name, "?#%\\"))
        return "a name is valid UTF-8 without / \\ ? # % and control characters, and not . or ..";
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return "this word is part of the API's own paths; choose another name";
    return "";
}

static int check_name(const struct document *doc, struct err *err)
{
    const char *trouble = doc->name ? search_name_trouble(doc->name) : "";

    if (!trouble[0])
        return 0;
    return err_field(err, "hpoName", "1 to 255 bytes of UTF-8 without / \\ ? # %",
                     "\"%.60s\"%s cannot be the name of a search: %s", doc->name,
                     strlen(doc->name) > 60 ? "..." : "", trouble);
}

static int check_limits(struct algo_def *a, struct err *err)
{
    if (a->max_jobs == INT_UNSET)
        a->max_jobs = -1;
    if (a->max_minutes == INT_UNSET)
        a->max_minutes = -1;
    if (a->parallel == INT_UNSET)
        a->parallel = 1;
    if (a->max_jobs == 0)
        return err_field(err, "algoDef.maxJobNum",
                         "a whole number from 1 to 1000000, or -1 for no limit",
                         "maxJobNum 0 would run nothing");
    if (a->max_minutes == 0)
        return err_field(err, "algoDef.maxRunTime", "minutes from 1, or -1 for no limit",
                         "maxRunTime 0 would run nothing");
    return 0;
}

static int check_metrics(const struct algo_def *a, struct err *err)
{
    const char *name;
    json_t *strategy;

    if (!a->additional_metrics)
        return 0;
    if (!json_is_object(a->additional_metrics) ||
        json_object_size(a->additional_metrics) > SEARCH_METRICS_MAX)
        return err_field(err, "algoDef.additionalMetrics",
                         "an object of at most 64 names with minimize, maximize or latest",
                         "additionalMetrics is not an object of metric names");
    json_object_foreach(a->additional_metrics, name, strategy) {
        if (!name[0] || strlen(name) > 256 || !json_is_string(strategy))
            return err_field(err, "algoDef.additionalMetrics",
                             "names of 1 to 256 bytes, each with a word",
                             "additionalMetrics has an unusable entry \"%.60s\"", name);
    }
    return 0;
}

static int check_objective(struct search_plan *p, struct err *err)
{
    struct algo_def *a = &p->doc.algo;

    if (!a->objective)
        a->objective = "minimize";
    p->maximize = text_same(a->objective, "maximize");
    if (!p->maximize && !text_same(a->objective, "minimize"))
        return err_field(err, "algoDef.objective", "minimize or maximize",
                         "the objective \"%s\" is neither minimize nor maximize", a->objective);
    return check_metrics(a, err);
}

struct early_params {
    const char *rule;
    int64_t min_trials, min_steps;
};

static const struct field early_fields[] = {
    { "EarlyStop",       TEXT(struct early_params, rule), ALLOWED("median", "true", "none", "false"),
      .doc = "stop experiments that are worse than the median of the others at the same step" },
    { "EarlyStopTrials", INT(struct early_params, min_trials), .min = 1, .max = SEARCH_JOBS_MAX,
      .doc = "experiments that must have ended before; default 5" },
    { "EarlyStopSteps",  INT(struct early_params, min_steps), .min = 1, .max = 1000000000,
      .doc = "values that an experiment must have reported before; default 1" },
    { .type = FIELD_END },
};

static int read_early(struct search_plan *p, struct mem *mem, struct err *err)
{
    struct early_params early;

    if (algorithm_params(early_fields, &p->doc.algo.params, &early, mem, err) < 0)
        return -1;
    p->early = (struct early_rule){
        .on = early.rule && (text_same(early.rule, "median") || text_same(early.rule, "true")),
        .min_trials = early.min_trials == INT_UNSET ? EARLY_TRIALS : early.min_trials,
        .min_steps = early.min_steps == INT_UNSET ? EARLY_STEPS : early.min_steps,
    };
    return 0;
}

static int check_resource(struct search_plan *p, struct mem *mem, struct err *err)
{
    const struct param_spec *spec = p->doc.params.items;
    struct resource_params resource;

    if (algorithm_params(resource_fields, &p->doc.algo.params, &resource, mem, err) < 0)
        return -1;
    for (size_t i = 0; i < p->doc.params.n; i++)
        if (strcmp(spec[i].name, resource.name) == 0)
            return err_field(err, "algoDef.algoParams.ResourceName",
                             "a name that no hyperparameter has",
                             "\"%.80s\" is the name of a hyperparameter too", resource.name);
    p->resource_name = resource.name;
    p->resource_most = resource.most;
    return 0;
}

static int check_algorithm(struct search_plan *p, const struct algorithm_source *others, struct mem *mem,
                           struct err *err)
{
    const struct algo_def *a = &p->doc.algo;
    struct seed_params seed = { INT_UNSET };
    struct err why = {0};

    p->algorithm = algorithm_find(a->algorithm);
    if (!p->algorithm && others)
        p->algorithm = others->find(others->arg, a->algorithm, mem, &why);
    if (why.kind != ERR_NONE) {
        *err = why;
        return -1;
    }
    if (!p->algorithm)
        return err_field(err, "algoDef.algorithm", "a name from GET /hypersearch/algorithm, in any case",
                         "there is no algorithm \"%.60s\"; GET /hypersearch/algorithm lists them",
                         a->algorithm);
    if (p->algorithm->params && algorithm_params(seed_fields, &a->params, &seed, mem, err) < 0)
        return -1;
    p->seed = seed.seed;
    if (read_early(p, mem, err) < 0)
        return -1;
    return p->algorithm->has_resource ? check_resource(p, mem, err) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct value *)a)->name, ((const struct value *)b)->name);
}

static int read_listed(struct search_plan *p, struct mem *mem, struct err *err)
{
    const struct listed_experiment *e = p->doc.experiments.items;
    char where[64];

    p->listed = mem_alloc(mem, p->doc.experiments.n * sizeof *p->listed);
    for (size_t i = 0; i < p->doc.experiments.n; i++) {
        snprintf(where, sizeof where, "experiments[%zu].hyperParams", i);
        if (values_fixed(&e[i].params, where, mem, &p->listed[i], err) < 0)
            return -1;
        qsort(p->listed[i], e[i].params.n, sizeof **p->listed, by_name);
    }
    return 0;
}

static int read_space(struct search_plan *p, bool log_power, struct mem *mem, struct err *err)
{
    struct document *doc = &p->doc;

    if (p->algorithm->takes_list) {
        if (doc->experiments.n && !doc->params.n)
            return read_listed(p, mem, err);
        return err_field(err, doc->params.n ? "hyperParams" : "experiments",
                         "a list of experiments and no hyperParams",
                         "%s runs a list: it needs `experiments` and takes no `hyperParams`",
                         p->algorithm->name);
    }
    if (!doc->params.n || doc->experiments.n)
        return err_field(err, doc->experiments.n ? "experiments" : "hyperParams",
                         "a list of hyperParams and no experiments",
                         "%s searches a space: it needs `hyperParams` and takes no `experiments`",
                         p->algorithm->name);
    if (!doc->power_sampling)
        doc->power_sampling = log_power ? "log" : "linear";
    return space_make(&doc->params, text_same(doc->power_sampling, "log"), mem, &p->space, err);
}

int document_read(const char *text, size_t len, bool log_power, const struct algorithm_source *others, struct mem *mem,
                  struct search_plan *ret, struct err *err)
{
    json_t *json = reader_parse_object(text, len, err);
    struct search_plan p = {0};

    if (!json)
        return -1;
    mem_on_free(mem, json_release, json); /* additional_metrics is borrowed from it */
    space_respell(json_object_get(json, "hyperParams"));
    respell_listed(json_object_get(json, "experiments"));
    if (fields_from_json(document_fields, json, &p.doc, mem, err) < 0)
        return -1;
    drop_unused(&p.doc.params);
    drop_empty(&p.doc.experiments);
    drop_empty(&p.doc.algo.params);
    if (check_name(&p.doc, err) < 0 || check_limits(&p.doc.algo, err) < 0 ||
        check_objective(&p, err) < 0 || check_algorithm(&p, others, mem, err) < 0 ||
        read_space(&p, log_power, mem, err) < 0)
        return -1;
    *ret = p;
    return 0;
}

static const struct algorithm *find_any(void *arg, const char *name, struct mem *mem, struct err *err)
{
    static const struct algorithm any = { .name = "" };

    (void)arg, (void)name, (void)mem, (void)err;
    return &any;
}

int document_read_stored(const char *text, struct mem *mem, struct search_plan *ret, struct err *err)
{
    static const struct algorithm_source others = { find_any, NULL };

    return document_read(text, strlen(text), /* log_power= */ true, &others, mem, ret, err);
}

void document_write(const struct document *doc, struct text *out)
{
    fields_to_text(document_fields, doc, out);
}

/* A whole number that records show as text, as clients know it. */
static struct value resource_value(const char *name, int64_t resource)
{
    return (struct value){ .name = name, .data = PARAM_INT, .data_name = "str", .integer = resource };
}

bool search_ran_short(const struct search_plan *p, int64_t resource)
{
    return resource != INT_UNSET && resource < p->resource_most;
}

int search_values(const struct search_plan *p, int64_t trial, const struct suggestion *suggestion,
                  struct mem *mem, struct value **ret)
{
    const struct listed_experiment *e = p->doc.experiments.items;
    int n = suggestion->values ? suggestion->n_values : p->space.n_dims;

    if (p->listed) {
        *ret = p->listed[trial];
        return (int)e[trial].params.n;
    }
    *ret = mem_alloc(mem, ((size_t)n + 1) * sizeof **ret);
    if (suggestion->values)
        memcpy(*ret, suggestion->values, (size_t)n * sizeof **ret);
    else
        space_values(&p->space, suggestion->cube, *ret);
    if (suggestion->resource != INT_UNSET)
        (*ret)[n++] = resource_value(p->resource_name, suggestion->resource);
    return n;
}

int values_read(const char *echo, int64_t resource, struct mem *mem, struct value **ret, int *ret_n,
                struct err *err)
{
    json_t *experiment = json_object(), *list = json_array();
    struct listed_experiment e;

    json_array_append_new(list, experiment);
    mem_on_free(mem, json_release, list);
    if (json_object_set_new(experiment, "hyperParams", json_loads(echo, 0, NULL)) < 0)
        return err_set(err, ERR_BAD_INPUT, "the stored hyperparameters cannot be read");
    respell_listed(list);
    if (fields_from_json(listed_fields, experiment, &e, mem, err) < 0)
        return -1;
    *ret_n = (int)e.params.n;
    if (values_fixed(&e.params, "hyperParams", mem, ret, err) < 0)
        return -1;
    if (resource != INT_UNSET && *ret_n > 0)
        (*ret)[*ret_n - 1] = resource_value((*ret)[*ret_n - 1].name, resource);
    return 0;
}

struct algorithm_ctx *search_algorithm(const struct search_plan *p, int64_t seed, void (*wake)(void *arg),
                                       void *wake_arg, struct err *err)
{
    const struct algo_def *a = &p->doc.algo;
    const struct algorithm_setup setup = {
        .algorithm = p->algorithm,
        .space = &p->space,
        .specs = &p->doc.params,
        .params = &a->params,
        .n_listed = (int64_t)p->doc.experiments.n,
        .max_trials = a->max_jobs,
        .parallel = a->parallel,
        .maximize = p->maximize,
        .eta = a->hyperband_eta,
        .seed = (uint64_t)seed,
        .wake = wake,
        .wake_arg = wake_arg,
    };

    // cppcheck-suppress returnDanglingLifetime ; make() copies what it keeps of the setup
    return p->algorithm->make(&setup, err);
}
