// SPDX-License-Identifier: Apache-2.0
#include "search/priors/prior.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *cube_text(const double *cube, int n, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};

    text_add_char(&t, '[');
    for (int i = 0; i < n; i++) {
        text_add(&t, i ? "," : "");
        text_add_real(&t, cube[i]);
    }
    text_add_char(&t, ']');
    return mem_strdup(mem, t.data);
}

struct known known_of_shown(const struct shown *v)
{
    char *end;
    double number = strtod(v->text, &end);
    bool is_number = strcmp(v->data_name, "int") == 0 || strcmp(v->data_name, "double") == 0;

    if (is_number && end != v->text && !*end)
        return (struct known){ .kind = KNOWN_NUMBER, .number = number };
    return (struct known){ .kind = KNOWN_TEXT, .text = v->text };
}

/* As a value of this parameter's type. `buf` may be borrowed. */
static bool typed(const struct dimension *d, const struct known *k, struct value *ret, char buf[32])
{
    double number = k->number;
    char *end;

    *ret = (struct value){ .name = d->name, .data = d->data, .data_name = d->data_name };
    if (k->kind == KNOWN_NOT)
        return false;
    if (d->data == PARAM_STR) {
        if (number == floor(number) && fabs(number) < 0x1p53)
            snprintf(buf, 32, "%.0f", number); /* 3, not 3.0 */
        else
            real_to_text(number, buf);
        ret->str = k->kind == KNOWN_NUMBER ? buf : k->text;
        return true;
    }
    if (k->kind == KNOWN_TEXT) {
        number = strtod(k->text, &end);
        if (end == k->text || *end)
            return false;
    }
    if (!isfinite(number) || (d->data == PARAM_INT && (number != floor(number) || fabs(number) > 0x1p53)))
        return false;
    ret->real = number;
    ret->integer = d->data == PARAM_INT ? (int64_t)number : 0;
    return true;
}

/* NaN: no value of the parameter. */
static double coordinate(const struct dimension *d, const struct known *k)
{
    char buf[32];
    struct value v;

    return typed(d, k, &v, buf) ? dimension_point_exact(d, &v) : NAN;
}

/* Whether the parameter has one value only, which need not be known. */
static bool is_fixed(const struct dimension *d) { return d->n_values == 1 || (d->type == PARAM_RANGE && !(d->lo < d->hi)); }

static const struct known *find(const struct known_value *values, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(values[i].name, name) == 0)
            return &values[i].value;
    return NULL;
}

static bool find_point(const struct space *s, const struct known_value *values, int n, double *cube)
{
    for (int i = 0; i < s->n_dims; i++) {
        const struct known *known = find(values, n, s->dims[i].name);

        cube[i] = known ? coordinate(&s->dims[i], known) : is_fixed(&s->dims[i]) ? 0.5 : NAN;
        if (isnan(cube[i]))
            return false;
    }
    return true;
}

void priors_add(struct priors *p, const struct known_value *values, int n, double objective)
{
    double cube[SPACE_DIMS_MAX];

    if (p->n == PRIORS_MAX || !isfinite(objective) || !find_point(p->space, values, n, cube)) {
        p->skipped++;
        return;
    }
    if (p->n == p->room) {
        struct prior *more;

        p->room = p->room * 2 + 64;
        more = mem_alloc(p->mem, p->room * sizeof *more);
        if (p->n)
            memcpy(more, p->items, p->n * sizeof *more);
        p->items = more;
    }
    p->items[p->n++] = (struct prior){ cube_text(cube, p->space->n_dims, p->mem), objective };
}
