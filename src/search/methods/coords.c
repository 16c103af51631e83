// SPDX-License-Identifier: Apache-2.0
#include "search/methods/coords.h"

#include "base/mem.h"

#include <math.h>

static const double below_one = 1 - 0x1p-53;

static bool varies(const struct dimension *d)
{
    if (d->type == PARAM_FIX || d->n_values == 1)
        return false;
    return d->type == PARAM_DISCRETE || d->lo < d->hi;
}

struct coords *coords_new(const struct space *space)
{
    struct coords *c = xcalloc(1, sizeof *c);

    c->space = space;
    c->dim = xcalloc((size_t)space->n_dims + 1, sizeof *c->dim);
    c->category = xcalloc((size_t)space->n_dims + 1, sizeof *c->category);
    for (int i = 0; i < space->n_dims; i++) {
        if (!varies(&space->dims[i]))
            continue;
        c->dim[c->d] = i;
        c->category[c->d++] = space->dims[i].type == PARAM_DISCRETE;
    }
    return c;
}

void coords_free(struct coords *c)
{
    if (!c)
        return;
    free(c->dim);
    free(c->category);
    free(c);
}

static const struct dimension *dimension_of(const struct coords *c, int i)
{
    return &c->space->dims[c->dim[i]];
}

static double within(double v, double lo, double hi) { return fmin(fmax(v, lo), hi); }

static double share(double u, int64_t n)
{
    return within(floor(u * (double)n), 0, (double)(n - 1));
}

/* Where the whole number next to a power lies. */
static double rounded_power(const struct dimension *d, double u)
{
    double value = nearbyint(pow(d->power, d->from + u * (d->to - d->from)));

    return (log(within(value, d->lo, d->hi)) / log(d->power) - d->from) / (d->to - d->from);
}

static double snap_number(const struct dimension *d, double u)
{
    u = within(u, 0, below_one);
    if (d->n_values)
        return (share(u, d->n_values) + 0.5) / (double)d->n_values;
    if (d->power && d->data == PARAM_INT)
        return within(rounded_power(d, u), 0, below_one);
    return u;
}

void coords_snap(const struct coords *c, double *x)
{
    for (int i = 0; i < c->d; i++) {
        const struct dimension *d = dimension_of(c, i);

        x[i] = c->category[i] ? within(nearbyint(x[i]), 0, (double)(d->n_values - 1))
                              : snap_number(d, x[i]);
    }
}

void coords_from_cube(const struct coords *c, const double *cube, double *ret_x)
{
    for (int i = 0; i < c->d; i++) {
        const struct dimension *d = dimension_of(c, i);
        double u = cube[c->dim[i]];

        ret_x[i] = c->category[i] ? share(u, d->n_values) : snap_number(d, u);
    }
}

void coords_to_cube(const struct coords *c, const double *x, double *ret_cube)
{
    for (int i = 0; i < c->space->n_dims; i++)
        ret_cube[i] = 0.5;
    for (int i = 0; i < c->d; i++) {
        const struct dimension *d = dimension_of(c, i);

        ret_cube[c->dim[i]] = c->category[i] ? (x[i] + 0.5) / (double)d->n_values : x[i];
    }
}

int64_t coords_values(const struct coords *c, int i) { return dimension_of(c, i)->n_values; }

int coords_numbers(const struct coords *c)
{
    int n = 0;

    for (int i = 0; i < c->d; i++)
        n += !c->category[i];
    return n;
}
