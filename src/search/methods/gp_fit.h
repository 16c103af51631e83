// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The hyperparameters of a Gaussian process (search/methods/gp.h) that are most probable given the data.
 * Pure.
 *
 * Priors: log l_i normal with mean sqrt(2) + log(n_scales) / 2 - 1 and sd sqrt(3), so that a space
 * of more dimensions is not expected to be more complicated; log s^2 standard normal, for targets
 * of variance 1; log noise as the caller says; log t^2 normal with mean -2 and sd 1.5 (means of -4 to 0 and
 * a sd of 1 score alike); u of a slant normal with mean 0 and sd 3 (2 scores alike); log a and log b of a warp normal
 * with mean 0 and sd 1/4. Measured on bench/search, difference at 50 and 100 trials to no warp: with 1/4 nothing that
 * can be told from chance (-0.01 to 0.02 by suite), but 0.04 and 0.05 where ranges that span two
 * powers of ten are not declared logarithmic; with sd 0.4 0.02 less, and with 0.75 0.05 less.
 *
 * Source: Rasmussen & Williams 2006, eq. 5.8 and 5.9; Hvarfner, Hellsten & Nardi 2024, "Vanilla
 * Bayesian optimization performs great in high dimensions", eq. 4. Deviation: their mean is lowered
 * by 1 (lengths about 2.7 times shorter), which found better optima on rugged objectives. Warps: Cowen-Rivers et al.
 * 2022, "HEBO: pushing the limits of sample-efficient hyper-parameter optimisation", section 4.2. What a slant costs:
 * Schwarz 1978, "Estimating the dimension of a model". Deviation: twice that, as its direction is the best of many. Measured on
 * 182 functions, some of them unseen before: his cost itself scores 0.000 and 0.002 less, three times it 0.007 and 0.007. */

#include <stdbool.h>

struct gp_data {
    int n, d, n_scales;   /* n_scales is d, or 1: one length for all dimensions, and no warp */
    const bool *category; /* [d] */
    const double *x;      /* [n × d] */
    const double *y;      /* [n], mean 0 and variance 1 */
    struct gp_noise {     /* what is expected of the noise variance: log normal */
        double median;
        double log_sd;
        double most;      /* above 1e-7 */
    } noise;
    bool slanted;         /* u is fitted; otherwise it is 0 */
};

/* Where a first fit starts: theta [gp_n_theta(d, n_scales)]. */
void gp_theta_start(int d, int n_scales, const struct gp_noise *noise, double *ret_theta);

/* Minus the log posterior density of theta, up to a constant, and its gradient, as long as theta
 * (may be NULL). HUGE_VAL where the kernel matrix is numerically singular. O(n^3 + n^2 n_scales). */
double gp_loss(const struct gp_data *data, const double *theta, double *ret_grad);

/* From theta to a local optimum within the bounds, in at most `rounds` rounds of L-BFGS. Returns its loss, and for a slant
 * log n more for each of its numbers, so that what is fitted with and without one can be compared. */
double gp_fit(const struct gp_data *data, int rounds, double *theta);
