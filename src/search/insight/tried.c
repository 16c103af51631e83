// SPDX-License-Identifier: Apache-2.0
#include "search/insight/tried.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- lists of values --- */

/* The four hex digits of \u; only control characters are written so. */
static char escaped_byte(const char *hex)
{
    char digits[5] = { hex[0], hex[1], hex[2], hex[3] };

    return (char)strtol(digits, NULL, 16);
}

static char unescape(const char **at)
{
    char c = *(*at)++;

    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u':
        if (strlen(*at) < 4)
            return '?';
        c = escaped_byte(*at);
        *at += 4;
        return c;
    default: return c;
    }
}

/* A string that begins at *at, shortened in place; NULL when there is none. *at is moved behind it. */
static char *take_string(char **at)
{
    char *text, *to;
    const char *from;

    if (**at != '"')
        return NULL;
    text = to = *at + 1;
    for (from = text; *from && *from != '"';) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        if (!*++from)
            return NULL;
        *to++ = unescape(&from);
    }
    if (!*from)
        return NULL;
    *at = (char *)from + 1;
    *to = '\0';
    return text;
}

static bool take(char **at, char c)
{
    *at += strspn(*at, " \t\r\n");
    if (**at != c)
        return false;
    ++*at;
    *at += strspn(*at, " \t\r\n");
    return true;
}

static int take_member(char **at, struct shown *v)
{
    const char *key = take_string(at), *value;

    if (!key || !take(at, ':'))
        return -1;
    if (**at != '"') {
        *at += strcspn(*at, ",}"); /* a number or a word, which tells nothing here */
        return 0;
    }
    value = take_string(at);
    if (!value)
        return -1;
    if (strcmp(key, "name") == 0)
        v->name = value;
    else if (strcmp(key, "dataType") == 0)
        v->data_name = value;
    else if (strcmp(key, "fixedVal") == 0)
        v->text = value;
    return 0;
}

static int take_value(char **at, struct shown *v)
{
    *v = (struct shown){0};
    if (!take(at, '{'))
        return -1;
    do {
        if (take_member(at, v) < 0)
            return -1;
    } while (take(at, ','));
    return take(at, '}') && v->name && v->data_name && v->text ? 0 : -1;
}

int shown_split(char *echo, struct shown *ret, int max)
{
    char *at = echo;
    int n = 0;

    if (!take(&at, '['))
        return -1;
    if (take(&at, ']'))
        return 0;
    do {
        if (n == max)
            return n;
        if (take_value(&at, &ret[n]) < 0)
            return -1;
        n++;
    } while (take(&at, ','));
    return take(&at, ']') ? n : -1;
}

/* --- columns --- */

static int by_choice(const void *a, const void *b, void *arg)
{
    const struct column *c = arg;

    return strcmp(c->choices[*(const int *)a], c->choices[*(const int *)b]);
}

static void sort_choices(struct column *c, struct mem *mem)
{
    c->sorted = mem_alloc(mem, ((size_t)c->n_choices + 1) * sizeof *c->sorted);
    for (int i = 0; i < c->n_choices; i++)
        c->sorted[i] = i;
    if (c->n_choices)
        qsort_r(c->sorted, (size_t)c->n_choices, sizeof *c->sorted, by_choice, c);
}

static void set_choices(struct column *c, const struct value *values, int64_t n, struct mem *mem)
{
    char buf[32];

    c->choices = mem_alloc(mem, ((size_t)n + 1) * sizeof *c->choices);
    c->n_choices = (int)n;
    for (int i = 0; i < c->n_choices; i++)
        c->choices[i] = mem_strdup(mem, value_text(&values[i], buf));
    sort_choices(c, mem);
}

static struct column column_of(const struct dimension *d, struct mem *mem)
{
    struct column c = { .name = d->name, .data_name = d->data_name, .data = d->data, .dim = d };

