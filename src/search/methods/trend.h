// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a number does to a function over its whole range, whatever the others do: rising or falling, and bending one way.
 * Pure.
 *
 *   t(x) = sum over i of w_i1 P1(2 x_i - 1) + w_i2 P2(2 x_i - 1),   P1(z) = z,   P2(z) = (3 z^2 - 1) / 2
 *
 * With weights that are normal, of the same variance, this is a Gaussian process whose kernel is the product of features,
 * t^2 f(a)^T f(b). It sees beyond the lengths of a stationary kernel: what is known of the one side of a bowl tells
 * of the other. Categories have no trend.
 *
 * Source: Rasmussen & Williams 2006, section 2.7 (after O'Hagan 1978) and eq. 2.25; Legendre's polynomials, which
 * leave the constant out. Measured on 163 functions, 8 seeds (bench/search): 0.013 [0.002, 0.024] at 50 trials, 0.009
 * [-0.001, 0.019] at 100. Degrees of 3, 4 and 6 are no better, products of two parameters worse. */

#include <stdbool.h>

enum { TREND_FEATURES = 2 };    /* of each dimension */

/* f(x) of a point of d numbers in [0, 1], which is divided by sqrt(d); [d × TREND_FEATURES]. 0 for categories. */
void trend_features(const bool *category, int d, const double *x, double *ret);

/* df/dx, feature by feature, each by its own number; [d × TREND_FEATURES]. */
void trend_slopes(const bool *category, int d, const double *x, double *ret);
