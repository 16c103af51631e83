// SPDX-License-Identifier: Apache-2.0
#include "search/insight/fanova.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { LEAF_ROWS = 3, LEAF_ROWS_FROM = 100, SCOUTS = 8 };

/* The space of one column in pieces on which a tree does not change: between two splits, or a category. */
struct cells {
    int n;
    double *edges;              /* [n + 1]; NULL: categories, each 1 / n wide */
};

struct run {                    /* cells from..to - 1 of a column */
    int from, to;
};

/* One tree being taken apart. */
struct parts {
    const struct tree *tree;
    const int *choices;
    struct cells *cells;        /* [d] */
    struct run *runs;           /* [n_leaves × d] of columns of numbers */
    double *sides, *volumes;    /* [n_leaves × d], [n_leaves] */
    double mean;
};

static double width_of(const struct cells *c, int i) { return c->edges ? c->edges[i + 1] - c->edges[i] : 1.0 / c->n; }

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Every edge but the last is where some leaf begins. */
static struct cells find_cells(const struct tree *t, int column, int choices, struct mem *mem)
{
    struct cells c = { .n = choices };
    size_t n = 0;

    if (choices)
        return c;
    c.edges = mem_alloc(mem, (t->n_leaves + 1) * sizeof *c.edges);
    for (size_t i = 0; i < t->n_leaves; i++)
        c.edges[i] = t->lo[i * (size_t)t->d + (size_t)column];
    qsort(c.edges, t->n_leaves, sizeof *c.edges, by_number);
    for (size_t i = 0; i < t->n_leaves; i++)
        if (n == 0 || c.edges[n - 1] < c.edges[i])
            c.edges[n++] = c.edges[i];
    c.edges[n] = 1;
    c.n = (int)n;
    return c;
}

