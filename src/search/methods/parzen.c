// SPDX-License-Identifier: Apache-2.0
#include "search/methods/parzen.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/rng.h"
#include "search/methods/wide.h"

#include <math.h>
#include <string.h>

enum {
    SAMPLE_TRIES = 32,  /* a third of a kernel or more is inside: 1 in 10^5 gives up */
    LOGS_EVERY = 16,    /* axes: so many factors, from 10^-10 to 10^3, have a product */
};

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

/* --- vectors --- */

/* Nearly all the time of a suggestion is spent in these: a number for each point, or kernel, in vectors of the
 * compiler's. In memory they are plain arrays. */
typedef double lanes __attribute__((vector_size(PARZEN_LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef int64_t lane_bits __attribute__((vector_size(PARZEN_LANES * sizeof(int64_t))));

/* *v = 2^-*v, with an error below 10^-7 of it; *v from 0, and 0 for 1000 and more. It is 2^n, made of bits, times the
 * polynomial that is nearest to what is left; adding 1.5 2^52 + 1023 leaves the exponent of 2^n in the low bits. */
BODY void halvings(lanes *v)
{
    const double shift = 0x1.8p52 + 1023, c1 = 6.9314697759871691e-01, c2 = 2.4022242084634990e-01,
                 c3 = 5.5507337435738317e-02, c4 = 9.6715126881561260e-03, c5 = 1.3264727247281401e-03;
    lane_bits counts = *v < 1000;
    lanes shifted = shift - *v, r = *v + (shifted - shift);

    *v = 1 - r * (c1 - r * (c2 - r * (c3 - r * (c4 - r * c5))));
    *v *= (lanes)((lane_bits)shifted << 52);
    *v = (lanes)((lane_bits)*v & counts);
}

/* *z = the mass of a normal distribution above *z, from 0. Source: Abramowitz, Stegun, "Handbook of mathematical
 * functions", 1964, 7.1.26: the error is below 10^-7. */
BODY void tails(lanes *z)
{
    const double p = 0.3275911 * M_SQRT1_2, a1 = 0.254829592, a2 = -0.284496736, a3 = 1.421413741, a4 = -1.453152027,
                 a5 = 1.061405429;
    lanes t = 1 / (1 + p * *z), v = *z * *z * (0.5 * M_LOG2E);

    halvings(&v);
    *z = 0.5 * v * t * (a1 + t * (a2 + t * (a3 + t * (a4 + t * a5))));
}

/* --- fitting --- */

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
    double *t = p->bits[i] = mem_alloc(mem, 2 * sizeof *t);

    t[0] = -log2((1 + q) / (1 + n_choices * q));
    t[1] = -log2(q / (1 + n_choices * q));
    memcpy(&p->share[(size_t)i * p->room], p->weight, (size_t)p->n * sizeof *p->share);
}

/* The mass of a normal distribution above z. */
static double tail(double z) { return 0.5 * erfc(z * M_SQRT1_2); }

static void fit_grid(struct parzen *p, int i, struct mem *mem)
{
    double n = p->axes[i].n, sigma = p->sigma[i];
    double *t = p->bits[i] = mem_alloc(mem, (size_t)n * sizeof *t);

    for (int k = 0; k < (int)n; k++)    /* from the tail, where differences keep their digits */
        t[k] = -log2(fmax(tail((k - 0.5) / n / sigma) - tail((k + 0.5) / n / sigma), 1e-300));
}

/* Kernels of height `peak` are cut off at the ends of the cube: their shares, and multiplies `inside` [room] by what is
 * left of each. */
BODY void cut_off_body(const struct parzen *p, int i, double peak, double *inside)
{
    const lanes *centre = (const lanes *)&p->centre[(size_t)i * p->room], *weight = (const lanes *)p->weight;
    lanes *share = (lanes *)&p->share[(size_t)i * p->room], *left_of_all = (lanes *)inside;
    double end = 1 / p->sigma[i], cell = p->axes[i].kind == AXIS_REAL ? end : end / p->axes[i].n;
    double middle = p->axes[i].kind == AXIS_REAL ? 0 : cell / 2;

    for (int k = 0; k < p->room / PARZEN_LANES; k++) {
        lanes below = centre[k] * cell + middle, above = end - below, left;

        tails(&below);
        tails(&above);
        left = 1 - below - above;
        share[k] = peak * weight[k] / left;
        left_of_all[k] *= left;
    }
}

WIDE static void cut_off_wide(const struct parzen *p, int i, double peak, double *inside)
{
    cut_off_body(p, i, peak, inside);
}

/* REAL and GRID: normal kernels cut off at the ends of the cube; GRID: the mass of each cell. */
static void fit_normal(struct parzen *p, int i, double shrink, struct mem *mem, double *inside)
{
    const struct axis *a = &p->axes[i];
    double sigma = p->sigma[i] = spread(a, &p->centre[(size_t)i * p->room], p->n, shrink);
    double peak = a->kind == AXIS_REAL ? 1 / (sigma * sqrt(2 * M_PI)) : 1;

    p->scale[i] = sqrt(0.5 * M_LOG2E) / sigma;
    p->peak_bits -= log2(peak);
    if (wide())
        cut_off_wide(p, i, peak, inside);
    else
        cut_off_body(p, i, peak, inside);
    if (a->kind == AXIS_GRID)
        fit_grid(p, i, mem);
}

static void fit_axis(struct parzen *p, int i, double shrink, struct mem *mem, double *inside)
{
    if (p->axes[i].kind == AXIS_CHOICE)
        fit_choice(p, i, mem);
    else
        fit_normal(p, i, shrink, mem, inside);
    if (p->axes[i].kind != AXIS_REAL)
        p->prior_bits += log2(p->axes[i].n);
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

/* A product over very many axes would vanish. */
static void take_logs(struct parzen *p, double *inside)
{
    for (int k = 0; k < p->n; k++) {
        p->joint_bits[k] += log2(inside[k]);
        inside[k] = 1;
    }
}

static void reserve(struct parzen *p, struct mem *mem)
{
    size_t room = (size_t)p->room, n_axes = (size_t)p->n_axes;

    p->centre = mem_alloc(mem, (n_axes * room + 1) * sizeof *p->centre);
    p->share = mem_alloc(mem, (n_axes * room + 1) * sizeof *p->share);
    p->weight = mem_alloc(mem, room * sizeof *p->weight);
    p->joint = mem_alloc(mem, room * sizeof *p->joint);
    p->joint_bits = mem_alloc(mem, room * sizeof *p->joint_bits);
    p->sigma = mem_alloc(mem, (n_axes + 1) * sizeof *p->sigma);
    p->scale = mem_alloc(mem, (n_axes + 1) * sizeof *p->scale);
    p->bits = mem_alloc(mem, (n_axes + 1) * sizeof *p->bits);
}

void parzen_fit(const struct axis *axes, int n_axes, const double *const *points,
                const double *weights, int n, double width, struct mem *mem, struct parzen *ret)
{
    double shrink = width * pow(n + 1, -0.25); /* Scott's exponent of no axis: see tpe.c */
    struct parzen p = { axes, n_axes, n, .room = (n / PARZEN_LANES + 1) * PARZEN_LANES };
    double *inside = mem_alloc(mem, (size_t)p.room * sizeof *inside);

    reserve(&p, mem);
    fit_weights(&p, weights);
    p.prior_bits = -log2(p.prior_weight);
    for (int k = 0; k < n; k++)
        inside[k] = 1;
    for (int i = 0; i < n_axes; i++) {
        for (int k = 0; k < n; k++)
            p.centre[(size_t)i * p.room + k] = points[k][i];
        fit_axis(&p, i, shrink, mem, inside);
        if (i % LOGS_EVERY == LOGS_EVERY - 1)
            take_logs(&p, inside);
    }
    for (int k = 0; k < n; k++)
        p.joint[k] = p.weight[k] / inside[k];
    *ret = p;
}

/* --- the density --- */

struct on_axis {            /* copied out of a mixture, for the compiler to see that nothing of it changes in a loop */
    enum axis_kind kind;
    const double *centre;   /* [n] */
    double scale;
    const double *bits;
};

BODY struct on_axis on_axis(const struct parzen *p, int i)
{
    return (struct on_axis){ p->axes[i].kind, &p->centre[(size_t)i * p->room], p->scale[i], p->bits[i] };
}

/* Adds to *v the bits that are lost between *x and kernel k. */
BODY void add_distance(const struct on_axis *a, int k, const lanes *x, lanes *v)
{
    lanes z = *x - a->centre[k];

    if (a->kind == AXIS_REAL) {
        z *= a->scale;
        *v += z * z;
        return;
    }
    for (int l = 0; l < PARZEN_LANES; l++)
        (*v)[l] += a->bits[a->kind == AXIS_GRID ? (int)fabs(z[l]) : z[l] != 0];
}

/* The log of a sum of kernels, of which the nearest is taken out first. */
BODY void joint_body(const struct parzen *p, const lanes *x, lanes *bits, double *ret)
{
    double prior = p->prior_bits - p->peak_bits;
    lanes least = (lanes){0} + prior, sum;
    int n = p->n;

    for (int k = 0; k < n; k++)
        bits[k] = (lanes){0} + p->joint_bits[k];
    for (int i = 0; i < p->n_axes; i++) {
        const struct on_axis a = on_axis(p, i);

        for (int k = 0; k < n; k++)
            add_distance(&a, k, &x[i], &bits[k]);
    }
    for (int k = 0; k < n; k++) {
        lane_bits nearer = bits[k] < least;

        least = (lanes)((nearer & (lane_bits)bits[k]) | (~nearer & (lane_bits)least));
    }
    sum = prior - least;
    halvings(&sum);
    for (int k = 0; k < n; k++) {
        lanes v = bits[k] - least;

        halvings(&v);
        sum += p->joint[k] * v;
    }
    for (int l = 0; l < PARZEN_LANES; l++)
        ret[l] = (log2(sum[l]) - least[l] - p->peak_bits) * M_LN2;
}

BODY void separate_body(const struct parzen *p, const lanes *x, double *ret)
{
    lanes product = (lanes){0} + 1;
    int n = p->n;

    for (int l = 0; l < PARZEN_LANES; l++)
        ret[l] = 0;
    for (int i = 0; i < p->n_axes; i++) {
        const struct on_axis a = on_axis(p, i);
        const double *share = &p->share[(size_t)i * p->room];
        lanes sum = (lanes){0} + p->prior_weight / (a.kind == AXIS_REAL ? 1 : p->axes[i].n);

        for (int k = 0; k < n; k++) {
            lanes v = {0};

            add_distance(&a, k, &x[i], &v);
            halvings(&v);
            sum += share[k] * v;
        }
        product *= sum;
        if (i % LOGS_EVERY != LOGS_EVERY - 1 && i != p->n_axes - 1)
            continue;
        for (int l = 0; l < PARZEN_LANES; l++)
            ret[l] += log(product[l]);
        product = (lanes){0} + 1;
    }
}

WIDE static void joint_wide(const struct parzen *p, const lanes *x, lanes *bits, double *ret)
{
    joint_body(p, x, bits, ret);
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
    if (d->next % DRAWS_AHEAD == 0) /* several at once, because the processor makes them side by side */
        for (uint32_t i = 0; i < DRAWS_AHEAD; i += 2)
            rng_two(d->seed, d->trial, (d->next + i) / 2, d->stream, &d->ahead[i]);
    return d->ahead[d->next++ % DRAWS_AHEAD];
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
        double u = mean + sigma * rng_normal(draws_next(d));

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
    centre = p->centre[(size_t)i * p->room + k];
    if (a->kind == AXIS_CHOICE) { /* kept, or any */
        if (draws_next(d) < exp2(-p->bits[i][0]) - exp2(-p->bits[i][1]))
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
