// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The submission document of a search: the `data` part of POST /hypersearch, read, checked and
 * understood. What is stored with a search is the same document, written by document_write(). Pure. */

#include "search/algorithm.h"

struct err;
struct mem;
struct text;

enum {
    SEARCH_NAME_MAX     = 255,      /* bytes */
    SEARCH_JOBS_MAX     = 1000000,
    SEARCH_PARALLEL_MAX = 1024,
    SEARCH_MINUTES_MAX  = 5256000,  /* ten years */
    SEARCH_LISTED_MAX   = 10000,    /* experiments of an ExperimentGridSearch */
    SEARCH_METRICS_MAX  = 64,       /* additionalMetrics */
};

struct model_spec {
    const char *sig_name;           /* NULL or "": the default group */
    const char *args;
};

struct algo_def {
    const char *algorithm;
    int64_t max_minutes;            /* maxRunTime; -1 = unlimited */
    int64_t max_jobs;               /* maxJobNum; -1 = unlimited */
    int64_t parallel;               /* maxParalleJobNum */
    const char *objective;          /* as sent */
    const char *objective_metric;
    json_t *additional_metrics;     /* object: name -> "minimize", "maximize" or "latest"; NULL */
    double hyperband_eta;
    struct list params;             /* of struct algo_param */
};

struct listed_experiment {
    int64_t id;                     /* read, not kept: experiments are numbered from 0 */
    struct list params;             /* of struct param_spec, each with fixedVal */
};

struct document {
    const char *name;               /* hpoName; NULL: to be made */
    struct model_spec model;
    struct algo_def algo;
    struct list params;             /* of struct param_spec */
    struct list experiments;        /* of struct listed_experiment */
    const char *power_sampling;     /* "log" or "linear"; NULL: the server's setting */
    const char *prior_study;        /* of the file sent as prior; NULL: the only one */
};

extern const struct field algo_def_fields[]; /* also the echo of a task record */
extern const struct field document_fields[];

struct search_plan {                       /* the document, understood */
    struct document doc;
    const struct algorithm *algorithm;
    bool maximize;
    struct space space;             /* n_dims 0 when experiments are listed */
    struct value **listed;          /* [doc.experiments.n], each sorted by name; NULL when there is a space */
    int64_t seed;                   /* RandomSeed; INT_UNSET when not given */
    struct early_rule {
        bool on;                    /* EarlyStop */
        int64_t min_trials, min_steps;
    } early;
    const char *resource_name;      /* ResourceName of an algorithm that has one; NULL */
    int64_t resource_most;          /* its ResourceValue */
};

/* Reads and checks. Everything lives in `mem`. `log_power` is the setting, used when the document does not say;
 * `others` (may be NULL) has the algorithms beside the built-ins. ERR_BAD_INPUT names the member; whatever `others`
 * failed with. modelSpec.args is only checked for being there. */
int document_read(const char *text, size_t len, bool log_power, const struct algorithm_source *others, struct mem *mem,
                  struct search_plan *ret, struct err *err);

/* The same for a stored document that is only looked at: any algorithm will do, as it may be gone. ret->algorithm is none
 * that could run. */
int document_read_stored(const char *text, struct mem *mem, struct search_plan *ret, struct err *err);

void document_write(const struct document *doc, struct text *out);

/* The values of one experiment: the algorithm's own, those listed for `trial`, or of the space at the
 * suggested point; then the resource, when it has one. Returns how many; *ret is in `mem`, its texts
 * in that of the plan or of the suggestion. */
int search_values(const struct search_plan *p, int64_t trial, const struct suggestion *suggestion,
                  struct mem *mem, struct value **ret);

/* Whether an experiment that was given `resource` (INT_UNSET: none) got less than one can have: its metric is not that of
 * a whole run. */
bool search_ran_short(const struct search_plan *p, int64_t resource);

/* "", or why `name` cannot be the name of a search. */
const char *search_name_trouble(const char *name);

/* The values of an experiment as values_echo() wrote them, with its resource (INT_UNSET: none) as a
 * whole number. ERR_BAD_INPUT when they cannot be read. */
int values_read(const char *echo, int64_t resource, struct mem *mem, struct value **ret, int *ret_n,
                struct err *err);

/* The plan's algorithm, not told anything yet; `wake` as in algorithm.h. ERR_BAD_INPUT as of make(). */
struct algorithm_ctx *search_algorithm(const struct search_plan *p, int64_t seed, void (*wake)(void *arg),
                                       void *wake_arg, struct err *err);
