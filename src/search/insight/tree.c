// SPDX-License-Identifier: Apache-2.0
#include "search/insight/tree.h"

#include "base/mem.h"
#include "search/methods/rng.h"

#include <math.h>
#include <string.h>

enum { STREAM_SAMPLE = 101, STREAM_COLUMNS = 102 };

/* Of the columns, tried at a split: F. Hutter, H. Hoos, K. Leyton-Brown, "Sequential model-based
 * optimization for general algorithm configuration", 2011, section 4.1. */
static const double columns_ratio = 5.0 / 6;

struct growing {
    const struct tree_data *data;
    const struct tree_setup *setup;
    struct tree *tree;
    size_t n;               /* of the sample */
    double *x, *y;          /* [d × n], [n] of the sample */
    uint32_t *orders;       /* [(d + 1) × n] rows by each column; the last is in any order. A node is one
                             * stretch of all of them */
    uint32_t *scratch;      /* [n] */
    bool *goes_left;        /* [n] */
    double *lo, *hi;        /* [d] the box of the node */
    uint64_t *mask;         /* [d] */
    uint32_t n_nodes;
    double least;           /* a gain below it is rounding */
};

struct split {
    int column;             /* -1: none */
    double gain;
    double at;              /* numbers below it go left */
    uint64_t left;          /* categories that go left */
};

/* --- leaves --- */

static void add_leaf(struct growing *g, double value)
{
    struct tree *t = g->tree;
    size_t d = (size_t)t->d, at = t->n_leaves * d;

    if (t->n_leaves == t->cap) {
        t->cap = t->cap * 2 + 64;
        t->value = xrealloc(t->value, t->cap * sizeof *t->value);
        t->lo = xrealloc(t->lo, t->cap * d * sizeof *t->lo);
        t->hi = xrealloc(t->hi, t->cap * d * sizeof *t->hi);
        t->mask = xrealloc(t->mask, t->cap * d * sizeof *t->mask);
    }
    t->value[t->n_leaves++] = value;
    memcpy(t->lo + at, g->lo, d * sizeof *g->lo);
    memcpy(t->hi + at, g->hi, d * sizeof *g->hi);
    memcpy(t->mask + at, g->mask, d * sizeof *g->mask);
}

/* --- splits --- */

static double gain_of(double left, size_t n_left, double sum, size_t n)
{
    double right = sum - left;

    return left * left / (double)n_left + right * right / (double)(n - n_left) - sum * sum / (double)n;
}

static void split_numbers(const struct growing *g, int column, size_t from, size_t to, double sum,
                          struct split *best)
{
    const uint32_t *order = g->orders + (size_t)column * g->n;
    const double *x = g->x + (size_t)column * g->n;
    double left = 0;

    for (size_t i = from; i + 1 < to; i++) {
        double a = x[order[i]], b = x[order[i + 1]], gain;

        left += g->y[order[i]];
        if (!(a < b) || i + 1 - from < g->setup->leaf || to - i - 1 < g->setup->leaf)
            continue;
        gain = gain_of(left, i + 1 - from, sum, to - from);
        if (gain > best->gain) {
            double middle = a + (b - a) / 2;

            *best = (struct split){ .column = column, .gain = gain, .at = middle > a ? middle : b };
        }
    }
}

struct category {
    int number;
    size_t n;
    double sum;
};

static int by_mean(const void *a, const void *b)
{
    const struct category *p = a, *q = b;
    double x = p->sum / (double)p->n, y = q->sum / (double)q->n;

    return x < y ? -1 : x > y ? 1 : p->number - q->number;
}

/* With squares as the measure the best of all divisions is one along the order of the means: Breiman
 * et al., theorem 4.5. */
static void split_categories(const struct growing *g, int column, size_t from, size_t to, double sum,
                             struct split *best)
{
    const uint32_t *rows = g->orders + (size_t)g->data->d * g->n;
    const double *x = g->x + (size_t)column * g->n;
    struct category c[TREE_CHOICES_MAX] = {0};
    int n = 0;
    size_t n_left = 0;
    uint64_t mask = 0;
    double left = 0;

