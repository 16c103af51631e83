// SPDX-License-Identifier: Apache-2.0
#include "search/methods/parzen.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/rng.h"
#include "search/methods/wide.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_TRIES = 32 /* a third of a kernel or more is inside: 1 in 10^5 gives up */ };

static const double sigma_min = 0.01;      /* measured: 0.005 to 0.03 differ little, 0 is bad */
static const double sigma_min_cells = 0.5; /* of a grid: narrower, and a neighbour is never tried */
static const double prior_points = 0.5;    /* that the spread counts for the uniform distribution;
                                            * measured: 0 collapses, 1 is 0.01 worse, 0.25 0.03 */

/* --- coordinates --- */

int axes_of(const struct space *s, struct axis *ret)
{
    int n = 0;

    for (int i = 0; i < s->n_dims; i++) {
        const struct dimension *d = &s->dims[i];
        struct axis a = { AXIS_REAL, i, (double)d->n_values, NULL };

        if (d->type == PARAM_FIX || d->n_values == 1)
            continue;
        if (d->type == PARAM_DISCRETE)
            a.kind = AXIS_CHOICE;
        else if (d->n_values && d->n_values <= PARZEN_GRID_MAX)
            a.kind = AXIS_GRID;
        else if (d->n_values || d->data == PARAM_INT)
            a.snap = d;
        ret[n++] = a;
    }
    return n;
}

/* The middle of the values that are the same after rounding. */
static double snap(const struct dimension *d, double u)
{
    const struct space one = { (struct dimension *)d, 1 };
    struct err err;
    struct value v;

    space_values(&one, &u, &v);
    space_point(&one, &v, &u, &err);
    return u;
}

void axes_point(const struct axis *axes, int n_axes, const double *cube, double *ret_x)
{
    for (int i = 0; i < n_axes; i++) {
        double u = cube[axes[i].dim];

        if (axes[i].kind != AXIS_REAL)
            ret_x[i] = fmin(floor(u * axes[i].n), axes[i].n - 1);
        else
            ret_x[i] = axes[i].snap ? snap(axes[i].snap, u) : u;
    }
}

void axes_cube(const struct axis *axes, int n_axes, const double *x, double *ret_cube)
{
    for (int i = 0; i < n_axes; i++)
        ret_cube[axes[i].dim] = axes[i].kind == AXIS_REAL ? x[i] : (x[i] + 0.5) / axes[i].n;
}

/* Where a coordinate lies in [0, 1). */
static double place(const struct axis *a, double x)
{
    return a->kind == AXIS_REAL ? x : (x + 0.5) / a->n;
}

/* --- fitting --- */

/* The mass of a normal distribution above z. */
static double tail(double z) { return z < 6 ? 0.5 * erfc(z * M_SQRT1_2) : 0; }

/* The spread of the points with the uniform distribution mixed in, times `shrink`. */
static double spread(const struct axis *a, const double *centre, int n, double shrink)
{
    double mean = 0, square = 0, sigma;

    for (int k = 0; k < n; k++) {
        double u = place(a, centre[k]);

        mean += u;
        square += u * u;
    }
    mean = (mean + prior_points / 2) / (n + prior_points);
    square = (square + prior_points / 3) / (n + prior_points);
    sigma = fmax(shrink * sqrt(fmax(square - mean * mean, 0)), sigma_min);
    return a->kind == AXIS_GRID ? fmax(sigma, sigma_min_cells / a->n) : sigma;
}

/* CHOICE: each kernel is a count of 1 for its choice and of 1 / (n + 1) for every choice. */
static void fit_choice(struct parzen *p, int i, struct mem *mem)
{
    double q = 1.0 / (p->n + 1), n_choices = p->axes[i].n;
    double *t = p->log_kernel[i] = mem_alloc(mem, 2 * sizeof *t);

    t[0] = log((1 + q) / (1 + n_choices * q));
    t[1] = log(q / (1 + n_choices * q));
    memcpy(&p->share[(size_t)i * p->n], p->weight, (size_t)p->n * sizeof *p->share);
}

static void fit_grid(struct parzen *p, int i, struct mem *mem)
{
    double n = p->axes[i].n, sigma = p->sigma[i];
    double *t = p->log_kernel[i] = mem_alloc(mem, (size_t)n * sizeof *t);

    for (int k = 0; k < (int)n; k++)    /* from the tail, where differences keep their digits */
        t[k] = log(fmax(tail((k - 0.5) / n / sigma) - tail((k + 0.5) / n / sigma), 1e-300));
}

/* REAL and GRID: normal kernels cut off at the ends of the cube; GRID: the mass of each cell. Multiplies `inside` by
 * what is left of each kernel. */
