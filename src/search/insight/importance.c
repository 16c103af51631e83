// SPDX-License-Identifier: Apache-2.0
#include "search/insight/importance.h"

#include "base/mem.h"
#include "base/text.h"
#include "search/insight/fanova.h"

#include <math.h>
#include <string.h>

enum { ROWS_MIN = 4 };

static const double fence = 3;         /* Tukey's outer fence: J. Tukey, "Exploratory data analysis", 1977 */
static const double share_min = 0.001; /* of an interaction that is worth a line */

/* --- the forms --- */

struct marginal_echo {
    json_t *value;
    double mean, sd;
};

struct effect_echo {
    const char *name;
    double importance;
    struct list marginal;
};

struct interaction_echo {
    struct list names;
    double importance;
};

struct importance_echo {
    const char *name, *metric, *message;
    int64_t experiments;
    struct list effects, interactions;
    double rest;
};

static const struct field marginal_fields[] = {
    { "value", JSON(struct marginal_echo, value), .doc = "of the parameter" },
    { "mean",  REAL(struct marginal_echo, mean), .format = "double", .doc = "of the metric, over all other parameters" },
    { "sd",    REAL(struct marginal_echo, sd), .format = "double", .doc = "how far the trees disagree" },
    { .type = FIELD_END },
};

static const struct field effect_fields[] = {
    { "name",       TEXT(struct effect_echo, name), .doc = "the hyperparameter" },
    { "importance", REAL(struct effect_echo, importance), .format = "double",
      .doc = "its share of the variance, by itself" },
    { "marginal",   LIST(struct effect_echo, marginal, struct marginal_echo, marginal_fields),
      .doc = "with ?marginals=true" },
    { .type = FIELD_END },
};

static const struct field interaction_fields[] = {
    { "names",      LIST_OF(struct interaction_echo, names, FIELD_TEXT), .doc = "two hyperparameters" },
    { "importance", REAL(struct interaction_echo, importance), .format = "double",
      .doc = "the share that is theirs together, beyond their own" },
    { .type = FIELD_END },
};

const struct field importance_fields[] = {
    { "hpoName",         TEXT(struct importance_echo, name), .doc = "name of the search" },
    { "objectiveMetric", TEXT(struct importance_echo, metric), .doc = "what the importance is for" },
    { "experiments",     INT(struct importance_echo, experiments), .doc = "how many it is made from" },
    { "importance",      LIST(struct importance_echo, effects, struct effect_echo, effect_fields),
      .doc = "the strongest first" },
    { "interactions",    LIST(struct importance_echo, interactions, struct interaction_echo, interaction_fields),
      .doc = "the strongest first, from a thousandth on" },
    { "rest",            REAL(struct importance_echo, rest), .format = "double",
      .doc = "the share of all other interactions" },
    { "message",         TEXT(struct importance_echo, message), .doc = "why there is no importance" },
    { .type = FIELD_END },
};

/* --- from the table --- */

struct problem {
    struct mem *mem;
    const struct tried *tried;
    int *columns;           /* [d] of the table: those that vary */
    int *choices;           /* [d] */
    double *x, *y;
    struct tree_data data;
};

static double choice_u(const struct column *c, double place) { return (place + 0.5) / c->n_choices; }

/* A place of the cube, a category, or NaN. */
static double coordinate(const struct column *c, bool is_category, double x)
{
    struct value v = { .data = c->data, .real = x, .integer = (int64_t)(isnan(x) ? 0 : x) };

    if (isnan(x) || is_category)
        return x;
    if (c->kind == COLUMN_CHOICES)
        return choice_u(c, x);
    return c->dim ? dimension_point(c->dim, &v) : (x - c->lo) / (c->hi - c->lo);
}

static bool varies(const struct column *c)
{
    return c->kind == COLUMN_CHOICES || (c->kind == COLUMN_RANGE && c->lo < c->hi);
}

static void choose_columns(struct problem *p)
{
    const struct tried *t = p->tried;

    p->columns = mem_alloc(p->mem, ((size_t)t->n_columns + 1) * sizeof *p->columns);
    p->choices = mem_alloc(p->mem, ((size_t)t->n_columns + 1) * sizeof *p->choices);
    for (int i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];

        if (!varies(c))
            continue;
        p->choices[p->data.d] = c->kind == COLUMN_CHOICES && c->n_choices <= TREE_CHOICES_MAX ? c->n_choices : 0;
        p->columns[p->data.d++] = i;
    }
}

