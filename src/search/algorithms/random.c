// SPDX-License-Identifier: Apache-2.0
/* Random: every trial is a point drawn uniformly from the cube, a pure function of seed and trial.
 */
#include "search/algorithm.h"

#include "base/mem.h"
#include "search/methods/rng.h"

struct algorithm_ctx {
    uint64_t seed;
    int n_dims;
    int64_t max_trials;
};

static struct algorithm_ctx *random_make(const struct algorithm_setup *in, struct err *err)
{
    struct algorithm_ctx *a = xcalloc(1, sizeof *a);

    (void)err;
    *a = (struct algorithm_ctx){ in->seed, in->space->n_dims, in->max_trials };
    return a;
}

static enum ask_result random_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                                  struct err *err)
{
    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    for (int i = 0; i < a->n_dims; i++)
        ret->cube[i] = rng_uniform(a->seed, (uint64_t)trial, (uint32_t)i, 0);
    return ASK_POINT;
}

static int64_t random_planned(const struct algorithm_ctx *a) { return a->max_trials; }
static void random_free(struct algorithm_ctx *a) { free(a); }

const struct algorithm random_algorithm = {
    .name    = "Random",
    .params  = seed_fields,
    .make    = random_make,
    .ask     = random_ask,
    .planned = random_planned,
    .free    = random_free,
};