static void fit_normal(struct parzen *p, int i, double shrink, double *inside)
{
    const struct axis *a = &p->axes[i];
    const double *centre = &p->centre[(size_t)i * p->n];
    double sigma = p->sigma[i] = spread(a, centre, p->n, shrink);
    double peak = a->kind == AXIS_REAL ? 1 / (sigma * sqrt(2 * M_PI)) : 1, log_peak = log(peak);

    p->scale[i] = 1 / (sigma * M_SQRT2);
    for (int k = 0; k < p->n; k++) {
        double u = place(a, centre[k]);
        double left = 1 - tail(u / sigma) - tail((1 - u) / sigma);

        p->share[(size_t)i * p->n + k] = p->weight[k] * peak / left;
        p->log_weight[k] += log_peak;
        inside[k] *= left;
    }
}

/* One logarithm for many axes; a product of very many would vanish. */
static void take_logs(struct parzen *p, double least, double *inside)
{
    for (int k = 0; k < p->n; k++) {
        if (inside[k] > least)
            continue;
        p->log_weight[k] -= log(inside[k]);
        inside[k] = 1;
    }
}

static void fit_weights(struct parzen *p, const double *weights)
{
    double total = 0;

    for (int k = 0; k < p->n; k++)
        total += weights[k];
    for (int k = 0; k < p->n; k++)
        p->weight[k] = weights[k] / total * p->n / (p->n + 1);
    p->prior_weight = 1.0 / (p->n + 1);
}

static void fit_axis(struct parzen *p, int i, double shrink, double *inside, struct mem *mem)
{
    if (p->axes[i].kind == AXIS_CHOICE)
        fit_choice(p, i, mem);
    else
        fit_normal(p, i, shrink, inside);
    if (p->axes[i].kind == AXIS_GRID)
        fit_grid(p, i, mem);
    if (p->axes[i].kind != AXIS_REAL)
        p->log_prior -= log(p->axes[i].n);
}

void parzen_fit(const struct axis *axes, int n_axes, const double *const *points,
                const double *weights, int n, double width, struct mem *mem, struct parzen *ret)
{
    size_t cells = (size_t)n_axes * (size_t)n + 1;
    double shrink = width * pow(n + 1, -0.25); /* Scott's exponent of no axis: see tpe.c */
    double *inside = mem_alloc(mem, ((size_t)n + 1) * sizeof *inside);
    struct parzen p = { axes, n_axes, n };

    p.centre = mem_alloc(mem, cells * sizeof *p.centre);
    p.share = mem_alloc(mem, cells * sizeof *p.share);
    p.weight = mem_alloc(mem, ((size_t)n + 1) * sizeof *p.weight);
    p.log_weight = mem_alloc(mem, ((size_t)n + 1) * sizeof *p.log_weight);
    p.sigma = mem_alloc(mem, ((size_t)n_axes + 1) * sizeof *p.sigma);
    p.scale = mem_alloc(mem, ((size_t)n_axes + 1) * sizeof *p.scale);
    p.log_kernel = mem_alloc(mem, ((size_t)n_axes + 1) * sizeof *p.log_kernel);
    fit_weights(&p, weights);
    p.log_prior = log(p.prior_weight);
    for (int k = 0; k < n; k++) {
        p.log_weight[k] = log(p.weight[k]);
        inside[k] = 1;
    }
    for (int i = 0; i < n_axes; i++) {
        for (int k = 0; k < n; k++)
            p.centre[(size_t)i * n + k] = points[k][i];
        fit_axis(&p, i, shrink, inside, mem);
        take_logs(&p, 1e-200, inside);
    }
    take_logs(&p, INFINITY, inside);
    *ret = p;
}

/* --- the density --- */

/* Nearly all the time of a suggestion is spent here: a number for each point, in vectors of the compiler's. In memory
 * they are plain arrays. */
typedef double lanes __attribute__((vector_size(PARZEN_LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef int64_t lane_bits __attribute__((vector_size(PARZEN_LANES * sizeof(int64_t))));

BODY void raise_to(lanes *v, const lanes *least)
{
    lane_bits above = *v > *least;

    *v = (lanes)((above & (lane_bits)*v) | (~above & (lane_bits)*least));
}

/* *v = exp(*v), with an error below 10^-7 of it. 2^x is 2^n, made of bits, times the polynomial that is nearest to
 * what is left; adding 1.5 2^52 leaves n in the low bits. Below 2^-1000: 2^-1000. */
BODY void exps(lanes *v)
{
    const double c1 = 6.9314697759871691e-01, c2 = 2.4022242084634990e-01, c3 = 5.5507337435738317e-02,
                 c4 = 9.6715126881561260e-03, c5 = 1.3264727247281401e-03;
    const lanes least = (lanes){0} - 1000;
    lanes x = *v * M_LOG2E, shifted, r;

    raise_to(&x, &least);
    shifted = x + 0x1.8p52;
    r = x - (shifted - 0x1.8p52);
    *v = 1 + r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * c5))));
    *v *= (lanes)(((lane_bits)shifted + 1023) << 52);
}

