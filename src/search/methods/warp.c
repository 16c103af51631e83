// SPDX-License-Identifier: Apache-2.0
#include "search/methods/warp.h"

#include <math.h>

static const double end = 1e-9;     /* this near to an end counts as this far from it */

double warp(struct warp by, double x)
{
    struct warp_slopes slopes;

    return warp_slopes(by, x, &slopes);
}

double warp_slopes(struct warp by, double x, struct warp_slopes *ret)
{
    double a = exp(by.log_a), b = exp(by.log_b), inside = fmin(fmax(x, end), 1 - end), log_x = log(inside);
    double power = exp(a * log_x), log_rest = log1p(-power), rest = exp(b * log_rest);
    double by_power = b * rest / (1 - power);

    ret->x = by_power * a * power / inside;
    ret->log_a = by_power * a * power * log_x;
    ret->log_b = -b * rest * log_rest;
    return 1 - rest;
}