    for (size_t i = from; i < to; i++) {
        c[(int)x[rows[i]]].n++;
        c[(int)x[rows[i]]].sum += g->y[rows[i]];
    }
    for (int k = 0; k < g->data->choices[column]; k++)
        if (c[k].n)
            c[n++] = (struct category){ k, c[k].n, c[k].sum };
    qsort(c, (size_t)n, sizeof *c, by_mean);
    for (int k = 0; k + 1 < n; k++) {
        double gain;

        n_left += c[k].n;
        left += c[k].sum;
        mask |= (uint64_t)1 << c[k].number;
        if (n_left < g->setup->leaf || to - from - n_left < g->setup->leaf)
            continue;
        gain = gain_of(left, n_left, sum, to - from);
        if (gain > best->gain)
            *best = (struct split){ .column = column, .gain = gain, .left = mask };
    }
}

static struct split find_split(struct growing *g, size_t from, size_t to, double sum)
{
    struct split best = { .column = -1, .gain = g->least };
    uint64_t node = (uint64_t)g->setup->number << 32 | g->n_nodes++;

    for (int pass = 0; pass < 2 && best.column < 0; pass++) {
        for (int c = 0; c < g->data->d; c++) {
            bool taken = rng_uniform(g->setup->seed, node, (uint32_t)c, STREAM_COLUMNS) < columns_ratio;

            if (taken != (pass == 0)) /* those left out are tried when no other column divides */
                continue;
            if (g->data->choices[c])
                split_categories(g, c, from, to, sum, &best);
            else
                split_numbers(g, c, from, to, sum, &best);
        }
    }
    return best;
}

/* --- nodes --- */

static void partition(const struct growing *g, uint32_t *order, size_t from, size_t to)
{
    size_t left = from, right = 0;

    for (size_t i = from; i < to; i++) {
        if (g->goes_left[order[i]])
            order[left++] = order[i];
        else
            g->scratch[right++] = order[i];
    }
    memcpy(order + left, g->scratch, right * sizeof *order);
}

/* Divides the rows of a node; returns where the right part begins. */
static size_t divide(struct growing *g, const struct split *s, size_t from, size_t to)
{
    const uint32_t *rows = g->orders + (size_t)g->data->d * g->n;
    const double *x = g->x + (size_t)s->column * g->n;
    size_t middle = from;

    for (size_t i = from; i < to; i++) {
        uint32_t row = rows[i];
        bool left = g->data->choices[s->column] ? s->left >> (int)x[row] & 1 : x[row] < s->at;

        g->goes_left[row] = left;
        middle += left;
    }
    for (int c = 0; c <= g->data->d; c++)
        if (c == g->data->d || !g->data->choices[c])
            partition(g, g->orders + (size_t)c * g->n, from, to);
    return middle;
}

static void grow(struct growing *g, size_t from, size_t to, int depth);

static void grow_numbers(struct growing *g, const struct split *s, size_t from, size_t middle, size_t to, int depth)
{
    double lo = g->lo[s->column], hi = g->hi[s->column];

    g->hi[s->column] = s->at;
    grow(g, from, middle, depth + 1);
    g->hi[s->column] = hi;
    g->lo[s->column] = s->at;
    grow(g, middle, to, depth + 1);
    g->lo[s->column] = lo;
}

/* Categories that no row of the node has go where more rows go. */
static void grow_categories(struct growing *g, const struct split *s, size_t from, size_t middle, size_t to, int depth)
{
    const uint32_t *rows = g->orders + (size_t)g->data->d * g->n;
    const double *x = g->x + (size_t)s->column * g->n;
    uint64_t mask = g->mask[s->column], seen = 0, left;

    for (size_t i = from; i < to; i++)
        seen |= (uint64_t)1 << (int)x[rows[i]];
    left = s->left | (middle - from > to - middle ? mask & ~seen : 0);
    g->mask[s->column] = mask & left;
    grow(g, from, middle, depth + 1);
    g->mask[s->column] = mask & ~left;
    grow(g, middle, to, depth + 1);
    g->mask[s->column] = mask;
}