/* Adds what kernel k has on axis i, without its norm, to the logs in *v. */
BODY void add_axis(const struct parzen *p, int i, int k, const lanes *x, lanes *v)
{
    double centre = p->centre[(size_t)i * p->n + k];
    const double *t = p->log_kernel[i];
    lanes z = *x - centre;

    if (p->axes[i].kind == AXIS_REAL) {
        z *= p->scale[i];
        *v -= z * z;
        return;
    }
    for (int l = 0; l < PARZEN_LANES; l++)
        (*v)[l] += t[p->axes[i].kind == AXIS_GRID ? (int)fabs(z[l]) : z[l] != 0];
}

/* The log of a sum of e^(log of a kernel), of which the largest is taken out first. */
BODY void joint_body(const struct parzen *p, const lanes *x, lanes *logs, double *ret)
{
    lanes top = (lanes){0} + p->log_prior, sum;

    for (int k = 0; k < p->n; k++) {
        lanes v = (lanes){0} + p->log_weight[k];

        for (int i = 0; i < p->n_axes; i++)
            add_axis(p, i, k, &x[i], &v);
        raise_to(&top, &v);
        logs[k] = v;
    }
    for (int l = 0; l < PARZEN_LANES; l++)
        sum[l] = exp(p->log_prior - top[l]);
    for (int k = 0; k < p->n; k++) {
        lanes v = logs[k] - top;

        exps(&v);
        sum += v;
    }
    for (int l = 0; l < PARZEN_LANES; l++)
        ret[l] = top[l] + log(sum[l]);
}

BODY void separate_body(const struct parzen *p, const lanes *x, double *ret)
{
    for (int l = 0; l < PARZEN_LANES; l++)
        ret[l] = 0;
    for (int i = 0; i < p->n_axes; i++) {
        const double *share = &p->share[(size_t)i * p->n];
        lanes sum = (lanes){0} + p->prior_weight / (p->axes[i].kind == AXIS_REAL ? 1 : p->axes[i].n);

        for (int k = 0; k < p->n; k++) {
            lanes v = {0};

            add_axis(p, i, k, &x[i], &v);
            exps(&v);
            sum += share[k] * v;
        }
        for (int l = 0; l < PARZEN_LANES; l++)
            ret[l] += log(sum[l]);
    }
}

WIDE static void joint_wide(const struct parzen *p, const lanes *x, lanes *logs, double *ret)
{
    joint_body(p, x, logs, ret);
}

WIDE static void separate_wide(const struct parzen *p, const lanes *x, double *ret) { separate_body(p, x, ret); }

void parzen_log_densities(const struct parzen *p, enum parzen_form form, const double *x, double *scratch,
                          double *ret)
{
    const lanes *xs = (const lanes *)x;

    if (form == PARZEN_JOINT && wide())
        joint_wide(p, xs, (lanes *)scratch, ret);
    else if (form == PARZEN_JOINT)
        joint_body(p, xs, (lanes *)scratch, ret);
    else if (wide())
        separate_wide(p, xs, ret);
    else
        separate_body(p, xs, ret);
}

/* --- drawing --- */

double draws_next(struct draws *d)
{
    if (d->next % 2 == 0)
        rng_two(d->seed, d->trial, d->next / 2, d->stream, d->two);
    return d->two[d->next++ % 2];
}

/* A kernel by its weight, or n for the prior. */
static int draw_kernel(const struct parzen *p, struct draws *d)
{
    double u = draws_next(d);
    int k = 0;

    while (k < p->n && u >= p->weight[k])
        u -= p->weight[k++];
    return k;
}

static double draw_normal(double mean, double sigma, struct draws *d)
{
    for (int i = 0; i < SAMPLE_TRIES; i++) {
        double r = sqrt(-2 * log(1 - draws_next(d)));
        double u = mean + sigma * r * cos(2 * M_PI * draws_next(d));

        if (u >= 0 && u < 1)
            return u;
    }
    return mean;
}

static double draw_axis(const struct parzen *p, int i, int k, struct draws *d)
{
    const struct axis *a = &p->axes[i];
    double centre, u;

    if (k == p->n) {
        u = draws_next(d);
        return a->kind == AXIS_REAL ? u : floor(u * a->n);
    }
    centre = p->centre[(size_t)i * p->n + k];
    if (a->kind == AXIS_CHOICE) { /* kept, or any */
        if (draws_next(d) < exp(p->log_kernel[i][0]) - exp(p->log_kernel[i][1]))
            return centre;
        return floor(draws_next(d) * a->n);
    }
    u = draw_normal(place(a, centre), p->sigma[i], d);
    return a->kind == AXIS_REAL ? u : floor(u * a->n);
}

void parzen_sample(const struct parzen *p, enum parzen_form form, struct draws *d, double *ret_x)
{
    int k = draw_kernel(p, d);

    for (int i = 0; i < p->n_axes; i++) {
        if (form == PARZEN_SEPARATE && i)
            k = draw_kernel(p, d);
        ret_x[i] = draw_axis(p, i, k, d);
        if (p->axes[i].snap)
            ret_x[i] = snap(p->axes[i].snap, ret_x[i]);
    }
}
