// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A search algorithm: ask and tell over the unit cube. The caller owns the loop and the clock.
 * Nothing is saved: random numbers come from (seed, trial number) alone and everything else is
 * rebuilt by telling the stored trials again in order of their ids, so a restart gives the same
 * suggestions. All calls for one context come from one thread; none may block.
 *
 *   make      checks algoParams (ERR_BAD_INPUT names the parameter); may keep what it needs in ctx
 *   ask       what trial `trial` is to be run with: ASK_POINT = *ret is filled; ASK_END = nothing
 *             more to suggest; ASK_LATER = not now: an outcome that is still to be told, or
 *             setup.wake(), changes that; ASK_FAILED = err, which ends the search. Trials are asked
 *             for in order of their numbers (after ASK_LATER: the same number again), and any
 *             number of them may be pending
 *   tell      the outcome of a trial that was asked for, or of one found in the store; a point that
 *             nobody asked for has a negative number. TRIAL_PENDING: it was asked for in an earlier
 *             life and has not ended. NULL: the algorithm does not learn
 *   planned   trials in all when the algorithm knows, else -1
 *   resume    after make, before anything is told: reads what it keeps in the database itself, and is ready to run.
 *             Blocks, on a worker thread. Without it a context is only good for checking. NULL: it keeps nothing
 */

#include "search/space.h"

struct algorithm;
struct algorithm_ctx;
struct db;
struct experiment;
struct live;

enum { ALGORITHM_RESOURCE_MAX = 1000000000 };

struct algorithm_setup {
    const struct algorithm *algorithm;  /* whose make() this is; these three outlive the context */
    const struct space *space;      /* n_dims 0 when experiments are listed */
    const struct list *specs;       /* of struct param_spec: the space as submitted; NULL outside a search */
    const struct list *params;      /* of struct algo_param */
    int64_t n_listed;               /* experiments listed in the submission; 0 when there is a space */
    int64_t max_trials;             /* maxJobNum, -1 = unlimited */
    int64_t parallel;
    bool maximize;
    double eta;                     /* algoDef.hyperbandEta; 0 or NaN: not given */
    uint64_t seed;                  /* RandomSeed, or drawn once and stored with the search */
    void (*wake)(void *arg);        /* on the thread of the context: ask again. NULL: ASK_LATER only
                                     * ever waits for an outcome */
    void *wake_arg;
};

struct algo_param {
    const char *name;
    const char *value;              /* always text */
};

extern const struct field algo_param_fields[];

enum ask_result { ASK_FAILED = -1, ASK_END, ASK_POINT, ASK_LATER };

struct suggestion {                 /* what a trial is to be run with */
    double *cube;                   /* [n_dims], the caller's, zeroed */
    int64_t resource;               /* given to it, such as epochs; INT_UNSET: none */
    int64_t parent;                 /* the trial whose point is run again, with more; INT_UNSET: a new point */
    const struct value *values;     /* NULL: those of the point; else n_values of the algorithm's own, */
    int n_values;                   /* borrowed until the next call */
};

enum trial_state { TRIAL_PENDING, TRIAL_DONE, TRIAL_FAILED };

struct outcome {
    int64_t trial;
    const double *cube;             /* [n_dims] */
    int64_t resource, parent;       /* as suggested */
    enum trial_state state;
    double objective;               /* of TRIAL_DONE */
    const struct experiment *row;   /* all that is stored of it; NULL outside a search */
};

struct algorithm {
    const char *name;               /* as listed: "Random", "TPE" */
    bool takes_list;                /* wants `experiments`; all others want `hyperParams` */
    bool waits;                     /* ask needs the outcomes told so far: do not ask before a slot is free */
    bool takes_priors;              /* learns from points that nobody asked for */
    bool has_resource;              /* takes ResourceName: trials get more or less of something */
    bool keeps_files;               /* needs the folder of the search, even when no package was uploaded */
    const struct field *params;     /* what algoParams it takes, for checks and the API page; may be NULL */
    struct algorithm_ctx *(*make)(const struct algorithm_setup *in, struct err *err);
    enum ask_result (*ask)(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                           struct err *err);
    void (*tell)(struct algorithm_ctx *a, const struct outcome *o);
    int64_t (*planned)(const struct algorithm_ctx *a);
    int (*resume)(struct algorithm_ctx *a, struct live *live, struct db *db, struct err *err);
    void (*free)(struct algorithm_ctx *a);
};

/* The built-ins in the order they are listed; case is ignored in look-ups. */
extern const struct algorithm *const algorithms[]; /* NULL-ended */
const struct algorithm *algorithm_find(const char *name);

/* Where algorithms beside the built-ins are found. NULL with err->kind ERR_NONE: there is none of this name. */
struct algorithm_source {
    const struct algorithm *(*find)(void *arg, const char *name, struct mem *mem, struct err *err);
    void *arg;
};

void algorithm_tell(const struct algorithm *a, struct algorithm_ctx *ctx, const struct outcome *o);

/* Fills the struct that `fields` describes from algoParams: names in any case, unknown ones
 * ignored. `ret` is initialised here. ERR_BAD_INPUT with err->field "algoDef.algoParams.<name>". */
int algorithm_params(const struct field *fields, const struct list *params, void *ret,
                     struct mem *mem, struct err *err);

struct seed_params { int64_t seed; };           /* RandomSeed; INT_UNSET when absent */
extern const struct field seed_fields[]; /* taken by every algorithm that draws */

struct resource_params {
    const char *name;               /* ResourceName: key in config.json */
    int64_t most;                   /* ResourceValue: what a trial gets at most */
};
extern const struct field resource_fields[]; /* taken by every algorithm that has_resource */

extern const struct algorithm random_algorithm, grid_algorithm; /* algorithms/random.c, grid.c */
extern const struct algorithm sobol_algorithm, tpe_algorithm, bayesian_algorithm, cmaes_algorithm;
extern const struct algorithm hyperband_algorithm, asha_algorithm, bohb_algorithm;
extern const struct algorithm auto_algorithm;
