// SPDX-License-Identifier: Apache-2.0
/* Asha: successive halving that never waits. A trial goes on as soon as it is among the best
 * 1 / eta of those that have ended in its rung; when none is, a new point begins in the lowest rung.
 *
 * Source: L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A.
 * Talwalkar, "A system for massively parallel hyperparameter tuning", MLSys 2020, algorithm 2, with
 * early-stopping rate s = 0. Rung k of K gets R eta^(k - K), so that the last one gets all of
 * ResourceValue.
 *
 * Deviations: the best candidate goes on, not any. New points are a scrambled Sobol sequence. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/climbing.h"
#include "search/methods/rungs.h"
#include "search/methods/sobol.h"

#include <math.h>
#include <string.h>

struct algorithm_ctx {
    uint64_t seed;
    const struct space *space;
    int64_t max_trials;
    bool maximize;
    double eta;
    struct rung *rungs;
    int n_rungs;
    struct climbers climbers;
};

static struct algorithm_ctx *asha_make(const struct algorithm_setup *in, struct err *err)
{
    CLEANUP(freep) int64_t *resources = NULL;
    struct climbing_params p;
    struct algorithm_ctx *a;

    if (climbing_read(in, &p, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    *a = (struct algorithm_ctx){ .seed = in->seed,
                                 .space = in->space,
                                 .max_trials = in->max_trials,
                                 .maximize = in->maximize,
                                 .eta = p.eta,
                                 .n_rungs = rungs_climbs(p.eta, p.least, p.most) + 1 };
    a->rungs = xcalloc((size_t)a->n_rungs, sizeof *a->rungs);
    resources = xcalloc((size_t)a->n_rungs, sizeof *resources);
    rungs_resources(a->n_rungs, p.eta, p.least, p.most, resources);
    for (int i = 0; i < a->n_rungs; i++)
        a->rungs[i] = (struct rung){ .resource = resources[i], .planned = INT64_MAX };
    return a;
}

static void asha_free(struct algorithm_ctx *a)
{
    for (int i = 0; i < a->n_rungs; i++)
        rung_done(&a->rungs[i]);
    free(a->rungs);
    climbers_done(&a->climbers);
    free(a);
}

static struct climber *promotable(const struct algorithm_ctx *a)
{
    for (int i = a->n_rungs - 2; i >= 0; i--) {
        struct climber *best = rung_next(&a->rungs[i], (int64_t)((double)a->rungs[i].n_ended / a->eta));

        if (best)
            return best;
    }
    return NULL;
}

static void enter(struct algorithm_ctx *a, int64_t trial, const double *cube, int64_t parent)
{
    struct climber *below = parent == INT_UNSET ? NULL : climbers_find(&a->climbers, parent);
    int rung = below ? below->rung + 1 : 0;

    if (rung < a->n_rungs && !climbers_find(&a->climbers, trial))
        climbers_enter(&a->climbers, &a->rungs[rung], trial, cube, a->space->n_dims, below)->rung = rung;
}

static enum ask_result asha_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    struct climber *parent;

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    parent = promotable(a);
    ret->resource = a->rungs[parent ? parent->rung + 1 : 0].resource;
    if (parent) {
        ret->parent = parent->trial;
        memcpy(ret->cube, parent->cube, (size_t)a->space->n_dims * sizeof *ret->cube);
    } else {
        for (int i = 0; i < a->space->n_dims; i++)
            ret->cube[i] = sobol_uniform(a->seed, (uint64_t)trial, (uint32_t)i);
    }
    enter(a, trial, ret->cube, ret->parent);
    return ASK_POINT;
}

static void asha_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    struct climber *climber;

    if (o->trial < 0)
        return;
    enter(a, o->trial, o->cube, o->parent);
    climber = climbers_find(&a->climbers, o->trial);
    if (climber && o->state != TRIAL_PENDING)
        climber_end(&a->climbers, &a->rungs[climber->rung], climber,
                    o->state == TRIAL_FAILED ? NAN : a->maximize ? -o->objective : o->objective);
}

static int64_t asha_planned(const struct algorithm_ctx *a) { return a->max_trials; }

const struct algorithm asha_algorithm = {
    .name = "Asha",
    .waits = true,
    .has_resource = true,
    .params = climbing_fields,
    .make = asha_make,
    .ask = asha_ask,
    .tell = asha_tell,
    .planned = asha_planned,
    .free = asha_free,
};
