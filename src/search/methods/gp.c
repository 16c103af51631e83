// SPDX-License-Identifier: Apache-2.0
#include "search/methods/gp.h"

#include "base/mem.h"
#include "search/methods/cholesky.h"
#include "search/methods/matern.h"
#include "search/methods/wide.h"

#include <math.h>
#include <string.h>

enum { LANES = CHOLESKY_LANES };

/* Added to the noise, and the least pivot, relative to the signal: a point told twice, with a noise
 * of nothing, must not break the factor. */
static const double jitter = 1e-8, least_pivot = 1e-10, least_variance = 1e-12;

int gp_n_theta(int d, int n_scales) { return n_scales + THETA_WARPS + (n_scales == d ? 3 * d : 0); }

int gp_theta_slant(int d) { return 3 * d + THETA_WARPS; }

struct gp *gp_new(int d, int n_scales, const bool *category)
{
    struct gp *gp = xcalloc(1, sizeof *gp);

    gp->d = d;
    gp->n_scales = n_scales;
    gp->category = xcalloc((size_t)d + 1, sizeof *gp->category);
    gp->weight = xcalloc((size_t)d + 1, sizeof *gp->weight);
    gp->slant = xcalloc((size_t)d + 1, sizeof *gp->slant);
    memcpy(gp->category, category, (size_t)d * sizeof *category);
    if (n_scales == d)
        gp->warps = xcalloc((size_t)d + 1, sizeof *gp->warps);
    return gp;
}

void gp_free(struct gp *gp)
{
    if (!gp)
        return;
    free(gp->category);
    free(gp->weight);
    free(gp->warps);
    free(gp->slant);
    free(gp->x);
    free(gp->features);
    free(gp->l);
    free(gp->y);
    free(gp->alpha);
    free(gp);
}

void gp_set_theta(struct gp *gp, const double *theta)
{
    for (int i = 0; i < gp->d; i++)
        gp->weight[i] = exp(-2 * theta[gp->n_scales == 1 ? 0 : i]);
    gp->signal = exp(theta[gp->n_scales + THETA_SIGNAL]);
    gp->noise = exp(theta[gp->n_scales + THETA_NOISE]);
    gp->trend = exp(theta[gp->n_scales + THETA_TREND]);
    gp->n = 0;
    for (int i = 0; gp->warps && i < gp->d; i++) {
        const double *logs = theta + gp->n_scales + THETA_WARPS + 2 * i;

        gp->warps[i] = (struct warp){ exp(logs[0]), exp(logs[1]) };
        gp->slant[i] = theta[gp_theta_slant(gp->d) + i] * sqrt(gp->weight[i]);
    }
}

void gp_truncate(struct gp *gp, int n) { gp->n = n < gp->n ? n : gp->n; }

static size_t n_columns(const struct gp *gp) { return (size_t)gp->d + 1; }

/* x as the kernel sees it, [n_columns]. */
static void bend(const struct gp *gp, const double *x, double *ret)
{
    for (int i = 0; i < gp->d; i++)
        ret[i] = gp->warps && !gp->category[i] ? warp(gp->warps[i], x[i]) : x[i];
    ret[gp->d] = dot(gp->slant, ret, gp->d);
}

static double distance(const struct gp *gp, const double *a, const double *b)
{
    double across = a[gp->d] - b[gp->d], r2 = across * across;

    for (int i = 0; i < gp->d; i++) {
        double diff = gp->category[i] ? a[i] != b[i] : a[i] - b[i];

        r2 += gp->weight[i] * diff * diff;
    }
    return r2;
}

static size_t n_features(const struct gp *gp) { return (size_t)gp->d * TREND_FEATURES; }

static void grow(struct gp *gp)
{
    size_t room;

    if (gp->n < gp->room)
        return;
    gp->room = gp->room ? gp->room * 3 / 2 : 32;
    room = (size_t)gp->room;
    gp->x = xrealloc(gp->x, room * n_columns(gp) * sizeof *gp->x);
    gp->features = xrealloc(gp->features, (room * n_features(gp) + 1) * sizeof *gp->features);
    gp->l = xrealloc(gp->l, triangle_size(gp->room) * sizeof *gp->l);
    gp->y = xrealloc(gp->y, room * sizeof *gp->y);
    gp->alpha = xrealloc(gp->alpha, room * sizeof *gp->alpha);
}

static const double *point(const struct gp *gp, int i) { return gp->x + (size_t)i * n_columns(gp); }

static const double *features(const struct gp *gp, int i) { return gp->features + (size_t)i * n_features(gp); }

static double trend(const struct gp *gp, const double *a, const double *b)
{
    return gp->trend * dot(a, b, gp->d * TREND_FEATURES);
}

/* Of one point, bent and with its features, with all that are known; [n]. ret_slope is by the squared distance, and may be
 * NULL. */
