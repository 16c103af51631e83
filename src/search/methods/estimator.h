// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tree-structured Parzen estimator: what is common among the good points and rare among the others.
 * What Tpe and Bohb share; Tpe's file has the sources and what was measured. Pure. */

#include "search/methods/parzen.h"

struct estimator_params {
    int64_t candidates;     /* points drawn, from 2 */
    int64_t good_max;       /* at most so many good points, from 2 */
    double good_ratio;      /* share of the points that are good, above 0 */
};

extern const struct estimator_params estimator_usual;

struct evidence {           /* points and how good they were; start with evidence_init() */
    const struct space *space;
    struct axis *axes;
    int n_axes;
    bool countable;         /* no real parameter: a point can come twice */
    struct ranking {        /* by loss, then trial */
        struct ranked *items;
        size_t n, cap;
    } told, pending;
};

void evidence_init(struct evidence *e, const struct space *space); /* space outlives it */
void evidence_done(struct evidence *e);

/* `loss`: lower is better; what is not finite has failed, and is worse than all others. */
void evidence_tell(struct evidence *e, int64_t trial, const double *cube, double loss);
void evidence_pending(struct evidence *e, int64_t trial, const double *cube);

size_t evidence_valued(const struct evidence *e); /* told points that did not fail */

/* Fills the cube's coordinates of parameters that have more than one value; needs one told point. */
void evidence_suggest(const struct evidence *e, const struct estimator_params *p, uint64_t seed, int64_t trial,
                      double *ret_cube);
