// SPDX-License-Identifier: Apache-2.0
#include "search/methods/acquire.h"

#include <math.h>

static const double log_sqrt_2pi = 0.91893853320467274178;

/* c such that Mills' ratio (1 - Phi(t)) / phi(t) is 1 / (t + c): 1/(t + 2/(t + 3/(t + ...))). At t
 * = 5 forty levels leave an error below 1e-15. */
static double mills_tail(double t)
{
    double c = 0;

    for (int k = 40; k >= 1; k--)
        c = k / (t + c);
    return c;
}

double log_improvement(double z, double *ret_slope)
{
    if (z > -5) {
        double below = 0.5 * erfc(-z * M_SQRT1_2);
        double h = exp(-0.5 * z * z - log_sqrt_2pi) + z * below;

        *ret_slope = below / h;
        return log(h);
    }
    double c = mills_tail(-z); /* phi + z Phi = phi c / (t + c), and Phi = phi / (t + c) */

    *ret_slope = 1 / c;
    return -0.5 * z * z - log_sqrt_2pi + log(c / (c - z));
}

double log_ei(double best, double mean, double variance, double *ret_by_mean,
              double *ret_by_variance)
{
    double sd = sqrt(variance), z = (best - mean) / sd, slope;
    double value = log_improvement(z, &slope) + log(sd);

    *ret_by_mean = -slope / sd;
    *ret_by_variance = (1 - slope * z) / (2 * variance);
    return value;
}
