// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Objectives made fit for a Gaussian process: mean 0, variance 1, and nearly normal. Pure.
 *
 * Scaled to median 0 and interquartile range 1, cut at 20 of them, then the Yeo-Johnson transform
 * with the lambda of the largest likelihood, then standardised. Monotone, so the best stays the
 * best.
 *
 * Source: Yeo & Johnson 2000, "A new family of power transformations to improve normality or
 * symmetry", eq. 2.1 and 3.1. Deviation: lambda is kept within [-2, 4]. */

/* y [n], finite, of any size up to the largest double, lower is better; ret_z [n] may be y. All
 * equal give all 0. */
void targets_normal(const double *y, int n, double *ret_z);

double yeo_johnson(double z, double lambda);

/* The likeliest lambda for z [n], found by golden section. */
double yeo_johnson_lambda(const double *z, int n);
