// SPDX-License-Identifier: Apache-2.0
/* Sobol: trial n is point n of the scrambled Sobol sequence of search/methods/sobol.h. Fixed parameters use
 * up no dimension. */
#include "search/algorithm.h"

#include "base/mem.h"
#include "search/methods/sobol.h"

struct algorithm_ctx {
    uint64_t seed;
    const struct space *space;
    int64_t max_trials;
};

static struct algorithm_ctx *sobol_make(const struct algorithm_setup *in, struct err *err)
{
    struct algorithm_ctx *a = xcalloc(1, sizeof *a);

    (void)err;
    *a = (struct algorithm_ctx){ in->seed, in->space, in->max_trials };
    return a;
}

static enum ask_result sobol_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                                 struct err *err)
{
    uint32_t dimension = 0;

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    for (int i = 0; i < a->space->n_dims; i++) {
        bool fixed = a->space->dims[i].type == PARAM_FIX;

        ret->cube[i] = fixed ? 0 : sobol_uniform(a->seed, (uint64_t)trial, dimension++);
    }
    return ASK_POINT;
}

static int64_t sobol_planned(const struct algorithm_ctx *a) { return a->max_trials; }
static void sobol_free(struct algorithm_ctx *a) { free(a); }

const struct algorithm sobol_algorithm = {
    .name    = "Sobol",
    .params  = seed_fields,
    .make    = sobol_make,
    .ask     = sobol_ask,
    .planned = sobol_planned,
    .free    = sobol_free,
};
