// SPDX-License-Identifier: Apache-2.0
/* Bohb: the brackets of Hyperband, with points from the model of Tpe instead of by chance.
 *
 * Source: S. Falkner, A. Klein, F. Hutter, "BOHB: robust and efficient hyperparameter optimization at
 * scale", ICML 2018, algorithm 2. A model is made of the trials with the largest resource that has
 * enough of them (number of parameters + 2); a third of the points are still random, so that a resource
 * that misleads is found out.
 *
 * Deviations: the model is that of algorithms/tpe.c, with its widths and weights, and draws as many
 * candidates; random points are a scrambled Sobol sequence. Results from elsewhere (negative numbers)
 * count with the resource they come with, without one as if they had all of it. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/brackets.h"
#include "search/methods/climbing.h"
#include "search/methods/estimator.h"
#include "search/methods/rng.h"
#include "search/methods/sobol.h"

#include <math.h>

enum { STREAM_RANDOM = 7 };

static const double random_share = 1.0 / 3;

struct level {                  /* what is known at one resource */
    int64_t resource;
    struct evidence evidence;
};

struct algorithm_ctx {
    uint64_t seed;
    const struct space *space;
    int64_t max_trials, most;
    bool maximize;
    struct brackets brackets;
    struct level *levels;       /* [n_levels] by resource */
    int n_levels;
};

static struct algorithm_ctx *bohb_make(const struct algorithm_setup *in, struct err *err)
{
    struct climbing_params p;
    struct algorithm_ctx *a;

    if (climbing_read(in, &p, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    *a = (struct algorithm_ctx){ .seed = in->seed,
                                 .space = in->space,
                                 .max_trials = in->max_trials,
                                 .most = p.most,
                                 .maximize = in->maximize };
    brackets_init(&a->brackets, p.eta, p.least, p.most, in->max_trials >= 0, in->space->n_dims);
    return a;
}

static void bohb_free(struct algorithm_ctx *a)
{
    for (int i = 0; i < a->n_levels; i++)
        evidence_done(&a->levels[i].evidence);
    free(a->levels);
    brackets_done(&a->brackets);
    free(a);
}

static struct evidence *evidence_at(struct algorithm_ctx *a, int64_t resource)
{
    int at = a->n_levels;

    while (at > 0 && a->levels[at - 1].resource > resource)
        at--;
    if (at > 0 && a->levels[at - 1].resource == resource)
        return &a->levels[at - 1].evidence;
    a->levels = xrealloc(a->levels, (size_t)(a->n_levels + 1) * sizeof *a->levels);
    for (int i = a->n_levels++; i > at; i--)
        a->levels[i] = a->levels[i - 1];
    a->levels[at].resource = resource;
    evidence_init(&a->levels[at].evidence, a->space);
    return &a->levels[at].evidence;
}

/* Of the largest resource with enough trials; NULL: none has. */
static const struct evidence *best_evidence(const struct algorithm_ctx *a)
{
    for (int i = a->n_levels - 1; i >= 0; i--) {
        const struct evidence *e = &a->levels[i].evidence;

        if (evidence_valued(e) >= (size_t)e->n_axes + 2)
            return e;
    }
    return NULL;
}

static void choose(const struct algorithm_ctx *a, int64_t trial, double *ret_cube)
{
    const struct evidence *e = best_evidence(a);

    for (int i = 0; i < a->space->n_dims; i++)
        ret_cube[i] = sobol_uniform(a->seed, (uint64_t)trial, (uint32_t)i);
    if (e && rng_uniform(a->seed, (uint64_t)trial, 0, STREAM_RANDOM) >= random_share)
        evidence_suggest(e, &estimator_usual, a->seed, trial, ret_cube);
}

static enum ask_result bohb_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    enum ask_result result;

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    result = climbing_next(&a->brackets, ret);
    if (result != ASK_POINT)
        return result;
    if (ret->parent == INT_UNSET)
        choose(a, trial, ret->cube);
    brackets_enter(&a->brackets, trial, ret->cube, ret->resource, ret->parent);
    evidence_pending(evidence_at(a, ret->resource), trial, ret->cube);
    return result;
}

static void bohb_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    struct evidence *e = evidence_at(a, o->resource == INT_UNSET ? a->most : o->resource);
    double loss = o->state == TRIAL_FAILED ? INFINITY : a->maximize ? -o->objective : o->objective;

    climbing_tell(&a->brackets, o, a->maximize);
    if (o->state == TRIAL_PENDING)
        evidence_pending(e, o->trial, o->cube);
    else
        evidence_tell(e, o->trial, o->cube, loss);
}

static int64_t bohb_planned(const struct algorithm_ctx *a)
{
    return a->max_trials >= 0 ? a->max_trials : brackets_planned(&a->brackets);
}

const struct algorithm bohb_algorithm = {
    .name = "Bohb",
    .waits = true,
    .takes_priors = true,
    .has_resource = true,
    .params = climbing_fields,
    .make = bohb_make,
    .ask = bohb_ask,
    .tell = bohb_tell,
    .planned = bohb_planned,
    .free = bohb_free,
};
