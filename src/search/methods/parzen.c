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
}

/* REAL and GRID: normal kernels cut off at the ends of the cube; GRID: the mass of each cell. */
static void fit_normal(struct parzen *p, int i, double shrink, struct mem *mem)
{
    const struct axis *a = &p->axes[i];
    const double *centre = &p->centre[(size_t)i * p->n];
    double sigma = p->sigma[i] = spread(a, centre, p->n, shrink), *t;
    double base = a->kind == AXIS_REAL ? log(sigma * sqrt(2 * M_PI)) : 0;

    for (int k = 0; k < p->n; k++) {
        double u = place(a, centre[k]);
        double outside = tail(u / sigma) + tail((1 - u) / sigma);

        p->log_norm[(size_t)i * p->n + k] = -base - (outside > 0 ? log1p(-outside) : 0);
    }
    if (a->kind == AXIS_REAL)
        return;
    t = p->log_kernel[i] = mem_alloc(mem, (size_t)a->n * sizeof *t);
    for (int k = 0; k < (int)a->n; k++) /* from the tail, where differences keep their digits */
        t[k] = log(fmax(tail((k - 0.5) / a->n / sigma) - tail((k + 0.5) / a->n / sigma), 1e-300));
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

void parzen_fit(const struct axis *axes, int n_axes, const double *const *points,
                const double *weights, int n, double width, struct mem *mem, struct parzen *ret)
{
    size_t cells = (size_t)n_axes * (size_t)n + 1;
    double shrink = width * pow(n + 1, -0.25); /* Scott's exponent of no axis: see tpe.c */
    struct parzen p = { axes, n_axes, n };

    p.centre = mem_alloc(mem, cells * sizeof *p.centre);
    p.log_norm = mem_alloc(mem, cells * sizeof *p.log_norm);
    p.weight = mem_alloc(mem, ((size_t)n + 1) * sizeof *p.weight);
    p.log_weight = mem_alloc(mem, ((size_t)n + 1) * sizeof *p.log_weight);
    p.sigma = mem_alloc(mem, ((size_t)n_axes + 1) * sizeof *p.sigma);
    p.log_kernel = mem_alloc(mem, ((size_t)n_axes + 1) * sizeof *p.log_kernel);
    fit_weights(&p, weights);
    p.log_prior = log(p.prior_weight);
    for (int k = 0; k < n; k++)
        p.log_weight[k] = log(p.weight[k]);
    for (int i = 0; i < n_axes; i++) {
        for (int k = 0; k < n; k++)
            p.centre[(size_t)i * n + k] = points[k][i];
        if (axes[i].kind == AXIS_CHOICE)
            fit_choice(&p, i, mem);
        else
            fit_normal(&p, i, shrink, mem);
        if (axes[i].kind != AXIS_REAL)
            p.log_prior -= log(axes[i].n);
        for (int k = 0; k < n; k++)
            p.log_weight[k] += p.log_norm[(size_t)i * n + k];
    }
    *ret = p;
}

/* --- the density --- */

/* Adds the log of every kernel's factor on axis i, without its norm. */
static void add_axis(const struct parzen *p, int i, double x, double *sum)
{
    const double *centre = &p->centre[(size_t)i * p->n], *t = p->log_kernel[i];
    double scale = 1 / (p->sigma[i] * M_SQRT2);

    for (int k = 0; k < p->n && p->axes[i].kind == AXIS_REAL; k++) {
        double z = (x - centre[k]) * scale;

        sum[k] -= z * z;
    }
    for (int k = 0; k < p->n && p->axes[i].kind != AXIS_REAL; k++) {
        if (p->axes[i].kind == AXIS_GRID)
            sum[k] += t[(int)fabs(x - centre[k])];
        else
            sum[k] += t[x != centre[k]];
    }
}

/* v[k] = exp(v[k]), with an error below 10^-8 of it: nearly all the time of a suggestion
 * is spent here, and a loop without calls and branches becomes vectors. 2^x is 2^n, made of bits, times the
 * Taylor polynomial of what is left; adding 1.5 2^52 leaves n in the low bits. Below 2^-1000: 2^-1000. */
BODY void exps_body(double *v, int n)
{
    static const double c[] = { 6.9314718055994529e-01, 2.4022650695910072e-01, 5.5504108664821577e-02, 9.6181291076284769e-03,
                                1.3333558146428441e-03, 1.5403530393381606e-04, 1.5252733804059841e-05 };

    for (int k = 0; k < n; k++) {
        double x = v[k] * M_LOG2E, bounded = 0.5 * ((x - 1000) + fabs(x + 1000)), shifted = bounded + 0x1.8p52;
        double r = bounded - (shifted - 0x1.8p52), power;
        uint64_t bits;

        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits + 1023) << 52;
        memcpy(&power, &bits, sizeof power);
        v[k] = power * (1 + r * (c[0] + r * (c[1] + r * (c[2] + r * (c[3] + r * (c[4] + r * (c[5] + r * c[6])))))));
    }
}

WIDE static void exps_wide(double *v, int n) { exps_body(v, n); }

static void exps(double *v, int n)
{
    if (wide())
        exps_wide(v, n);
    else
        exps_body(v, n);
}

/* log(e^first + sum of e^v[k]); v is overwritten. */
static double log_sum(double first, double *v, int n)
{
    double top = first, sum;

    for (int k = 0; k < n; k++)
        top = v[k] > top ? v[k] : top;
    for (int k = 0; k < n; k++)
        v[k] -= top;
    exps(v, n);
    sum = exp(first - top);
    for (int k = 0; k < n; k++)
        sum += v[k];
    return top + log(sum);
}

static double joint_density(const struct parzen *p, const double *x, double *scratch)
{
    memcpy(scratch, p->log_weight, (size_t)p->n * sizeof *scratch);
    for (int i = 0; i < p->n_axes; i++)
        add_axis(p, i, x[i], scratch);
    return log_sum(p->log_prior, scratch, p->n);
}

static double separate_density(const struct parzen *p, const double *x, double *scratch)
{
    double total = 0;

    for (int i = 0; i < p->n_axes; i++) {
        const double *norm = &p->log_norm[(size_t)i * p->n];
        double sum = p->prior_weight / (p->axes[i].kind == AXIS_REAL ? 1 : p->axes[i].n);

        memcpy(scratch, norm, (size_t)p->n * sizeof *scratch);
        add_axis(p, i, x[i], scratch);
        exps(scratch, p->n);
        for (int k = 0; k < p->n; k++)
            sum += p->weight[k] * scratch[k];
        total += log(sum);
    }
    return total;
}

double parzen_log_density(const struct parzen *p, enum parzen_form form, const double *x,
                          double *scratch)
{
    return form == PARZEN_JOINT ? joint_density(p, x, scratch) : separate_density(p, x, scratch);
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
