// SPDX-License-Identifier: Apache-2.0
/* Sobol: trial n is point n of the scrambled Sobol sequence of search/sobol.h. Fixed parameters use
 * up no dimension. */
#include "search/algorithm.h"

#include "base/mem.h"
#include "search/sobol.h"

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

static int sobol_ask(struct algorithm_ctx *a, int64_t trial, double *ret_cube, struct err *err)
{
    uint32_t dimension = 0;

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return 0;
    for (int i = 0; i < a->space->n_dims; i++) {
        bool fixed = a->space->dims[i].type == PARAM_FIX;

        ret_cube[i] = fixed ? 0 : sobol_uniform(a->seed, (uint64_t)trial, dimension++);
    }
    return 1;
}

static void sobol_tell(struct algorithm_ctx *a, int64_t trial, const double *cube,
                       enum trial_state state, double objective)
{
    (void)a, (void)trial, (void)cube, (void)state, (void)objective;
}

static int64_t sobol_planned(const struct algorithm_ctx *a) { return a->max_trials; }
static void sobol_free(struct algorithm_ctx *a) { free(a); }

const struct algorithm sobol_algorithm = {
    .name    = "Sobol",
    .params  = seed_fields,
    .make    = sobol_make,
    .ask     = sobol_ask,
    .tell    = sobol_tell,
    .planned = sobol_planned,
    .free    = sobol_free,
};