    if (d->type == PARAM_RANGE) {
        c.kind = d->lo < d->hi ? COLUMN_RANGE : COLUMN_FIXED;
        c.log = d->power != 0;
        c.lo = d->lo;
        c.hi = d->hi;
        return c;
    }
    c.kind = d->n_values > 1 ? COLUMN_CHOICES : COLUMN_FIXED;
    set_choices(&c, d->values, d->n_values, mem);
    return c;
}

static struct column *column_find(const struct tried *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    return NULL;
}

static double number_of(const struct value *v)
{
    return v->data == PARAM_INT ? (double)v->integer : v->real;
}

/* A column whose bounds are those of what occurs. */
static struct column *add_column(struct tried *t, const char *name, const char *data_name,
                                 enum param_data data)
{
    struct column *c = &t->columns[t->n_columns++];

    *c = (struct column){ .name = name, .data_name = data_name, .data = data, .lo = INFINITY, .hi = -INFINITY,
                          .kind = data == PARAM_STR ? COLUMN_CHOICES : COLUMN_RANGE };
    return c;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts that a listed parameter has, each once: of all its values, as some may be numbers. */
static void collect_choices(const struct search_plan *p, struct column *c, struct mem *mem)
{
    const struct listed_experiment *e = p->doc.experiments.items;
    size_t n = 0;
    char buf[32];

    c->choices = mem_alloc(mem, (p->doc.experiments.n + 1) * sizeof *c->choices);
    for (size_t i = 0; i < p->doc.experiments.n; i++)
        for (size_t k = 0; k < e[i].params.n; k++)
            if (strcmp(p->listed[i][k].name, c->name) == 0)
                c->choices[n++] = mem_strdup(mem, value_text(&p->listed[i][k], buf));
    if (n)
        qsort(c->choices, n, sizeof *c->choices, by_text);
    for (size_t i = 0; i < n; i++)
        if (!c->n_choices || strcmp(c->choices[c->n_choices - 1], c->choices[i]) != 0)
            c->choices[c->n_choices++] = c->choices[i];
    c->kind = c->n_choices > 1 ? COLUMN_CHOICES : COLUMN_FIXED;
    sort_choices(c, mem);
}

static void listed_columns(struct tried *t, const struct search_plan *p)
{
    const struct listed_experiment *e = p->doc.experiments.items;

    for (size_t i = 0; i < p->doc.experiments.n; i++) {
        for (size_t k = 0; k < e[i].params.n; k++) {
            const struct value *v = &p->listed[i][k];
            struct column *c = column_find(t, v->name);

            if (!c && t->n_columns < SPACE_DIMS_MAX)
                c = add_column(t, v->name, v->data_name, v->data);
            if (!c)
                continue;
            if (v->data == PARAM_STR) {
                c->data = v->data;
                c->data_name = v->data_name;
            } else {
                c->lo = fmin(c->lo, number_of(v));
                c->hi = fmax(c->hi, number_of(v));
            }
        }
    }
    for (int i = 0; i < t->n_columns; i++) {
        if (t->columns[i].data == PARAM_STR)
            collect_choices(p, &t->columns[i], t->mem);
        else if (!(t->columns[i].lo < t->columns[i].hi))
            t->columns[i].kind = COLUMN_FIXED;
    }
}

struct tried *tried_new(const struct search_plan *plan, bool values, int64_t n_expected)
{
    struct tried *t = xcalloc(1, sizeof *t);