/* Rows whose values are all of the space; x is made column after column at the end. */
static void choose_rows(struct problem *p)
{
    const struct tried *t = p->tried;
    size_t d = (size_t)p->data.d, n = 0;
    CLEANUP(freep) double *rows = xcalloc(t->n * d + 1, sizeof *rows);

    p->y = mem_alloc(p->mem, (t->n + 1) * sizeof *p->y);
    for (size_t i = 0; i < t->n; i++) {
        bool whole = true;

        for (size_t c = 0; c < d; c++) {
            rows[n * d + c] = coordinate(&t->columns[p->columns[c]], p->choices[c], t->rows[i].x[p->columns[c]]);
            whole &= !isnan(rows[n * d + c]);
        }
        if (whole)
            p->y[n++] = t->rows[i].objective;
    }
    p->x = mem_alloc(p->mem, (n * d + 1) * sizeof *p->x);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++)
            p->x[c * n + i] = rows[i * d + c];
    p->data.n = n;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void pull_in_outliers(struct problem *p)
{
    size_t n = p->data.n;
    CLEANUP(freep) double *sorted = xcalloc(n + 1, sizeof *sorted);
    double low, high;

    memcpy(sorted, p->y, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_number);
    low = sorted[n / 4];
    high = sorted[n - 1 - n / 4];
    for (size_t i = 0; i < n && low < high; i++)
        p->y[i] = p->tried->maximize ? fmax(p->y[i], low - fence * (high - low))
                                     : fmin(p->y[i], high + fence * (high - low));
}

/* --- to the reply --- */

static void add_number(struct text *out, const char *key, double value)
{
    text_addf(out, ",\"%s\":", key);
    text_add_real(out, value);
}

static void write_marginal(const struct problem *p, int c, const struct fanova_curve *m, struct text *out)
{
    const struct column *column = &p->tried->columns[p->columns[c]];

    text_add(out, ",\"marginal\":[");
    for (int k = 0; k < m->n; k++) {
        double u = (double)k / (FANOVA_POINTS - 1), x = k;

        if (!p->choices[c] && column->kind == COLUMN_CHOICES)
            x = fmin(floor(u * column->n_choices), column->n_choices - 1);
        else if (!p->choices[c] && column->dim) {
            struct value v = dimension_value(column->dim, fmin(u, 1 - 0x1p-53));

            x = v.data == PARAM_INT ? (double)v.integer : v.real;
        } else if (!p->choices[c]) {
            x = column->lo + u * (column->hi - column->lo);
        }
        text_add(out, k ? ",{\"value\":" : "{\"value\":");
        column_write(column, x, out);
        add_number(out, "mean", m->mean[k]);
        add_number(out, "sd", m->sd[k]);
        text_add_char(out, '}');
    }
    text_add_char(out, ']');
}

struct rank {
    int column;
    double share;
};

static int by_share(const void *a, const void *b)
{
    const struct rank *p = a, *q = b;

    return p->share > q->share ? -1 : p->share < q->share ? 1 : p->column - q->column;
}

static const char *name_of(const struct problem *p, int c) { return p->tried->columns[p->columns[c]].name; }

static void write_effects(const struct problem *p, const struct fanova *f, bool marginals, struct text *out)
{
    struct rank *order = mem_alloc(p->mem, ((size_t)p->data.d + 1) * sizeof *order);

    for (int c = 0; c < p->data.d; c++)
        order[c] = (struct rank){ c, f->main[c] };
    qsort(order, (size_t)p->data.d, sizeof *order, by_share);
    text_add(out, ",\"importance\":[");
    for (int i = 0; i < p->data.d; i++) {
        text_add(out, i ? ",{\"name\":" : "{\"name\":");
        text_add_json(out, name_of(p, order[i].column));
        add_number(out, "importance", order[i].share);
        if (marginals)
            write_marginal(p, order[i].column, &f->marginal[order[i].column], out);
        text_add_char(out, '}');
    }
    text_add_char(out, ']');
}

static void write_interactions(const struct problem *p, const struct fanova *f, struct text *out)
{
    double rest = f->rest;

    text_add(out, ",\"interactions\":[");
    for (int i = 0; i < f->n_pairs; i++) {
        if (f->pairs[i].share < share_min) {
            rest += f->pairs[i].share;
            continue;
        }
        text_add(out, i ? ",{\"names\":[" : "{\"names\":[");
        text_add_json(out, name_of(p, f->pairs[i].a));
        text_add_char(out, ',');
        text_add_json(out, name_of(p, f->pairs[i].b));
        text_add_char(out, ']');
        add_number(out, "importance", f->pairs[i].share);
        text_add_char(out, '}');
    }
    text_add_char(out, ']');
    add_number(out, "rest", rest);
}

static const char *why_not(const struct problem *p)
{
    if (p->data.d == 0)
        return "no hyperparameter of this search varies";
    if (p->data.n < ROWS_MIN)
        return "importance needs at least 4 experiments that ended well";
    return "all experiments have the same metric";
}

void importance_write(const struct tried *t, const struct importance_setup *setup, struct text *out)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct problem p = { .mem = mem, .tried = t };
    struct fanova f;

    choose_columns(&p);
    choose_rows(&p);
    p.data = (struct tree_data){ .n = p.data.n, .d = p.data.d, .choices = p.choices, .x = p.x, .y = p.y };
    text_addf(out, ",\"experiments\":%zu", p.data.n);
    if (p.data.n >= ROWS_MIN)
        pull_in_outliers(&p);
    if (p.data.n < ROWS_MIN || !fanova(&p.data, setup->seed, mem, &f)) {
        text_add(out, ",\"importance\":[],\"interactions\":[],\"message\":");
        text_add_json(out, why_not(&p));
        return;
    }
    write_effects(&p, &f, setup->marginals, out);
    write_interactions(&p, &f, out);
}