static void grow(struct growing *g, size_t from, size_t to, int depth)
{
    const uint32_t *rows = g->orders + (size_t)g->data->d * g->n;
    struct split s = { .column = -1 };
    double sum = 0;
    size_t middle;

    for (size_t i = from; i < to; i++)
        sum += g->y[rows[i]];
    if (to - from >= 2 * g->setup->leaf && depth < TREE_DEPTH_MAX)
        s = find_split(g, from, to, sum);
    if (s.column < 0) {
        add_leaf(g, sum / (double)(to - from));
        return;
    }
    g->tree->gain[s.column] += s.gain;
    middle = divide(g, &s, from, to);
    if (g->data->choices[s.column])
        grow_categories(g, &s, from, middle, to, depth);
    else
        grow_numbers(g, &s, from, middle, to, depth);
}

/* --- the sample --- */

static int by_x(const void *a, const void *b, void *arg)
{
    const double *x = arg;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

    return x[i] < x[k] ? -1 : x[i] > x[k] ? 1 : (i > k) - (i < k);
}

static void draw_sample(struct growing *g)
{
    const struct tree_data *data = g->data;
    size_t n = g->n;
    double squares = 0;

    for (size_t i = 0; i < n; i++) {
        double u = rng_uniform(g->setup->seed, i, g->setup->number, STREAM_SAMPLE);
        size_t row = (size_t)(u * (double)data->n);

        g->y[i] = data->y[row];
        squares += data->y[row] * data->y[row];
        for (int c = 0; c < data->d; c++)
            g->x[(size_t)c * n + i] = data->x[(size_t)c * data->n + row];
    }
    g->least = 1e-12 * squares;
    for (int c = 0; c <= data->d; c++) {
        uint32_t *order = g->orders + (size_t)c * n;

        for (size_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
        if (c < data->d && !data->choices[c])
            qsort_r(order, n, sizeof *order, by_x, g->x + (size_t)c * n);
    }
}

struct tree *tree_grow(const struct tree_data *data, const struct tree_setup *setup)
{
    size_t n = setup->sample, d = (size_t)data->d;
    struct tree *t = xcalloc(1, sizeof *t);
    CLEANUP(freep) double *reals = xcalloc(d * n + n + 2 * d, sizeof *reals);
    CLEANUP(freep) uint32_t *orders = xcalloc((d + 2) * n, sizeof *orders);
    CLEANUP(freep) uint64_t *mask = xcalloc(d + 1, sizeof *mask);
    CLEANUP(freep) bool *goes_left = xcalloc(n, sizeof *goes_left);
    struct growing g = { .data = data, .setup = setup, .tree = t, .n = n, .x = reals, .y = reals + d * n,
                         .lo = reals + d * n + n, .hi = reals + d * n + n + d, .mask = mask,
                         .orders = orders, .scratch = orders + (d + 1) * n, .goes_left = goes_left };

    t->d = data->d;
    t->gain = xcalloc(d + 1, sizeof *t->gain);
    for (size_t c = 0; c < d; c++) {
        g.hi[c] = 1;
        mask[c] = data->choices[c] == TREE_CHOICES_MAX ? UINT64_MAX : ((uint64_t)1 << data->choices[c]) - 1;
    }
    draw_sample(&g);
    grow(&g, 0, n, 0);
    return t;
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    free(t->value);
    free(t->lo);
    free(t->hi);
    free(t->mask);
    free(t->gain);
    free(t);
}

double tree_at(const struct tree *t, const int *choices, const double *x)
{
    for (size_t i = 0; i < t->n_leaves; i++) {
        bool inside = true;

        for (int c = 0; c < t->d && inside; c++) {
            size_t at = i * (size_t)t->d + (size_t)c;

            inside = choices[c] ? t->mask[at] >> (int)x[c] & 1
                                : x[c] >= t->lo[at] && (x[c] < t->hi[at] || t->hi[at] == 1);
        }
        if (inside)
            return t->value[i];
    }
    return NAN;
}
