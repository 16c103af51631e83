// SPDX-License-Identifier: Apache-2.0
#include "search/methods/history.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static void insert(struct points *p, size_t at, struct point *point)
{
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 32;
        p->items = xrealloc(p->items, p->room * sizeof(struct point *));
    }
    memmove(p->items + at + 1, p->items + at, (p->n - at) * sizeof(struct point *));
    p->items[at] = point;
    p->n++;
}

static void release(struct points *p, bool items)
{
    for (size_t i = 0; items && i < p->n; i++)
        free(p->items[i]);
    free(p->items);
}

void history_done(struct history *h)
{
    release(&h->told, true);
    release(&h->pending, true);
    release(&h->ranked, false);
}

static size_t place(const struct points *p, int64_t trial)
{
    size_t at = p->n;

    while (trial >= 0 && at > 0 && p->items[at - 1]->trial > trial)
        at--;
    return at;
}

static struct point *find(const struct points *p, int64_t trial)
{
    for (size_t i = p->n; i > 0 && trial >= 0; i--)
        if (p->items[i - 1]->trial == trial)
            return p->items[i - 1];
    return NULL;
}

static bool better(const struct point *a, const struct point *b)
{
    if (isnan(a->y) != isnan(b->y))
        return isnan(b->y);
    return a->y < b->y; /* equal ones keep the order of their numbers: see rank() */
}

/* Equal values stand in the order of `told`: the place must not depend on which came first. */
static size_t rank(const struct history *h, const struct point *point)
{
    size_t lo = 0, hi = h->ranked.n;

    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        const struct point *other = h->ranked.items[middle];

        if (better(other, point) || (!better(point, other) && other->trial < point->trial))
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static struct point *point_new(const struct history *h, int64_t trial, const double *x)
{
    struct point *p = xcalloc(1, sizeof *p + (size_t)h->d * sizeof *x);

    p->trial = trial;
    p->y = NAN;
    memcpy(p->x, x, (size_t)h->d * sizeof *x);
    return p;
}

static struct point *take_pending(struct history *h, int64_t trial)
{
    struct point *point = find(&h->pending, trial);
    size_t at = 0;

    if (!point)
        return NULL;
    while (h->pending.items[at] != point)
        at++;
    h->pending.n--;
    memmove(h->pending.items + at, h->pending.items + at + 1,
            (h->pending.n - at) * sizeof(struct point *));
    return point;
}

void history_ask(struct history *h, int64_t trial, const double *x)
{
    if (!find(&h->pending, trial) && !find(&h->told, trial))
        insert(&h->pending, place(&h->pending, trial), point_new(h, trial, x));
}

ptrdiff_t history_tell(struct history *h, int64_t trial, const double *x, double y)
{
    struct point *point = find(&h->told, trial);
    size_t at;

    if (point)
        return -1;
    point = take_pending(h, trial);
    if (!point)
        point = point_new(h, trial, x);
    point->y = isfinite(y) ? y : NAN;
    h->n_valued += isfinite(y);
    at = place(&h->told, trial);
    insert(&h->told, at, point);
    insert(&h->ranked, rank(h, point), point);
    return (ptrdiff_t)at;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double history_median(const struct history *h, size_t n_first)
{
    size_t n = 0, most = n_first < h->told.n ? n_first : h->told.n;
    CLEANUP(freep) double *y = xcalloc(most + 1, sizeof *y);

    for (size_t i = 0; i < most; i++)
        if (!isnan(h->told.items[i]->y))
            y[n++] = h->told.items[i]->y;
    qsort(y, n, sizeof *y, by_value);
    return n ? y[n / 2] : NAN;
}

static bool among(const struct points *p, const double *x, size_t size)
{
    for (size_t i = 0; i < p->n; i++)
        if (memcmp(p->items[i]->x, x, size) == 0)
            return true;
    return false;
}

bool history_has(const struct history *h, const double *x)
{
    size_t size = (size_t)h->d * sizeof *x;

    return among(&h->told, x, size) || among(&h->pending, x, size);
}

size_t history_select(struct history *h, size_t n_first, size_t most, struct point **ret)
{
    size_t n = 0, n_best = most / 2, n_spread = most - n_best, seen = 0, others;

    if (n_first <= most) {
        memcpy(ret, h->told.items, n_first * sizeof(struct point *));
        return n_first;
    }
    for (size_t i = 0; i < h->told.n; i++)
        h->told.items[i]->chosen = i >= n_first;
    for (size_t i = 0; i < h->ranked.n && n < n_best; i++) {
        if (!h->ranked.items[i]->chosen) {
            h->ranked.items[i]->chosen = true;
            n++;
        }
    }
    others = n_first - n_best;
    n = 0;
    for (size_t i = 0; i < n_first; i++) {
        struct point *p = h->told.items[i];

        if (p->chosen) {
            ret[n++] = p;
        } else {
            if ((seen + 1) * n_spread / others > seen * n_spread / others)
                ret[n++] = p;
            seen++;
        }
    }
    return n;
}
