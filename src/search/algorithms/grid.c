// SPDX-License-Identifier: Apache-2.0
/* ExperimentGridSearch: the listed experiments, in order. There is no space: the values of trial n
 * are those of the n-th experiment of the submission. */
#include "search/algorithm.h"

#include "base/mem.h"

struct algorithm_ctx {
    int64_t n_trials;
};

static struct algorithm_ctx *grid_make(const struct algorithm_setup *in, struct err *err)
{
    struct algorithm_ctx *a = xcalloc(1, sizeof *a);

    (void)err;
    a->n_trials = in->n_listed;
    if (in->max_trials >= 0 && in->max_trials < a->n_trials)
        a->n_trials = in->max_trials;
    return a;
}

static enum ask_result grid_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                                struct err *err)
{
    (void)ret, (void)err;
    return trial < a->n_trials ? ASK_POINT : ASK_END;
}

static int64_t grid_planned(const struct algorithm_ctx *a) { return a->n_trials; }
static void grid_free(struct algorithm_ctx *a) { free(a); }

const struct algorithm grid_algorithm = {
    .name       = "ExperimentGridSearch",
    .takes_list = true,
    .make       = grid_make,
    .ask        = grid_ask,
    .planned    = grid_planned,
    .free       = grid_free,
};