static void kernel(const struct gp *gp, const double *bent, const double *own, double *ret, double *ret_slope)
{
    for (int i = 0; i < gp->n; i++)
        ret[i] = distance(gp, bent, point(gp, i));
    matern(ret, gp->n, ret_slope);
    for (int i = 0; i < gp->n; i++)
        ret[i] = gp->signal * ret[i] + trend(gp, own, features(gp, i));
}

void gp_append(struct gp *gp, const double *x)
{
    int n = gp->n;
    double *row, *bent, *own;

    grow(gp);
    row = gp->l + triangle_size(n);
    bent = gp->x + (size_t)n * n_columns(gp);
    own = gp->features + (size_t)n * n_features(gp);
    bend(gp, x, bent);
    trend_features(gp->category, gp->d, x, own);
    kernel(gp, bent, own, row, NULL);
    row[n] = gp->signal * (1 + jitter) + trend(gp, own, own) + gp->noise;
    cholesky_append(gp->l, n, gp->signal * least_pivot);
    gp->n = n + 1;
}

void gp_set_targets(struct gp *gp, const double *y)
{
    if (gp->n == 0)
        return;
    memcpy(gp->y, y, (size_t)gp->n * sizeof *y);
    memcpy(gp->alpha, y, (size_t)gp->n * sizeof *y);
    cholesky_forward(gp->l, gp->n, gp->alpha);
    cholesky_backward(gp->l, gp->n, gp->alpha);
}

/* K alpha, which is y without what the diagonal adds. */
void gp_means(const struct gp *gp, double *ret)
{
    for (int i = 0; i < gp->n; i++)
        ret[i] = gp->y[i] - (gp->noise + gp->signal * jitter) * gp->alpha[i];
}

/* Squared distances of one known point to LANES new ones, at [n_columns × LANES]. */
BODY void distances(const struct gp *gp, const double *known, const double *at, double *ret)
{
    double r2[LANES] = { 0 };

    for (int i = 0; i < gp->d; i++, at += LANES) {
        double w = gp->weight[i], here = known[i];

        if (gp->category[i]) {
            for (int k = 0; k < LANES; k++)
                r2[k] += at[k] != here ? w : 0;
        } else {
            for (int k = 0; k < LANES; k++)
                r2[k] += w * (at[k] - here) * (at[k] - here);
        }
    }
    for (int k = 0; k < LANES; k++)
        r2[k] += (at[k] - known[gp->d]) * (at[k] - known[gp->d]);
    memcpy(ret, r2, sizeof r2);
}

/* Adds the trend's part of the kernel of one known point, or NULL for each with itself, with LANES new ones; features of
 * those at [features × LANES]. */
