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

static int grid_ask(struct algorithm_ctx *a, int64_t trial, double *ret_cube, struct err *err)
{
    (void)ret_cube, (void)err;
    return trial < a->n_trials;
}

static void grid_tell(struct algorithm_ctx *a, int64_t trial, const double *cube,
                      enum trial_state state, double objective)
{
    (void)a, (void)trial, (void)cube, (void)state, (void)objective;
}

static int64_t grid_planned(const struct algorithm_ctx *a) { return a->n_trials; }
static void grid_free(struct algorithm_ctx *a) { free(a); }

const struct algorithm grid_algorithm = {
    .name       = "ExperimentGridSearch",
    .takes_list = true,
    .make       = grid_make,
    .ask        = grid_ask,
    .tell       = grid_tell,
    .planned    = grid_planned,
    .free       = grid_free,
};
