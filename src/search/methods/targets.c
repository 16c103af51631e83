// SPDX-License-Identifier: Apache-2.0
#include "search/methods/targets.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double lambda_min = -2, lambda_max = 4, outermost = 20;
static const int gap_first = 5;
static const double gap_most = 10, gap_far = 100;

/* Of z whose log1p(|z|) is known: (exp(power * log) - 1) / power, in the form that is exact near 0.
 */
static double transform(double z, double log_of, double lambda)
{
    double power = z < 0 ? 2 - lambda : lambda;
    double t = fabs(power) < 1e-9 ? log_of : expm1(power * log_of) / power;

    return z < 0 ? -t : t;
}

double yeo_johnson(double z, double lambda) { return transform(z, log1p(fabs(z)), lambda); }

static double mean_of(const double *z, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += z[i] / n;
    return sum;
}

static double variance_of(const double *z, int n)
{
    double mean = mean_of(z, n), sum = 0;

    for (int i = 0; i < n; i++)
        sum += (z[i] - mean) * (z[i] - mean) / n;
    return sum;
}

struct sample {
    const double *z;
    double *logs, *work; /* [n] */
    double log_sum;      /* of sign(z) log(1 + |z|) */
    int n;
};

/* Eq. 3.1, maximised over mean and variance. */
static double log_likelihood(const struct sample *s, double lambda)
{
    double variance;

    for (int i = 0; i < s->n; i++)
        s->work[i] = transform(s->z[i], s->logs[i], lambda);
    variance = variance_of(s->work, s->n);
    return (lambda - 1) * s->log_sum - 0.5 * s->n * log(variance + 1e-300);
}

double yeo_johnson_lambda(const double *z, int n)
{
    CLEANUP(freep) double *memory = xcalloc((size_t)n * 2 + 1, sizeof *memory);
    struct sample s = { .z = z, .logs = memory, .work = memory + n, .n = n };
    const double golden = 0.61803398874989485;
    double lo = lambda_min, hi = lambda_max, a = hi - golden * (hi - lo),
           b = lo + golden * (hi - lo);
    double at_a, at_b;

    for (int i = 0; i < n; i++) {
        s.logs[i] = log1p(fabs(z[i]));
        s.log_sum += z[i] < 0 ? -s.logs[i] : s.logs[i];
    }
    at_a = log_likelihood(&s, a);
    at_b = log_likelihood(&s, b);
    while (hi - lo > 1e-3) {
        if (at_a > at_b) {
            hi = b;
            b = a, at_b = at_a;
            a = hi - golden * (hi - lo);
            at_a = log_likelihood(&s, a);
        } else {
            lo = a;
            a = b, at_a = at_b;
            b = lo + golden * (hi - lo);
            at_b = log_likelihood(&s, b);
        }
    }
    return 0.5 * (lo + hi);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* By linear interpolation; z [n] is sorted. */
static double quantile(const double *z, int n, double q)
{
    double at = q * (n - 1), below = floor(at);
    int i = (int)below;

    return i + 1 < n ? z[i] + (at - below) * (z[i + 1] - z[i]) : z[i];
}

/* Halved first, so that differences of the largest doubles are finite. */
static void scale(const double *y, int n, double *ret)
{
    CLEANUP(freep) double *sorted = xcalloc((size_t)n, sizeof *sorted);
    double middle, spread, largest = 0;

    for (int i = 0; i < n; i++)
        sorted[i] = ret[i] = y[i] / 2;
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    middle = quantile(sorted, n, 0.5);
    spread = quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25);
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(ret[i] / 2 - middle / 2));
    /* Most are equal: what differs still counts. */
    spread = spread > largest * 1e-12 ? fmax(spread, largest * 1e-6) : 2 * largest / outermost;
    for (int i = 0; i < n; i++) {
        double z = spread > 0 ? (ret[i] / 2 - middle / 2) / spread * 2 : 0;

        ret[i] = fmin(fmax(z, -outermost), outermost);
    }
}

/* The place of a value among sorted ones [n] that have it. */
static size_t place(const double *sorted, int n, double value)
{
    const double *at = bsearch(&value, sorted, (size_t)n, sizeof value, by_value);

    return (size_t)(at - sorted);
}

/* What sorted values [n] become: closed [n]. Returns whether any moved, and the index of the first that is far, or n. */
static bool close_sorted(const double *sorted, int n, double *closed, int *ret_far)
{
    bool any = false;

    *ret_far = n;
    for (int i = 0; i < n; i++) {
        double range = i >= gap_first ? closed[i - 1] - closed[0] : 0;
        double step = i > 0 ? sorted[i] - sorted[i - 1] : 0;
        bool is_gap = range > 0 && step > gap_most * range;

        if (is_gap && *ret_far == n && step > gap_far * range)
            *ret_far = i;
        any |= is_gap;
        closed[i] = any ? fmin(closed[i - 1] + (is_gap ? gap_most * range : step), sorted[i]) : sorted[i];
    }
    return any;
}

double targets_close_gaps(double *y, int n)
{
    CLEANUP(freep) double *memory = xcalloc(2 * (size_t)n + 1, sizeof *memory);
    double *sorted = memory, *closed = memory + n;
    int n_told = 0, far;

    for (int i = 0; i < n; i++)
        if (!isnan(y[i]))
            sorted[n_told++] = y[i];
    qsort(sorted, (size_t)n_told, sizeof *sorted, by_value);
    if (!close_sorted(sorted, n_told, closed, &far))
        return HUGE_VAL;
    for (int i = 0; i < n; i++)
        if (!isnan(y[i]))
            y[i] = closed[place(sorted, n_told, y[i])];
    return far < n_told && far > n_told / 2 ? closed[far] : HUGE_VAL;
}

static void standardise(double *z, int n)
{
    double mean = mean_of(z, n), sd;

    for (int i = 0; i < n; i++)
        z[i] -= mean;
    sd = sqrt(variance_of(z, n));
    for (int i = 0; i < n; i++)
        z[i] = sd > 1e-100 ? z[i] / sd : 0;
}

void targets_normal(const double *y, int n, double *ret_z)
{
    double lambda;

    if (n == 0)
        return;
    scale(y, n, ret_z);
    lambda = yeo_johnson_lambda(ret_z, n);
    for (int i = 0; i < n; i++)
        ret_z[i] = yeo_johnson(ret_z[i], lambda);
    standardise(ret_z, n);
}
