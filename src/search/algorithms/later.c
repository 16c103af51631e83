// SPDX-License-Identifier: Apache-2.0
/* Algorithms that clients know and may list, but that this version cannot run. */
#include "search/algorithm.h"

const struct algorithm hyperband_algorithm = {
    .name      = "Hyperband",
    .not_built = "the algorithm Hyperband is not part of this version; use Tpe, Bayesian or Random",
};
