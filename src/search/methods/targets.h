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

/* Values that stand far above all better ones (a loss that diverged, a penalty) are moved down, so that what lies below
 * them can still be told apart: from the fifth best on, a step to the next value is at most ten times as long as from the
 * best one to there. In place; y [n] keeps its order, and NaN. Nothing moves where there is no such step. Returns what
 * the first value above a step of a hundred times became, if fewer lie above it than below; otherwise HUGE_VAL. */
double targets_close_gaps(double *y, int n);

double yeo_johnson(double z, double lambda);

/* The likeliest lambda for z [n], found by golden section. */
double yeo_johnson_lambda(const double *z, int n);
