// SPDX-License-Identifier: Apache-2.0
#pragma once
/* An algorithm asked and told in one line, for tests that know of no resource. */

#include "base/err.h"
#include "search/algorithm.h"

/* Fills cube [n_dims], zeroed by the caller. */
static inline enum ask_result ask_for(const struct algorithm *a, struct algorithm_ctx *ctx, int64_t trial, double *cube,
                                      struct err *err)
{
    struct suggestion s = { .cube = cube, .resource = INT_UNSET, .parent = INT_UNSET };

    return a->ask(ctx, trial, &s, err);
}

static inline void tell_of(const struct algorithm *a, struct algorithm_ctx *ctx, int64_t trial, const double *cube,
                           enum trial_state state, double objective)
{
    algorithm_tell(a, ctx, &(struct outcome){ .trial = trial, .cube = cube, .resource = INT_UNSET,
                                              .parent = INT_UNSET, .state = state, .objective = objective });
}
