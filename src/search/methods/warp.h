// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A parameter bent so that a function which changes fast at one end of its range, and slowly at the other, changes
 * evenly. Pure.
 *
 *   w(x) = 1 - (1 - x^a)^b, a and b above 0, from [0, 1] onto [0, 1]; a = b = 1 leaves x as it is
 *
 * Source: Snoek, Swersky, Zemel & Adams 2014, "Input warping for Bayesian optimization of non-stationary functions",
 * section 3. Deviation: the distribution function of Kumaraswamy 1980, "A generalized probability density function for
 * double-bounded random processes", instead of the beta distribution's, which it resembles: it needs no special function. */

struct warp {
    double a, b;
};

double warp(struct warp by, double x);

/* The same, and the derivatives by x, log a and log b. At the very ends, where the first may be infinite, those of a
 * point close by. */
struct warp_slopes {
    double x, log_a, log_b;
};
double warp_slopes(struct warp by, double x, struct warp_slopes *ret);