BODY void add_trends(const struct gp *gp, const double *known, const double *of, double *to)
{
    double sums[LANES] = { 0 };

    for (size_t i = 0; i < n_features(gp); i++, of += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += (known ? known[i] : of[k]) * of[k];
    for (int k = 0; k < LANES; k++)
        to[k] += gp->trend * sums[k];
}

/* The kernel of all known points with LANES new ones, [n × LANES]. */
BODY void kernels_body(const struct gp *gp, const double *at, const double *of, double *ret)
{
    for (int i = 0; i < gp->n; i++)
        distances(gp, point(gp, i), at, ret + (size_t)i * LANES);
    matern(ret, gp->n * LANES, NULL);
    for (int i = 0; i < gp->n; i++, ret += LANES) {
        for (int k = 0; k < LANES; k++)
            ret[k] *= gp->signal;
        add_trends(gp, features(gp, i), of, ret);
    }
}

WIDE static void kernels_wide(const struct gp *gp, const double *at, const double *of, double *ret)
{
    kernels_body(gp, at, of, ret);
}

/* LANES points at once: `at` [n_columns × LANES], `of` their features, `v` scratch [n × LANES]. */
static void predict_lanes(const struct gp *gp, const double *at, const double *of, double *v, double *ret_mean,
                          double *ret_variance)
{
    double sums[LANES];

    if (wide())
        kernels_wide(gp, at, of, v);
    else
        kernels_body(gp, at, of, v);
    memset(ret_mean, 0, LANES * sizeof *ret_mean);
    for (int i = 0; i < gp->n; i++)
        for (int k = 0; k < LANES; k++)
            ret_mean[k] += v[(size_t)i * LANES + (size_t)k] * gp->alpha[i];
    if (!ret_variance)
        return;
    cholesky_forward_many(gp->l, gp->n, v, sums);
    for (int k = 0; k < LANES; k++)
        ret_variance[k] = gp->signal;
    add_trends(gp, NULL, of, ret_variance);
    for (int k = 0; k < LANES; k++)
        ret_variance[k] = fmax(ret_variance[k] - sums[k], least_variance);
}

void gp_predict(const struct gp *gp, const double *x, int m, double *ret_mean, double *ret_variance)
{
    size_t d = (size_t)gp->d, columns = n_columns(gp), f = n_features(gp), n_points = (size_t)gp->n + 1;
    CLEANUP(freep) double *at = xcalloc((columns + f + n_points) * LANES + columns + f, sizeof *at);
    double *of = at + columns * LANES, *v = of + f * LANES, *bent = v + n_points * LANES, *own = bent + columns;
    double mean[LANES] = { 0 }, variance[LANES] = { 0 };

    for (int from = 0; from < m; from += LANES) {
        int n = m - from < LANES ? m - from : LANES;

        for (int k = 0; k < LANES; k++) {
            if (k < n) {
                bend(gp, x + (size_t)(from + k) * d, bent);
                trend_features(gp->category, gp->d, x + (size_t)(from + k) * d, own);
            }
            for (size_t i = 0; i < columns; i++)
                at[i * LANES + (size_t)k] = bent[i];
            for (size_t i = 0; i < f; i++)
                of[i * LANES + (size_t)k] = own[i];
        }
        predict_lanes(gp, at, of, v, mean, ret_variance ? variance : NULL);
        memcpy(ret_mean + from, mean, (size_t)n * sizeof *mean);
        if (ret_variance)
            memcpy(ret_variance + from, variance, (size_t)n * sizeof *variance);
    }
}

/* Gradients by what is bent become those by x. */
static void unbend(const struct gp *gp, const double *x, double *mean_grad, double *variance_grad)
{
    struct warp_slopes slopes;

    for (int i = 0; gp->warps && i < gp->d; i++) {
        warp_slopes(gp->warps[i], x[i], &slopes);
        mean_grad[i] *= slopes.x;       /* 0 for a category */
        variance_grad[i] *= slopes.x;
    }
}

/* Adds the gradients of the trend at x: alpha [n] makes the mean, w [n] is K^-1 k. */
static void add_trend_gradient(const struct gp *gp, const double *x, const double *w, double *mean_grad, double *variance_grad)
{
    size_t f = n_features(gp);
    CLEANUP(freep) double *by_mean = xcalloc(f * 3 + 1, sizeof *by_mean);
    double *by_variance = by_mean + f, *slopes = by_mean + 2 * f;

    trend_features(gp->category, gp->d, x, by_variance);
    trend_slopes(gp->category, gp->d, x, slopes);
    for (int i = 0; i < gp->n; i++) {
        const double *known = features(gp, i);

        for (size_t j = 0; j < f; j++) {
            by_mean[j] += gp->alpha[i] * known[j];
            by_variance[j] -= w[i] * known[j];
        }
    }
    for (size_t j = 0; j < f; j++) {
        mean_grad[j / TREND_FEATURES] += gp->trend * slopes[j] * by_mean[j];
        variance_grad[j / TREND_FEATURES] += 2 * gp->trend * slopes[j] * by_variance[j];
    }
}

void gp_gradient(const struct gp *gp, const double *x, double *ret_mean, double *ret_variance,
                 double *ret_mean_grad, double *ret_variance_grad)
{
    int n = gp->n, d = gp->d;
    CLEANUP(freep) double *k = xcalloc((size_t)n * 3 + n_columns(gp) + n_features(gp), sizeof *k);
    double *slope = k + n, *w = k + 2 * n, *bent = k + 3 * n, *own = bent + n_columns(gp), explained;

    bend(gp, x, bent);
    trend_features(gp->category, d, x, own);
    kernel(gp, bent, own, k, slope);
    memcpy(w, k, (size_t)n * sizeof *k);
    cholesky_forward(gp->l, n, w);
    explained = dot(w, w, n);
    cholesky_backward(gp->l, n, w); /* K^-1 k */
    *ret_mean = dot(k, gp->alpha, n);
    *ret_variance = fmax(gp->signal + trend(gp, own, own) - explained, least_variance);
    memset(ret_mean_grad, 0, (size_t)d * sizeof *ret_mean_grad);
    memset(ret_variance_grad, 0, (size_t)d * sizeof *ret_variance_grad);
    for (int i = 0; i < n; i++) {
        const double *known = point(gp, i);
        double by = 2 * gp->signal * slope[i], m = by * gp->alpha[i], v = -2 * by * w[i];

        for (int j = 0; j < d; j++) {
            double along = gp->category[j] ? 0 : bent[j] - known[j];
            double pull = gp->weight[j] * along + gp->slant[j] * (bent[d] - known[d]);

            ret_mean_grad[j] += m * pull;
            ret_variance_grad[j] += v * pull;
        }
    }
    unbend(gp, x, ret_mean_grad, ret_variance_grad);
    add_trend_gradient(gp, x, w, ret_mean_grad, ret_variance_grad);
}
