// SPDX-License-Identifier: Apache-2.0
#include "search/methods/gp_fit.h"

#include "base/mem.h"
#include "search/methods/cholesky.h"
#include "search/methods/gp.h"
#include "search/methods/lbfgs.h"
#include "search/methods/matern.h"
#include "search/methods/wide.h"

#include <math.h>
#include <string.h>

static const double warp_sd = 0.25, warp_log_most = 2.3, slant_sd = 3, slant_most = 20;
static const double trend_mean = -2, trend_sd = 1.5, trend_least = -14, trend_most = 5;

/* What does not change while theta does, and scratch. Pairs (i, j) with j < i, row by row. What a point has for each
 * dimension stands dimension by dimension, so that loops over points are vectors. The place z along the slant counts as one
 * more dimension, of length 1. */
struct fit {
    const struct gp_data *data;
    bool warped;
    struct warp *warps;         /* [d] */
    double *bent;               /* [d + 1][n] the points */
    struct warp_slopes *slopes; /* [d][n] of their warps; 0 for categories */
    double *pull;               /* [d + 1][n] the loss by what is bent, without factors of a dimension */
    double *weight;             /* [d + 1] 1 / l^2 */
    double *slant;              /* [d] u / l */
    double *apart;              /* [pairs] squared distances, where nothing is bent */
    double *trend;              /* [triangle] products of features */
    double *k, *slope;          /* [pairs] kernel without signal variance, and its derivative by r^2 */
    double *l, *work, *inverse; /* packed triangles */
    double *alpha;              /* [n] */
    double *w, *by;             /* [n] of one row */
    double *memory;
};

static size_t n_pairs(int n) { return (size_t)n * (size_t)(n - 1) / 2; }

static void fit_done(struct fit *f) { free(f->memory); }

static double *of_dimension(const struct fit *f, double *rows, int k) { return rows + (size_t)k * (size_t)f->data->n; }

/* --- vectors --- */

/* Adds w (here - there[j])^2 to r2[j]. */
BODY void add_squares_body(double w, double here, const double *restrict there, int n, double *restrict r2)
{
    for (int j = 0; j < n; j++)
        r2[j] += w * (here - there[j]) * (here - there[j]);
}

WIDE static void add_squares_wide(double w, double here, const double *there, int n, double *r2)
{
    add_squares_body(w, here, there, n, r2);
}

static void add_squares(double w, double here, const double *there, int n, double *r2)
{
    if (wide())
        add_squares_wide(w, here, there, n, r2);
    else
        add_squares_body(w, here, there, n, r2);
}

/* Pulls here and there apart by by[j] (here - there[j]); returns what that is for here. */
BODY double add_pulls_body(const double *restrict by, double here, const double *restrict there, int n, double *restrict pull)
{
    double sums[8] = { 0 }, rest = 0;   /* as in dot() */
    int j = 0;

    for (; j + 8 <= n; j += 8) {
        for (int k = 0; k < 8; k++) {
            double one = by[j + k] * (here - there[j + k]);

            pull[j + k] -= one;
            sums[k] += one;
        }
    }
    for (; j < n; j++) {
        double one = by[j] * (here - there[j]);

        pull[j] -= one;
        rest += one;
    }
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest;
}

WIDE static double add_pulls_wide(const double *by, double here, const double *there, int n, double *pull)
{
    return add_pulls_body(by, here, there, n, pull);
}

static double add_pulls(const double *by, double here, const double *there, int n, double *pull)
{
    return wide() ? add_pulls_wide(by, here, there, n, pull) : add_pulls_body(by, here, there, n, pull);
}

/* --- what does not change --- */

static double distance(const struct gp_data *data, const double *a, const double *b)
{
    double sum = 0;

    for (int k = 0; k < data->d; k++) {
        double diff = data->category[k] ? a[k] != b[k] : a[k] - b[k];

        sum += diff * diff;
    }
    return sum;
}

static void set_distances(struct fit *f)
{
    size_t d = (size_t)f->data->d;
    double *at = f->apart;

    for (size_t i = 0; i < (size_t)f->data->n; i++)
        for (size_t j = 0; j < i; j++)
            *at++ = distance(f->data, f->data->x + i * d, f->data->x + j * d);
}

