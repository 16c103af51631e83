// SPDX-License-Identifier: Apache-2.0
#include "search/methods/gp_fit.h"

#include "base/mem.h"
#include "search/methods/cholesky.h"
#include "search/methods/gp.h"
#include "search/methods/lbfgs.h"

#include <math.h>
#include <string.h>

static const double warp_sd = 0.25, warp_log_most = 2.3, slant_sd = 3, slant_most = 20;
static const double trend_mean = -2, trend_sd = 1.5, trend_least = -14, trend_most = 5;

/* What does not change while theta does, and scratch. Pairs (i, j) with j < i, row by row. */
struct fit {
    const struct gp_data *data;
    bool warped;
    struct warp *warps;         /* [d] */
    double *bent;               /* [n × d] the points */
    struct warp_slopes *slopes; /* [n × d] of their warps; 0 for categories */
    double *pull;               /* [n × d] the loss by what is bent, without factors of a dimension */
    double *slant;              /* [d] u / l */
    double *z, *across;         /* [n] places along the slant, and the loss by them */
    double *apart;              /* [pairs × n_scales] squared differences */
    double *trend;              /* [triangle] products of features */
    double *k, *slope; /* [pairs] kernel without signal variance, and its derivative by r^2 */
    double *l, *work, *inverse; /* packed triangles */
    double *alpha;              /* [n] */
    double *weight;             /* [n_scales] */
    double *memory;
};

static size_t n_pairs(int n) { return (size_t)n * (size_t)(n - 1) / 2; }

static void fit_done(struct fit *f) { free(f->memory); }

static void differences(const struct gp_data *data, const double *a, const double *b, double *ret)
{
    memset(ret, 0, (size_t)data->n_scales * sizeof *ret);
    for (int k = 0; k < data->d; k++) {
        double diff = data->category[k] ? a[k] != b[k] : a[k] - b[k];

        ret[data->n_scales == 1 ? 0 : k] += diff * diff;
    }
}

