// SPDX-License-Identifier: Apache-2.0
/* Hyperband: many points with little of a resource, and the best of them again with more
 * (search/methods/brackets.h has the algorithm, its source and what is done earlier than there).
 *
 * Points are drawn uniformly, as in the paper, but as a scrambled Sobol sequence, which leaves no
 * gaps. Without maxJobNum the brackets run once, with it as often as it takes. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/brackets.h"
#include "search/methods/climbing.h"
#include "search/methods/sobol.h"

#include <math.h>

struct algorithm_ctx {
    uint64_t seed;
    const struct space *space;
    int64_t max_trials;
    bool maximize;
    struct brackets brackets;
};

static struct algorithm_ctx *hyperband_make(const struct algorithm_setup *in, struct err *err)
{
    struct climbing_params p;
    struct algorithm_ctx *a;

    if (climbing_read(in, &p, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    *a = (struct algorithm_ctx){
        .seed = in->seed, .space = in->space, .max_trials = in->max_trials, .maximize = in->maximize
    };
    brackets_init(&a->brackets, p.eta, p.least, p.most, in->max_trials >= 0, in->space->n_dims);
    return a;
}

static enum ask_result hyperband_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    enum ask_result result;

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    result = climbing_next(&a->brackets, ret);
    if (result == ASK_POINT && ret->parent == INT_UNSET)
        for (int i = 0; i < a->space->n_dims; i++)
            ret->cube[i] = sobol_uniform(a->seed, (uint64_t)trial, (uint32_t)i);
    if (result == ASK_POINT)
        brackets_enter(&a->brackets, trial, ret->cube, ret->resource, ret->parent);
    return result;
}

static void hyperband_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    climbing_tell(&a->brackets, o, a->maximize);
}

static int64_t hyperband_planned(const struct algorithm_ctx *a)
{
    return a->max_trials >= 0 ? a->max_trials : brackets_planned(&a->brackets);
}

static void hyperband_free(struct algorithm_ctx *a)
{
    brackets_done(&a->brackets);
    free(a);
}

const struct algorithm hyperband_algorithm = {
    .name = "Hyperband",
    .waits = true,
    .has_resource = true,
    .params = climbing_fields,
    .make = hyperband_make,
    .ask = hyperband_ask,
    .tell = hyperband_tell,
    .planned = hyperband_planned,
    .free = hyperband_free,
};
