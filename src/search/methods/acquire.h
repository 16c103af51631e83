// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Expected improvement on a logarithmic scale, which stays useful where improvement is so unlikely
 * that its expectation is 0 in a double. Pure.
 *
 * Source: Jones, Schonlau & Welch 1998, "Efficient global optimization", eq. 15; Ament et al. 2023,
 * "Unexpected improvements to expected improvement", eq. 8 to 10. Deviation: for z below -5 the
 * cancelling difference is taken from the continued fraction of Mills' ratio (Abramowitz & Stegun
 * 26.2.14) instead of erfcx(), which the C library lacks; it needs no third case far out. */

/* log(phi(z) + z * Phi(z)), phi and Phi of the standard normal distribution; any finite z.
 * *ret_slope is the derivative, above 0. */
double log_improvement(double z, double *ret_slope);

/* log E[max(best - f, 0)] for f normal with this mean and variance (above 0), and its derivatives
 * by mean and variance. */
double log_ei(double best, double mean, double variance, double *ret_by_mean,
              double *ret_by_variance);