static void set_differences(struct fit *f)
{
    size_t d = (size_t)f->data->d;
    double *at = f->apart;

    for (int i = 0; i < f->data->n; i++)
        for (int j = 0; j < i; j++, at += f->data->n_scales)
            differences(f->data, f->bent + (size_t)i * d, f->bent + (size_t)j * d, at);
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

/* The warps of theta: pairs log a, log b. */
static void bend(struct fit *f, const double *warps)
{
    int d = f->data->d;
    size_t p = 0;

    for (int k = 0; k < d; k++)
        f->warps[k] = (struct warp){ exp(warps[2 * k]), exp(warps[2 * k + 1]) };
    for (int i = 0; i < f->data->n; i++)
        for (int k = 0; k < d; k++, p++)
            if (!f->data->category[k])
                f->bent[p] = warp_slopes(f->warps[k], f->data->x[p], &f->slopes[p]);
    set_differences(f);
}

static void set_slant(struct fit *f, const double *theta)
{
    int d = f->data->d;

    for (int k = 0; k < d; k++)
        f->slant[k] = theta[gp_theta_slant(d) + k] * exp(-theta[k]);
    for (int i = 0; i < f->data->n; i++)
        f->z[i] = dot(f->slant, f->bent + (size_t)i * (size_t)d, d);
}

static struct fit fit_start(const struct gp_data *data)
{
    size_t pairs = n_pairs(data->n), scales = (size_t)data->n_scales, n = (size_t)data->n;
    size_t triangle = triangle_size(data->n), d = (size_t)data->d, points = n * d;
    double *memory = xcalloc(pairs * (scales + 2) + 4 * triangle + 3 * n + scales + 5 * points + 3 * d, sizeof *memory);
    struct fit f = { .data = data, .apart = memory, .memory = memory };

    f.k = memory + pairs * scales;
    f.slope = f.k + pairs;
    f.l = f.slope + pairs;
    f.work = f.l + triangle;
    f.inverse = f.work + triangle;
    f.trend = f.inverse + triangle;
    f.alpha = f.trend + triangle;
    f.weight = f.alpha + n;
    f.bent = f.weight + scales;
    f.pull = f.bent + points;
    f.slopes = (struct warp_slopes *)(f.pull + points);
    f.warps = (struct warp *)(f.slopes + points);
    f.slant = (double *)(f.warps + d);
    f.z = f.slant + d;
    f.across = f.z + n;
    f.warped = data->n_scales == data->d;
    memcpy(f.bent, data->x, points * sizeof *f.bent);
    if (!f.warped)
        set_differences(&f);
    set_trend(&f);
    return f;
}

/* The kernel, its factor and alpha; returns the negative log likelihood (eq. 5.8), without the
 * constant. */
static double likelihood(struct fit *f, const double *theta)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales + THETA_SIGNAL]), noise = exp(theta[scales + THETA_NOISE]),
           trend = exp(theta[scales + THETA_TREND]), loss = 0;
    const double *apart = f->apart;
    size_t p = 0;

    if (f->warped) {
        bend(f, theta + scales + THETA_WARPS);
        set_slant(f, theta);
    }
    for (int k = 0; k < scales; k++)
        f->weight[k] = exp(-2 * theta[k]);
    for (int i = 0; i < n; i++) {
        double *row = f->l + triangle_size(i);
        const double *trends = f->trend + triangle_size(i);

        for (int j = 0; j < i; j++, p++, apart += scales) {
            double across = f->z[i] - f->z[j];

            f->k[p] = gp_matern(dot(apart, f->weight, scales) + across * across, &f->slope[p]);
            row[j] = signal * f->k[p] + trend * trends[j];
        }
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

/* Adds what the pair (i, j) pulls its points apart with. */
static void add_pull(struct fit *f, int i, int j, double pull)
{
    size_t d = (size_t)f->data->d, at = (size_t)i * d, other = (size_t)j * d;
    double across = pull * (f->z[i] - f->z[j]);

    f->across[i] += across;
    f->across[j] -= across;
    for (size_t k = 0; k < d; k++) {
        double by = pull * (f->bent[at + k] - f->bent[other + k]);

        f->pull[at + k] += by;
        f->pull[other + k] -= by;
    }
}

/* From the slopes by bent points to those by warps. */
static void warp_slope(const struct fit *f, double signal, double *grad)
{
    int d = f->data->d;
    size_t p = 0;

    for (int i = 0; i < f->data->n; i++) {
        for (int k = 0; k < d; k++, p++) {
            double by = 2 * signal * (f->weight[k] * f->pull[p] + f->slant[k] * f->across[i]);

            grad[2 * k] += by * f->slopes[p].log_a;
            grad[2 * k + 1] += by * f->slopes[p].log_b;
        }
    }
}

/* The slopes by u, and what the slant adds to those by log l. */
static void slant_slope(const struct fit *f, double signal, const double *theta, double *grad)
{
    int d = f->data->d, at = gp_theta_slant(d);

    for (int k = 0; k < d; k++) {
        double by = 0;

        for (int i = 0; i < f->data->n; i++)
            by += f->across[i] * f->bent[(size_t)i * (size_t)d + (size_t)k];
        grad[at + k] = 2 * signal * exp(-theta[k]) * by;
        grad[k] -= theta[at + k] * grad[at + k];
    }
}

/* Eq. 5.9 with W = K^-1 - alpha alpha^T: half the trace of W dK/dtheta, dK being symmetric. */
static void likelihood_slope(struct fit *f, const double *theta, double *grad)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales + THETA_SIGNAL]), noise = exp(theta[scales + THETA_NOISE]);
    double trace = 0, by_signal = 0, by_trend = 0;
    const double *apart = f->apart;
    size_t p = 0;

    cholesky_inverse(f->l, n, f->work, f->inverse);
    memset(grad, 0, (size_t)gp_n_theta(f->data->d, scales) * sizeof *grad);
    memset(f->pull, 0, (size_t)n * (size_t)f->data->d * sizeof *f->pull);
    memset(f->across, 0, (size_t)n * sizeof *f->across);
    for (int i = 0; i < n; i++) {
        const double *row = f->inverse + triangle_size(i), *trends = f->trend + triangle_size(i);
        double on_diagonal = row[i] - f->alpha[i] * f->alpha[i];

        for (int j = 0; j < i; j++, p++, apart += scales) {
            double w = row[j] - f->alpha[i] * f->alpha[j], pull = w * f->slope[p];

            by_signal += w * f->k[p];
            by_trend += w * trends[j];
            for (int k = 0; k < scales; k++)
                grad[k] += pull * apart[k];
            if (f->warped)
                add_pull(f, i, j, pull);
        }
        trace += on_diagonal;
        by_trend += 0.5 * on_diagonal * trends[i];
    }
    for (int k = 0; k < scales; k++)
        grad[k] *= -2 * signal * f->weight[k];
    if (f->warped) {
        warp_slope(f, signal, grad + scales + THETA_WARPS);
        slant_slope(f, signal, theta, grad);
    }
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