static void set_trend(struct fit *f)
{
    int n = f->data->n, n_features = f->data->d * TREND_FEATURES;
    CLEANUP(freep) double *features = xcalloc((size_t)n * (size_t)n_features + 1, sizeof *features);
    double *at = f->trend;

    for (int i = 0; i < n; i++) {
        double *own = features + (size_t)i * (size_t)n_features;

        trend_features(f->data->category, f->data->d, f->data->x + (size_t)i * (size_t)f->data->d, own);
        for (int j = 0; j <= i; j++)
            *at++ = dot(own, features + (size_t)j * (size_t)n_features, n_features);
    }
}

static struct fit fit_start(const struct gp_data *data)
{
    size_t pairs = n_pairs(data->n), n = (size_t)data->n, triangle = triangle_size(data->n), d = (size_t)data->d;
    bool warped = data->n_scales == data->d;
    size_t points = warped ? (d + 1) * n : 0;
    double *memory = xcalloc(3 * pairs + 4 * triangle + 3 * n + 5 * points + 4 * d + 1, sizeof *memory);
    struct fit f = { .data = data, .warped = warped, .memory = memory, .k = memory };

    f.slope = f.k + pairs;
    f.apart = f.slope + pairs;
    f.l = f.apart + pairs;
    f.work = f.l + triangle;
    f.inverse = f.work + triangle;
    f.trend = f.inverse + triangle;
    f.alpha = f.trend + triangle;
    f.w = f.alpha + n;
    f.by = f.w + n;
    f.bent = f.by + n;
    f.pull = f.bent + points;
    f.slopes = (struct warp_slopes *)(f.pull + points);
    f.warps = (struct warp *)(f.slopes + points);
    f.weight = (double *)(f.warps + d);
    f.slant = f.weight + d + 1;
    if (!warped)
        set_distances(&f);
    set_trend(&f);
    return f;
}

/* --- the likelihood --- */

/* The warps of theta: pairs log a, log b. */
static void bend(struct fit *f, const double *warps)
{
    int n = f->data->n, d = f->data->d;

    for (int k = 0; k < d; k++) {
        const double *x = f->data->x + k;
        double *bent = of_dimension(f, f->bent, k);
        struct warp_slopes *slopes = f->slopes + (size_t)k * (size_t)n;

        f->warps[k] = (struct warp){ exp(warps[2 * k]), exp(warps[2 * k + 1]) };
        for (int i = 0; i < n; i++, x += d)
            bent[i] = f->data->category[k] ? *x : warp_slopes(f->warps[k], *x, &slopes[i]);
    }
}

static void set_slant(struct fit *f, const double *theta)
{
    int n = f->data->n, d = f->data->d;
    double *z = of_dimension(f, f->bent, d);

    f->weight[d] = 1;
    memset(z, 0, (size_t)n * sizeof *z);
    for (int k = 0; k < d; k++) {
        const double *bent = of_dimension(f, f->bent, k);

        f->slant[k] = theta[gp_theta_slant(d) + k] * exp(-theta[k]);
        for (int i = 0; i < n; i++)
            z[i] += f->slant[k] * bent[i];
    }
}

/* Squared distances of point i to those before it, [i]. */
static void distances(const struct fit *f, int i, double *ret)
{
    const double *apart = f->apart + n_pairs(i);

    memset(ret, 0, (size_t)i * sizeof *ret);
    for (int j = 0; !f->warped && j < i; j++)
        ret[j] = f->weight[0] * apart[j];
    for (int k = 0; f->warped && k <= f->data->d; k++) {
        const double *there = of_dimension(f, f->bent, k);

        if (k == f->data->d || !f->data->category[k]) {
            add_squares(f->weight[k], there[i], there, i, ret);
            continue;
        }
        for (int j = 0; j < i; j++)
            ret[j] += there[i] != there[j] ? f->weight[k] : 0;
    }
}

/* The kernel, its factor and alpha; returns the negative log likelihood (eq. 5.8), without the
 * constant. */