    t->mem = mem_new();
    t->maximize = plan->maximize;
    t->values = values;
    t->columns = mem_alloc(t->mem, (SPACE_DIMS_MAX + 1) * sizeof *t->columns);
    for (int i = 0; i < plan->space.n_dims; i++)
        t->columns[t->n_columns++] = column_of(&plan->space.dims[i], t->mem);
    if (plan->listed)
        listed_columns(t, plan);
    if (plan->resource_name)
        add_column(t, plan->resource_name, "int", PARAM_INT);
    t->stride = values ? (size_t)n_expected * (size_t)t->n_columns / TRIED_VALUES_MAX + 1 : 1;
    return t;
}

void tried_free(struct tried *t)
{
    if (!t)
        return;
    free(t->rows);
    mem_free(t->mem);
    free(t);
}

/* --- rows --- */

static double place_of_choice(const struct column *c, const char *text)
{
    int low = 0, high = c->n_choices;

    while (low < high) {
        int middle = (low + high) / 2;

        if (strcmp(c->choices[c->sorted[middle]], text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->n_choices && strcmp(c->choices[c->sorted[low]], text) == 0 ? c->sorted[low] : NAN;
}

double column_x(const struct column *c, const char *text)
{
    char *end;
    double x;

    if (c->choices)
        return place_of_choice(c, text);
    x = strtod(text, &end);
    return end == text || *end || !isfinite(x) ? NAN : x;
}

/* Without a space, what occurs makes the bounds. */
static void widen(struct column *c, double x)
{
    if (c->dim || c->choices || isnan(x))
        return;
    c->lo = fmin(c->lo, x);
    c->hi = fmax(c->hi, x);
}

/* Values stand in the order of the columns, or nearly so. */
static void read_values(struct tried *t, const char *hyperparams, double *x)
{
    struct shown shown[SPACE_DIMS_MAX + 1];
    CLEANUP(freep) char *echo = xstrdup(hyperparams);
    int n = shown_split(echo, shown, (int)ARRAY_LEN(shown));

    for (int i = 0; i < t->n_columns; i++)
        x[i] = NAN;
    for (int i = 0; i < n; i++) {
        struct column *c = i < t->n_columns && strcmp(t->columns[i].name, shown[i].name) == 0
                               ? &t->columns[i] : column_find(t, shown[i].name);

        if (!c)
            continue;
        x[c - t->columns] = column_x(c, shown[i].text);
        widen(c, x[c - t->columns]);
    }
}

void tried_add(struct tried *t, const struct experiment *e)
{
    struct tried_row *row;

    if (strcmp(e->state, "FINISHED") != 0 || !isfinite(e->metric) || t->seen++ % t->stride)
        return;
    if (t->n == t->cap) {
        t->cap = t->cap * 2 + 64;
        t->rows = xrealloc(t->rows, t->cap * sizeof *t->rows);
    }
    row = &t->rows[t->n++];
    *row = (struct tried_row){ .id = e->id, .objective = e->metric, .started_ms = e->started_ms,
                               .ended_ms = e->ended_ms };
    if (!t->values)
        return;
    row->x = mem_alloc(t->mem, ((size_t)t->n_columns + 1) * sizeof *row->x);
    read_values(t, e->hyperparams, row->x);
}

static int by_id(const struct tried_row *a, const struct tried_row *b) { return (a->id > b->id) - (a->id < b->id); }

static int by_rank(const void *a, const void *b, void *arg)
{
    const struct tried_row *x = a, *y = b;
    int order = (x->objective > y->objective) - (x->objective < y->objective);

    if (((const struct tried *)arg)->maximize)
        order = -order;
    return order ? order : by_id(x, y);
}

static int by_end(const void *a, const void *b, void *arg)
{
    const struct tried_row *x = a, *y = b;
    int order = (x->ended_ms > y->ended_ms) - (x->ended_ms < y->ended_ms);

    (void)arg;
    return order ? order : by_id(x, y);
}

void tried_rank(struct tried *t)
{
    if (t->n)
        qsort_r(t->rows, t->n, sizeof *t->rows, by_rank, t);
}

void tried_by_end(struct tried *t)
{
    if (t->n)
        qsort_r(t->rows, t->n, sizeof *t->rows, by_end, t);
}

void column_write(const struct column *c, double x, struct text *out)
{
    if (isnan(x))
        text_add(out, "null");
    else if (c->choices && c->data == PARAM_STR)
        text_add_json(out, c->choices[(int)x]);
    else if (c->choices)
        text_add(out, c->choices[(int)x]);
    else if (c->data == PARAM_INT)
        text_add_int(out, (int64_t)x);
    else
        text_add_real(out, x);
}
