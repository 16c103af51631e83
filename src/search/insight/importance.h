// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Which hyperparameters of a search matter (search/insight/fanova.h), as GET .../importance says it. Pure.
 *
 * - Experiments that failed are left out, and so are those with a value that is not of the space.
 * - A metric that is worse than the worse quartile by more than three times the distance between the
 *   quartiles counts as that far: one diverged experiment would otherwise be all of the variance.
 * - What is measured is the space as the algorithm draws from it: evenly over exponents where a
 *   parameter has `power`, evenly over the choices of a discrete one.
 * - A parameter with more than TREE_CHOICES_MAX choices is taken for numbers in the order of its
 *   choices. A fixed one is not in the list. */

#include "search/insight/tried.h"

struct importance_setup {
    uint64_t seed;
    bool marginals;         /* the mean metric over all other parameters, along each one */
};

/* The members of the reply, each with a comma before it. */
void importance_write(const struct tried *t, const struct importance_setup *setup, struct text *out);

/* The table behind the API page: `importance`, `interactions`, ... */
extern const struct field importance_fields[];
