// SPDX-License-Identifier: Apache-2.0
#include "search/early.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

void early_curve_done(struct early_curve *c)
{
    free(c->step);
    free(c->exec);
    *c = (struct early_curve){ .minimize = c->minimize };
}

static void thin(struct early_curve *c)
{
    int n = 0;

    for (int i = 1; i < c->n; i += 2, n++) {
        c->step[n] = c->step[i];
        c->average[n] = c->average[i];
    }
    c->n = n;
}

static void make_room(struct early_curve *c)
{
    int room = c->room ? EARLY_POINTS_MAX : 16;
    double *both;

    if (c->n < c->room)
        return;
    if (c->room == EARLY_POINTS_MAX) {
        thin(c);
        return;
    }
    both = xcalloc(2 * (size_t)room, sizeof *both);
    if (c->n) {
        memcpy(both, c->step, (size_t)c->n * sizeof *both);
        memcpy(both + room, c->average, (size_t)c->n * sizeof *both);
    }
    free(c->step);
    c->step = both;
    c->average = both + room;
    c->room = room;
}

void early_curve_add(struct early_curve *c, double step, double value)
{
    if (!isfinite(value))
        return;
    if (isnan(step))
        step = (double)c->n_values + 1;
    if (c->n && step <= c->step[c->n - 1])
        return;
    if (c->n_values == 0 || (c->minimize ? value < c->best : value > c->best))
        c->best = value;
    c->n_values++;
    c->sum += value;
    make_room(c);
    c->step[c->n] = step;
    c->average[c->n++] = c->sum / (double)c->n_values;
}

void early_done(struct early *e)
{
    for (int i = 0; i < e->n; i++)
        early_curve_done(&e->curves[i]);
    free(e->curves);
    *e = (struct early){0};
}

void early_ended(struct early *e, struct early_curve *curve)
{
    if (e->n == EARLY_CURVES_MAX) {
        early_curve_done(&e->curves[0]);
        memmove(e->curves, e->curves + 1, (size_t)--e->n * sizeof *e->curves);
    }
    if (e->n == e->room) {
        e->room = e->room ? 2 * e->room : 16;
        e->curves = xrealloc(e->curves, (size_t)e->room * sizeof *e->curves);
    }
    e->curves[e->n++] = *curve;
    *curve = (struct early_curve){ .minimize = curve->minimize };
}

struct early_curve *early_find(const struct early *e, const char *exec)
{
    for (int i = e->n - 1; i >= 0; i--)
        if (e->curves[i].exec && strcmp(e->curves[i].exec, exec) == 0)
            return &e->curves[i];
    return NULL;
}

/* The running average at the last point that is not after `step`; NaN: it has none. */
static double average_at(const struct early_curve *c, double step)
{
    int lo = 0, hi = c->n;

    while (lo < hi) {
        int middle = (lo + hi) / 2;

        if (c->step[middle] <= step)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo ? c->average[lo - 1] : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

bool early_hopeless(const struct early *e, const struct early_curve *curve, int64_t min_trials, int64_t min_steps)
{
    CLEANUP(freep) double *averages = NULL;
    double median;
    int n = 0;

    if (curve->n == 0 || curve->n_values < min_steps || e->n < min_trials)
        return false;
    averages = xcalloc((size_t)e->n + 1, sizeof *averages);
    for (int i = 0; i < e->n; i++) {
        double average = average_at(&e->curves[i], curve->step[curve->n - 1]);

        if (!isnan(average))
            averages[n++] = average;
    }
    if (n == 0 || n < min_trials)
        return false;
    qsort(averages, (size_t)n, sizeof *averages, by_value);
    median = n % 2 ? averages[n / 2] : averages[n / 2 - 1] / 2 + averages[n / 2] / 2;
    return curve->minimize ? curve->best > median : curve->best < median;
}
