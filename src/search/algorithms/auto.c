// SPDX-License-Identifier: Apache-2.0
/* Auto: whichever of Bayesian, Tpe and CmaEs finds most at this point of the search.
 *
 *   trial < MODEL_TRIALS                Bayesian, in a space it can model and with trials that end
 *   after that, or without Bayesian     CmaEs and Tpe in turn; Tpe alone without numbers
 *
 * All learn from all trials. To CmaEs those of Bayesian are results from elsewhere, so that it begins
 * around the best of them.
 *
 * The switch was measured on 30 generated problems of bench/search (mean score at 100, 300 and 1,000
 * trials): Bayesian alone 0.81, 0.86, 0.87; Tpe 0.75, 0.84, 0.91; CmaEs 0.64, 0.84, 0.92. A Gaussian
 * process knows where to look first; later, what is left is close to the optimum and cheap steps
 * get there.
 *
 * Which one suggests depends on the number of the trial, the space and the parallelism alone, so a
 * restart changes nothing. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/coords.h"

enum {
    MODEL_TRIALS = 200,
    MODEL_PARAMETERS = 64,  /* beyond it Bayesian has one length for all of them */
    MODEL_PARALLEL = 64,    /* with more under way a model knows too little of what it asks */
};

struct part {
    const struct algorithm *algorithm;
    struct algorithm_ctx *ctx;
};

struct algorithm_ctx {
    struct part model, estimator, strategy; /* Bayesian, Tpe, CmaEs */
    int64_t max_trials, n_model;            /* trials that are the model's */
    bool has_numbers;
};

static void part_free(struct part *p)
{
    if (p->ctx)
        p->algorithm->free(p->ctx);
}

static void auto_free(struct algorithm_ctx *a)
{
    part_free(&a->model);
    part_free(&a->estimator);
    part_free(&a->strategy);
    free(a);
}

static bool part_make(struct part *p, const struct algorithm *algorithm, const struct algorithm_setup *in,
                      struct err *err)
{
    static const struct list none;
    struct algorithm_setup setup = *in;

    setup.params = &none;
    *p = (struct part){ algorithm, algorithm->make(&setup, err) };
    return p->ctx;
}

static void look_at_space(struct algorithm_ctx *a, const struct algorithm_setup *in)
{
    struct coords *coords = coords_new(in->space);

    for (int i = 0; i < coords->d; i++)
        a->has_numbers |= !coords->category[i];
    if (coords->d <= MODEL_PARAMETERS && in->parallel <= MODEL_PARALLEL)
        a->n_model = MODEL_TRIALS;
    coords_free(coords);
}

static struct algorithm_ctx *auto_make(const struct algorithm_setup *in, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct seed_params seed;
    struct algorithm_ctx *a;

    if (algorithm_params(seed_fields, in->params, &seed, mem, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    a->max_trials = in->max_trials;
    look_at_space(a, in);
    if (part_make(&a->model, &bayesian_algorithm, in, err) && part_make(&a->estimator, &tpe_algorithm, in, err) &&
        part_make(&a->strategy, &cmaes_algorithm, in, err))
        return a;
    auto_free(a);
    return NULL;
}

static const struct part *part_of(const struct algorithm_ctx *a, int64_t trial)
{
    if (trial < a->n_model)
        return &a->model;
    return a->has_numbers && trial % 2 ? &a->strategy : &a->estimator;
}

static void auto_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    struct outcome before = *o;

    if (o->trial < a->n_model)
        algorithm_tell(a->model.algorithm, a->model.ctx, o);
    algorithm_tell(a->estimator.algorithm, a->estimator.ctx, o);
    if (o->trial >= 0 && o->trial < a->n_model)
        before.trial = -1 - o->trial;
    if (before.trial >= 0 || o->state != TRIAL_PENDING)
        algorithm_tell(a->strategy.algorithm, a->strategy.ctx, &before);
}

static enum ask_result auto_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    const struct part *p = part_of(a, trial);
    enum ask_result result;

    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    result = p->algorithm->ask(p->ctx, trial, ret, err);
    if (result == ASK_POINT)
        auto_tell(a, &(struct outcome){ .trial = trial, .cube = ret->cube, .resource = INT_UNSET, .parent = INT_UNSET,
                                        .state = TRIAL_PENDING });
    return result;
}

static int64_t auto_planned(const struct algorithm_ctx *a) { return a->max_trials; }

const struct algorithm auto_algorithm = {
    .name = "Auto",
    .waits = true,
    .takes_priors = true,
    .params = seed_fields,
    .make = auto_make,
    .ask = auto_ask,
    .tell = auto_tell,
    .planned = auto_planned,
    .free = auto_free,
};