static double likelihood(struct fit *f, const double *theta)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales + THETA_SIGNAL]), noise = exp(theta[scales + THETA_NOISE]),
           trend = exp(theta[scales + THETA_TREND]), loss = 0;

    if (f->warped) {
        bend(f, theta + scales + THETA_WARPS);
        set_slant(f, theta);
    }
    for (int k = 0; k < scales; k++)
        f->weight[k] = exp(-2 * theta[k]);
    for (int i = 0; i < n; i++) {
        double *row = f->l + triangle_size(i), *k = f->k + n_pairs(i);
        const double *trends = f->trend + triangle_size(i);

        distances(f, i, k);
        matern(k, i, f->slope + n_pairs(i));
        for (int j = 0; j < i; j++)
            row[j] = signal * k[j] + trend * trends[j];
        row[i] = signal * (1 + 1e-8) + trend * trends[i] + noise;
        cholesky_append(f->l, i, 0);
        if (!(row[i] > 0))
            return HUGE_VAL;
        loss += log(row[i]);
    }
    memcpy(f->alpha, f->data->y, (size_t)n * sizeof *f->alpha);
    cholesky_forward(f->l, n, f->alpha);
    loss += 0.5 * dot(f->alpha, f->alpha, n);
    cholesky_backward(f->l, n, f->alpha);
    return loss;
}

/* --- its slope --- */

/* The loss by the weights of row i, and by what is bent; f->by is that by its squared distances. */
static void add_row(struct fit *f, int i, double *grad)
{
    if (!f->warped)
        grad[0] += dot(f->by, f->apart + n_pairs(i), i);
    for (int k = 0; f->warped && k <= f->data->d; k++) {
        const double *there = of_dimension(f, f->bent, k);
        double *pull = of_dimension(f, f->pull, k);

        if (k == f->data->d || !f->data->category[k]) {
            pull[i] += add_pulls(f->by, there[i], there, i, pull);
            continue;
        }
        for (int j = 0; j < i; j++)
            grad[k] += there[i] != there[j] ? f->by[j] : 0;
    }
}

/* From the slopes by bent points, which are complete, to those by lengths, warps and slant. */
static void warped_slope(const struct fit *f, double signal, const double *theta, double *grad)
{
    int n = f->data->n, d = f->data->d, at = gp_theta_slant(d);
    double *warps = grad + d + THETA_WARPS, *across = of_dimension(f, f->pull, d);

    for (int k = 0; k < d; k++) {
        const double *bent = of_dimension(f, f->bent, k), *pull = of_dimension(f, f->pull, k);
        const struct warp_slopes *slopes = f->slopes + (size_t)k * (size_t)n;

        if (f->data->category[k])
            continue;
        for (int i = 0; i < n; i++) {
            double by = 2 * signal * (f->weight[k] * pull[i] + f->slant[k] * across[i]);

            warps[2 * k] += by * slopes[i].log_a;
            warps[2 * k + 1] += by * slopes[i].log_b;
        }
        grad[at + k] = 2 * signal * exp(-theta[k]) * dot(across, bent, n);
        grad[k] = -2 * signal * f->weight[k] * dot(pull, bent, n) - theta[at + k] * grad[at + k];
    }
}

/* Eq. 5.9 with W = K^-1 - alpha alpha^T: half the trace of W dK/dtheta, dK being symmetric. Pulls p_ij = -p_ji at b_i have
 * the sum over pairs p_ij (b_i - b_j) = the sum over points b_i p_i, which is what a length needs. */
static void likelihood_slope(struct fit *f, const double *theta, double *grad)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales + THETA_SIGNAL]), noise = exp(theta[scales + THETA_NOISE]);
    double trace = 0, by_signal = 0, by_trend = 0;

    cholesky_inverse(f->l, n, f->work, f->inverse);
    memset(grad, 0, (size_t)gp_n_theta(f->data->d, scales) * sizeof *grad);
    for (int k = 0; f->warped && k <= f->data->d; k++)
        memset(of_dimension(f, f->pull, k), 0, (size_t)n * sizeof *f->pull);
    for (int i = 0; i < n; i++) {
        const double *row = f->inverse + triangle_size(i), *trends = f->trend + triangle_size(i);
        const double *slope = f->slope + n_pairs(i);

        f->w[i] = row[i] - f->alpha[i] * f->alpha[i];
        for (int j = 0; j < i; j++) {
            f->w[j] = row[j] - f->alpha[i] * f->alpha[j];
            f->by[j] = f->w[j] * slope[j];
        }
        by_signal += dot(f->w, f->k + n_pairs(i), i);
        by_trend += dot(f->w, trends, i) + 0.5 * f->w[i] * trends[i];
        trace += f->w[i];
        add_row(f, i, grad);
    }
    for (int k = 0; k < scales; k++)
        grad[k] *= -2 * signal * f->weight[k];
    if (f->warped)
        warped_slope(f, signal, theta, grad);
    grad[scales + THETA_SIGNAL] = signal * (by_signal + 0.5 * (1 + 1e-8) * trace);
    grad[scales + THETA_NOISE] = 0.5 * noise * trace;
    grad[scales + THETA_TREND] = exp(theta[scales + THETA_TREND]) * by_trend;
}

