// SPDX-License-Identifier: Apache-2.0
#include "search/methods/failures.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { NEIGHBOURS = 3 };

static const double excess_least = 0.15; /* of failures among the neighbours of failed ones, that tells of a place */

struct scene {
    struct point *const *points;
    size_t n;
    int d;
    const bool *category;
    const double *y;
    double far;
};

static bool failed(const struct scene *s, size_t i) { return !(s->y[i] < s->far); }

static double distance(const struct scene *s, size_t of, size_t to)
{
    const double *a = s->points[of]->x, *b = s->points[to]->x;
    double sum = 0;

    for (int i = 0; i < s->d; i++) {
        double by = s->category[i] ? a[i] != b[i] : a[i] - b[i];

        sum += by * by;
    }
    return sum;
}

struct neighbour {
    double distance;
    bool failed;
};

/* Keeps the nearest ones, in order. */
static void add_neighbour(struct neighbour *nearest, struct neighbour one)
{
    for (int i = 0; i < NEIGHBOURS; i++) {
        struct neighbour other = nearest[i];

        if (one.distance < other.distance) {
            nearest[i] = one;
            one = other;
        }
    }
}

/* The share of failed ones among the nearest others of a point; there are as many others. */
static double share_around(const struct scene *s, size_t of)
{
    struct neighbour nearest[NEIGHBOURS];
    double share = 0;

    for (int i = 0; i < NEIGHBOURS; i++)
        nearest[i] = (struct neighbour){ HUGE_VAL, false };
    for (size_t i = 0; i < s->n; i++)
        if (i != of)
            add_neighbour(nearest, (struct neighbour){ distance(s, of, i), failed(s, i) });
    for (int i = 0; i < NEIGHBOURS; i++)
        share += (double)nearest[i].failed / NEIGHBOURS;
    return share;
}

/* By how much a share of neighbours may differ by chance: two standard errors. */
static double doubt(double n_failed, double n_others)
{
    double n = n_failed + n_others, share = n_failed / n;

    return 2 * sqrt(share * (1 - share) * (1 / n_failed + 1 / n_others) / NEIGHBOURS);
}

static bool by_chance(const struct scene *s)
{
    double of_failed = 0, of_others = 0, n_failed = 0, n_others;

    for (size_t i = 0; i < s->n; i++)
        n_failed += failed(s, i);
    n_others = (double)s->n - n_failed;
    if (n_failed < FAILURES_LEAST || n_others < FAILURES_LEAST)
        return false;
    for (size_t i = 0; i < s->n; i++)
        *(failed(s, i) ? &of_failed : &of_others) += share_around(s, i);
    return of_failed / n_failed - of_others / n_others < fmax(excess_least, doubt(n_failed, n_others));
}

static double value_near(const struct scene *s, size_t of)
{
    double least = HUGE_VAL, y = 0;

    for (size_t i = 0; i < s->n; i++) {
        double far = failed(s, i) ? HUGE_VAL : distance(s, of, i);

        if (far < least) {
            least = far;
            y = s->y[i];
        }
    }
    return y;
}

static double worst_of(const double *y, size_t n)
{
    double worst = -HUGE_VAL;

    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, y[i]); /* passes over NaN */
    return isinf(worst) ? 0 : worst;
}

void failures_fill(struct point *const *points, size_t n, int d, const bool *category, double far, double *y)
{
    CLEANUP(freep) double *told = xcalloc(n + 1, sizeof *told);
    const struct scene s = { points, n, d, category, told, far };
    double worst = worst_of(y, n);
    bool chance;

    memcpy(told, y, n * sizeof *told);
    chance = by_chance(&s);
    for (size_t i = 0; i < n; i++) {
        if (chance && failed(&s, i))
            y[i] = value_near(&s, i);
        else if (isnan(y[i]))
            y[i] = worst;
    }
}
