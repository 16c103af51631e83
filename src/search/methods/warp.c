// SPDX-License-Identifier: Apache-2.0
#include "search/methods/warp.h"

#include <math.h>

static const double end = 1e-9;     /* this near to an end counts as this far from it */

static double inwards(double x) { return fmin(fmax(x, end), 1 - end); }

double warp(struct warp by, double x) { return 1 - exp(by.b * log1p(-exp(by.a * log(inwards(x))))); }

double warp_slopes(struct warp by, double x, struct warp_slopes *ret)
{
    double inside = inwards(x), log_x = log(inside);
    double power = exp(by.a * log_x), log_rest = log1p(-power), rest = exp(by.b * log_rest);
    double by_power = by.b * rest / (1 - power);

    ret->x = by_power * by.a * power / inside;
    ret->log_a = by_power * by.a * power * log_x;
    ret->log_b = -by.b * rest * log_rest;
    return 1 - rest;
}
