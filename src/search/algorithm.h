// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A search algorithm: ask and tell over the unit cube. The caller owns the loop and the clock.
 * Nothing is saved: random numbers come from (seed, trial number) alone and everything else is
 * rebuilt by telling the stored trials again in order of their ids, so a restart gives the same
 * suggestions. All calls for one context come from one thread.
 *
 *   make      checks algoParams (ERR_BAD_INPUT names the parameter); may keep what it needs in ctx
 *   ask       the point of trial `trial`: 1 = filled [n_dims]; 0 = nothing more to suggest;
 *             -1 = err. Trials are asked for in order of their numbers, any number may be pending
 *   tell      the outcome of a trial that was asked for, or of one found in the store; a point that
 *             nobody asked for has a negative number. TRIAL_PENDING: it was asked for in an earlier
 *             life and has not ended
 *   planned   trials in all when the algorithm knows, else -1
 */

#include "search/space.h"

struct algorithm_ctx;

struct algorithm_setup {
    const struct space *space;      /* n_dims 0 when experiments are listed; outlives the context */
    const struct list *params;      /* of struct algo_param */
    int64_t n_listed;               /* experiments listed in the submission; 0 when there is a space */
    int64_t max_trials;             /* maxJobNum, -1 = unlimited */
    int64_t parallel;
    bool maximize;
    uint64_t seed;                  /* RandomSeed, or drawn once and stored with the search */
};

struct algo_param {
    const char *name;
    const char *value;              /* always text */
};

extern const struct field algo_param_fields[];

enum trial_state { TRIAL_PENDING, TRIAL_DONE, TRIAL_FAILED };

struct algorithm {
    const char *name;               /* as listed: "Random", "TPE" */
    const char *not_built;          /* a sentence: listed, but refuses; NULL when it works */
    bool takes_list;                /* wants `experiments`; all others want `hyperParams` */
    bool waits;                     /* ask needs the outcomes told so far: do not ask before a slot is free */
    const struct field *params;     /* what algoParams it takes, for checks and the API page; may be NULL */
    struct algorithm_ctx *(*make)(const struct algorithm_setup *in, struct err *err);
    int (*ask)(struct algorithm_ctx *a, int64_t trial, double *ret_cube, struct err *err);
    void (*tell)(struct algorithm_ctx *a, int64_t trial, const double *cube, enum trial_state state,
                 double objective);
    int64_t (*planned)(const struct algorithm_ctx *a);
    void (*free)(struct algorithm_ctx *a);
};

/* The built-ins in the order they are listed; case is ignored in look-ups. */
extern const struct algorithm *const algorithms[]; /* NULL-ended */
const struct algorithm *algorithm_find(const char *name);

/* Fills the struct that `fields` describes from algoParams: names in any case, unknown ones
 * ignored. `ret` is initialised here. ERR_BAD_INPUT with err->field "algoDef.algoParams.<name>". */
int algorithm_params(const struct field *fields, const struct list *params, void *ret,
                     struct mem *mem, struct err *err);

struct seed_params { int64_t seed; };           /* RandomSeed; INT_UNSET when absent */
extern const struct field seed_fields[]; /* taken by every algorithm that draws */

extern const struct algorithm random_algorithm, grid_algorithm; /* algorithms/random.c, grid.c */
extern const struct algorithm sobol_algorithm; /* algorithms/sobol.c */
extern const struct algorithm tpe_algorithm, bayesian_algorithm, hyperband_algorithm; /* later.c */