static int edge_at(const struct cells *c, double x)
{
    int low = 0, high = c->n;

    while (low < high) {
        int middle = (low + high) / 2;

        if (c->edges[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void measure(struct parts *p, struct mem *mem)
{
    const struct tree *t = p->tree;
    size_t d = (size_t)t->d;

    p->cells = mem_alloc(mem, (d + 1) * sizeof *p->cells);
    p->runs = mem_alloc(mem, (t->n_leaves * d + 1) * sizeof *p->runs);
    p->sides = mem_alloc(mem, (t->n_leaves * d + 1) * sizeof *p->sides);
    p->volumes = mem_alloc(mem, t->n_leaves * sizeof *p->volumes);
    for (size_t c = 0; c < d; c++)
        p->cells[c] = find_cells(t, (int)c, p->choices[c], mem);
    for (size_t i = 0; i < t->n_leaves; i++) {
        p->volumes[i] = 1;
        for (size_t c = 0; c < d; c++) {
            size_t at = i * d + c;

            if (p->choices[c]) {
                p->sides[at] = (double)__builtin_popcountll(t->mask[at]) / p->choices[c];
            } else {
                p->sides[at] = t->hi[at] - t->lo[at];
                p->runs[at] = (struct run){ edge_at(&p->cells[c], t->lo[at]), edge_at(&p->cells[c], t->hi[at]) };
            }
            p->volumes[i] *= p->sides[at];
        }
        p->mean += p->volumes[i] * t->value[i];
    }
}

/* The cells of a column that a leaf covers, as runs; returns how many. */
static int runs_of(const struct parts *p, size_t leaf, int column, struct run *ret)
{
    size_t at = leaf * (size_t)p->tree->d + (size_t)column;
    uint64_t mask = p->tree->mask[at];
    int n = 0, k = 0;

    if (!p->choices[column]) {
        *ret = p->runs[at];
        return 1;
    }
    while (mask >> k) {
        k += __builtin_ctzll(mask >> k);
        ret[n].from = k;
        while (k < p->choices[column] && mask >> k & 1)
            k++;
        ret[n++].to = k;
        if (k >= TREE_CHOICES_MAX)
            break;
    }
    return n;
}

/* What a leaf adds to the mean over all columns but `a` and `b` (-1: but `a` alone). The mean of the tree
 * is taken off: it is no part of any effect, and sums of squares stay exact. */
static double weight_of(const struct parts *p, size_t leaf, int a, int b)
{
    size_t at = leaf * (size_t)p->tree->d;
    double w = (p->tree->value[leaf] - p->mean) * p->volumes[leaf] / p->sides[at + (size_t)a];

    return b < 0 ? w : w / p->sides[at + (size_t)b];
}

/* The mean over all other columns, in each cell of `a`: [cells + 1]. Hutter et al., algorithm 2. */
static double *means_of(const struct parts *p, int a, struct mem *mem)
{
    double *mean = mem_alloc(mem, ((size_t)p->cells[a].n + 1) * sizeof *mean);
    struct run runs[TREE_CHOICES_MAX];

    for (size_t i = 0; i < p->tree->n_leaves; i++) {
        int n = runs_of(p, i, a, runs);
        double w = weight_of(p, i, a, -1);

        for (int k = 0; k < n; k++) {
            mean[runs[k].from] += w;
            mean[runs[k].to] -= w;
        }
    }
    for (int k = 1; k < p->cells[a].n; k++)
        mean[k] += mean[k - 1];
    return mean;
}

static double square_of(const struct cells *c, const double *mean)
{
    double sum = 0;

    for (int k = 0; k < c->n; k++)
        sum += width_of(c, k) * mean[k] * mean[k];
    return sum;
}

/* A leaf in the table of two columns: its corners, so that sums along rows and columns fill it. */
static void add_corners(const struct parts *p, size_t leaf, int a, int b, size_t stride, double *table)
{
    struct run rows[TREE_CHOICES_MAX], columns[TREE_CHOICES_MAX];
    int n_rows = runs_of(p, leaf, a, rows), n_columns = runs_of(p, leaf, b, columns);
    double w = weight_of(p, leaf, a, b);

    for (int i = 0; i < n_rows; i++) {
        for (int k = 0; k < n_columns; k++) {
            table[(size_t)rows[i].from * stride + (size_t)columns[k].from] += w;
            table[(size_t)rows[i].from * stride + (size_t)columns[k].to] -= w;
            table[(size_t)rows[i].to * stride + (size_t)columns[k].from] -= w;
            table[(size_t)rows[i].to * stride + (size_t)columns[k].to] += w;
        }
    }
}

/* The mean square of the mean over all columns but two. */
static double square_of_two(const struct parts *p, int a, int b)
{
    const struct cells *ca = &p->cells[a], *cb = &p->cells[b];
    size_t stride = (size_t)cb->n + 1;
    CLEANUP(freep) double *table = xcalloc(((size_t)ca->n + 1) * stride, sizeof *table);
    double sum = 0;

    for (size_t i = 0; i < p->tree->n_leaves; i++)
        add_corners(p, i, a, b, stride, table);
    for (int i = 0; i < ca->n; i++) {
        double *row = table + (size_t)i * stride, along = 0, squares = 0;

        for (int k = 0; k < cb->n; k++) {
            double above = i ? (row - stride)[k] : 0;

            along += row[k];
            row[k] = above + along; /* `row - stride` has its sums already */
            squares += width_of(cb, k) * row[k] * row[k];
        }
        sum += width_of(ca, i) * squares;
    }
    return sum;
}

static void sample_marginal(const struct parts *p, int column, const double *mean, double *ret)
{
    const struct cells *c = &p->cells[column];
    int n = c->edges ? FANOVA_POINTS : c->n;

    for (int k = 0; k < n; k++) {
        int cell = k;

        if (c->edges) {
            double u = (double)k / (FANOVA_POINTS - 1);

            cell = edge_at(c, u);
            if (cell == c->n || c->edges[cell] > u)
                cell--;
        }
        ret[k] = p->mean + mean[cell];
    }
}

void tree_take_apart(const struct tree *t, const int *choices, const struct fanova_pair *pairs, int n_pairs,
                     struct mem *mem, struct tree_parts *ret)
{
    CLEANUP(mem_freep) struct mem *scratch = mem_new();
    struct parts p = { .tree = t, .choices = choices };

    measure(&p, scratch);
    *ret = (struct tree_parts){ .mean = p.mean, .main = mem_alloc(mem, ((size_t)t->d + 1) * sizeof(double)),
                                .pairs = mem_alloc(mem, ((size_t)n_pairs + 1) * sizeof(double)),
                                .marginal = mem_alloc(mem, ((size_t)t->d * MARGINAL_STRIDE + 1) * sizeof(double)) };
    for (size_t i = 0; i < t->n_leaves; i++)
        ret->variance += p.volumes[i] * (t->value[i] - p.mean) * (t->value[i] - p.mean);
    for (int c = 0; c < t->d; c++) {
        const double *mean = means_of(&p, c, scratch);

        ret->main[c] = square_of(&p.cells[c], mean);
        sample_marginal(&p, c, mean, ret->marginal + (size_t)c * MARGINAL_STRIDE);
    }
    for (int k = 0; k < n_pairs; k++)
        ret->pairs[k] = square_of_two(&p, pairs[k].a, pairs[k].b) - ret->main[pairs[k].a] - ret->main[pairs[k].b];
}

/* --- the forest --- */

static size_t sample_size(const struct tree_data *data)
{
    size_t most = FANOVA_NUMBERS / (size_t)data->d;

    most = most < FANOVA_LEAST ? FANOVA_LEAST : most > FANOVA_SAMPLE ? FANOVA_SAMPLE : most;
    return data->n < most ? data->n : most;
}

static struct tree *grow(const struct tree_data *data, uint64_t seed, int number)
{
    const struct tree_setup setup = { .seed = seed, .number = (uint32_t)number, .sample = sample_size(data),
                                      .leaf = data->n < LEAF_ROWS_FROM ? 1 : LEAF_ROWS };

    return tree_grow(data, &setup);
}

struct strength {
    int column;
    double gain;
};

static int by_gain(const void *a, const void *b)
{
    const struct strength *p = a, *q = b;

    return p->gain > q->gain ? -1 : p->gain < q->gain ? 1 : p->column - q->column;
}

/* All pairs of the columns whose splits explain most in the first few trees. */
static int choose_pairs(const struct tree_data *data, uint64_t seed, struct fanova_pair *ret)
{
    CLEANUP(freep) struct strength *s = xcalloc((size_t)data->d + 1, sizeof *s);
    int n_strong = data->d < FANOVA_STRONGEST ? data->d : FANOVA_STRONGEST, n = 0;

    for (int c = 0; c < data->d; c++)
        s[c].column = c;
    for (int i = 0; data->d > FANOVA_STRONGEST && i < SCOUTS; i++) {
        CLEANUP(tree_freep) struct tree *t = grow(data, seed, i);

        for (int c = 0; c < data->d; c++)
            s[c].gain += t->gain[c];
    }
    qsort(s, (size_t)data->d, sizeof *s, by_gain);
    for (int i = 0; i < n_strong; i++)
        for (int k = i + 1; k < n_strong; k++)
            ret[n++] = (struct fanova_pair){ .a = s[i].column < s[k].column ? s[i].column : s[k].column,
                                             .b = s[i].column < s[k].column ? s[k].column : s[i].column };
    return n;
}

static void add_parts(const struct tree_data *data, const struct tree_parts *parts, struct fanova *f)
{
    for (int c = 0; c < data->d; c++) {
        struct fanova_curve *m = &f->marginal[c];

        f->main[c] += parts->main[c] / parts->variance;
        for (int k = 0; k < m->n; k++) {
            double y = parts->marginal[(size_t)c * MARGINAL_STRIDE + (size_t)k];

            m->mean[k] += y;
            m->sd[k] += y * y;
        }
    }
    for (int k = 0; k < f->n_pairs; k++)
        f->pairs[k].share += parts->pairs[k] / parts->variance;
}

static int by_share(const void *a, const void *b)
{
    const struct fanova_pair *p = a, *q = b;

    return p->share > q->share ? -1 : p->share < q->share ? 1 : p->a != q->a ? p->a - q->a : p->b - q->b;
}

/* The targets lie from 0 to 1 while trees are grown: neither a large offset nor a large scale hides what varies. */
struct span {
    double low, high;
};

static struct span span_of(const struct tree_data *data)
{
    struct span s = { data->y[0], data->y[0] };

    for (size_t i = 1; i < data->n; i++) {
        s.low = fmin(s.low, data->y[i]);
        s.high = fmax(s.high, data->y[i]);
    }
    return s;
}

/* Of the halves, as the whole may be more than a number holds. */
static double half_width(const struct span *s) { return s->high / 2 - s->low / 2; }

static double *to_unit(const struct span *s, const struct tree_data *data, struct mem *mem)
{
    double *unit = mem_alloc(mem, data->n * sizeof *unit);

    for (size_t i = 0; i < data->n; i++)
        unit[i] = (data->y[i] / 2 - s->low / 2) / half_width(s);
    return unit;
}

static double from_unit(const struct span *s, double u) { return s->low * (1 - u) + s->high * u; }

static void average(const struct tree_data *data, const struct span *span, int n_trees, struct fanova *f)
{
    double explained = 0;

    for (int c = 0; c < data->d; c++) {
        struct fanova_curve *m = &f->marginal[c];

        explained += f->main[c] /= n_trees;
        for (int k = 0; k < m->n; k++) {
            m->mean[k] /= n_trees;
            m->sd[k] = 2 * sqrt(fmax(m->sd[k] / n_trees - m->mean[k] * m->mean[k], 0)) * half_width(span);
            m->mean[k] = from_unit(span, m->mean[k]);
        }
    }
    for (int k = 0; k < f->n_pairs; k++)
        explained += f->pairs[k].share = fmax(f->pairs[k].share / n_trees, 0);
    f->rest = fmax(1 - explained, 0);
    qsort(f->pairs, (size_t)f->n_pairs, sizeof *f->pairs, by_share);
}

bool fanova(const struct tree_data *data, uint64_t seed, struct mem *mem, struct fanova *ret)
{
    size_t d = (size_t)data->d;
    struct tree_data unit = *data;
    struct span span;
    int n_trees = 0;

    *ret = (struct fanova){ .main = mem_alloc(mem, (d + 1) * sizeof(double)),
                            .marginal = mem_alloc(mem, (d + 1) * sizeof *ret->marginal) };
    for (size_t c = 0; c < d; c++) {
        int n = data->choices[c] ? data->choices[c] : FANOVA_POINTS;

        ret->marginal[c] = (struct fanova_curve){ n, mem_alloc(mem, (size_t)n * sizeof(double)),
                                                  mem_alloc(mem, (size_t)n * sizeof(double)) };
    }
    if (data->d == 0 || data->n == 0)
        return false;
    span = span_of(data);
    if (span.low == span.high)
        return false;
    unit.y = to_unit(&span, data, mem);
    ret->n_pairs = choose_pairs(&unit, seed, ret->pairs);
    for (int i = 0; i < FANOVA_TREES; i++) {
        CLEANUP(mem_freep) struct mem *scratch = mem_new();
        CLEANUP(tree_freep) struct tree *t = grow(&unit, seed, i);
        struct tree_parts parts;

        if (t->n_leaves == 1)
            continue;
        tree_take_apart(t, unit.choices, ret->pairs, ret->n_pairs, scratch, &parts);
        if (!(parts.variance > 0))
            continue;
        add_parts(&unit, &parts, ret);
        n_trees++;
    }
    if (n_trees)
        average(data, &span, n_trees, ret);
    return n_trees > 0;
}
