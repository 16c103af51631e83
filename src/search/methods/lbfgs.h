// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Minimises a smooth function within a box. Pure.
 *
 * Limited-memory BFGS, Nocedal & Wright 2006, algorithm 7.4, with eight pairs; bounds by
 * projection: a variable at a bound that the gradient pushes outwards is left out of the direction,
 * and the line search goes along the projected path until the value falls enough (Bertsekas 1982,
 * "Projected Newton methods", eq. 12 to 15). Not L-BFGS-B: no Cauchy point, which these small
 * problems do not need. */

/* The value at x, and the gradient. A value that is not finite is taken as a point to stay away
 * from. */
typedef double (*lbfgs_fn)(void *arg, const double *x, double *ret_gradient);

struct lbfgs {
    int n;                 /* variables */
    const double *lo, *hi; /* [n], lo <= hi */
    int max_rounds;        /* directions tried */
    double small_enough;   /* ends when a round gains less than this times (1 + |value|) */
    lbfgs_fn fn;
    void *arg;
};

/* From x, which is moved into the box first, to a local minimum; returns the value there. The value
 * never is above that of the start, unless that is not finite. */
double lbfgs_minimise(const struct lbfgs *p, double *x);