static double prior(double value, double mean, double sd, double *grad)
{
    double z = (value - mean) / sd;

    if (grad)
        *grad += z / sd;
    return 0.5 * z * z;
}

static double loss_of(void *arg, const double *theta, double *ret_grad)
{
    struct fit *f = arg;
    int scales = f->data->n_scales;
    double loss = likelihood(f, theta), mean = M_SQRT2 + 0.5 * log(scales) - 1;

    if (!isfinite(loss))
        return HUGE_VAL;
    if (ret_grad)
        likelihood_slope(f, theta, ret_grad);
    for (int k = 0; k < scales; k++)
        loss += prior(theta[k], mean, sqrt(3), ret_grad ? &ret_grad[k] : NULL);
    loss += prior(theta[scales + THETA_TREND], trend_mean, trend_sd, ret_grad ? &ret_grad[scales + THETA_TREND] : NULL);
    for (int k = scales + THETA_WARPS; k < gp_n_theta(f->data->d, scales); k++)
        loss += prior(theta[k], 0, k < gp_theta_slant(f->data->d) ? warp_sd : slant_sd, ret_grad ? &ret_grad[k] : NULL);
    loss += prior(theta[scales + THETA_SIGNAL], 0, 1, ret_grad ? &ret_grad[scales + THETA_SIGNAL] : NULL);
    return loss + prior(theta[scales + THETA_NOISE], log(f->data->noise.median), f->data->noise.log_sd,
                        ret_grad ? &ret_grad[scales + THETA_NOISE] : NULL);
}

void gp_theta_start(int d, int n_scales, const struct gp_noise *noise, double *ret_theta)
{
    memset(ret_theta, 0, (size_t)gp_n_theta(d, n_scales) * sizeof *ret_theta);
    for (int k = 0; k < n_scales; k++)
        ret_theta[k] = log(0.5);
    ret_theta[n_scales + THETA_NOISE] = log(noise->median);
    ret_theta[n_scales + THETA_TREND] = trend_mean;
}

double gp_loss(const struct gp_data *data, const double *theta, double *ret_grad)
{
    CLEANUP(fit_done) struct fit f = fit_start(data);

    return loss_of(&f, theta, ret_grad);
}

static double slant_cost(const struct gp_data *data)
{
    int numbers = 0;

    for (int k = 0; k < data->d; k++)
        numbers += !data->category[k];
    return data->slanted ? numbers * log(data->n) : 0;
}

double gp_fit(const struct gp_data *data, int rounds, double *theta)
{
    int scales = data->n_scales, n = gp_n_theta(data->d, scales);
    CLEANUP(fit_done) struct fit f = fit_start(data);
    CLEANUP(freep) double *lo = xcalloc((size_t)n * 2, sizeof *lo);
    double *hi = lo + n;
    const struct lbfgs problem = { .n = n,
                                   .lo = lo,
                                   .hi = hi,
                                   .max_rounds = rounds,
                                   .small_enough = 1e-5,
                                   .fn = loss_of,
                                   .arg = &f };

    for (int k = 0; k < scales; k++) { /* below: noise between grid points; above: no influence */
        lo[k] = log(0.02);
        hi[k] = log(50);
    }
    lo[scales + THETA_SIGNAL] = -4;
    hi[scales + THETA_SIGNAL] = 5;
    lo[scales + THETA_NOISE] = log(1e-7);
    hi[scales + THETA_NOISE] = log(data->noise.most);
    lo[scales + THETA_TREND] = trend_least;
    hi[scales + THETA_TREND] = trend_most;
    for (int k = scales + THETA_WARPS; k < n; k++) {
        hi[k] = warp_log_most;
        lo[k] = -hi[k];
    }
    for (int k = 0; f.warped && k < data->d; k++) {
        hi[gp_theta_slant(data->d) + k] = data->slanted && !data->category[k] ? slant_most : 0;
        lo[gp_theta_slant(data->d) + k] = -hi[gp_theta_slant(data->d) + k];
    }
    return lbfgs_minimise(&problem, theta) + slant_cost(data);
}
