// SPDX-License-Identifier: Apache-2.0
#include "search/methods/gp_fit.h"

#include "base/mem.h"
#include "search/methods/cholesky.h"
#include "search/methods/gp.h"
#include "search/methods/lbfgs.h"

#include <math.h>
#include <string.h>

/* What does not change while theta does, and scratch. Pairs (i, j) with j < i, row by row. */
struct fit {
    const struct gp_data *data;
    double *apart;     /* [pairs × n_scales] squared differences */
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
    for (int k = 0; k < data->d; k++) {
        double diff = data->category[k] ? a[k] != b[k] : a[k] - b[k];

        ret[data->n_scales == 1 ? 0 : k] += diff * diff;
    }
}

static struct fit fit_start(const struct gp_data *data)
{
    size_t pairs = n_pairs(data->n), scales = (size_t)data->n_scales, n = (size_t)data->n;
    size_t triangle = triangle_size(data->n), d = (size_t)data->d;
    double *at = xcalloc(pairs * (scales + 2) + 3 * triangle + n + scales, sizeof *at);
    struct fit f = { .data = data, .apart = at, .memory = at };

    f.k = at + pairs * scales;
    f.slope = f.k + pairs;
    f.l = f.slope + pairs;
    f.work = f.l + triangle;
    f.inverse = f.work + triangle;
    f.alpha = f.inverse + triangle;
    f.weight = f.alpha + n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++, at += scales)
            differences(data, data->x + i * d, data->x + j * d, at);
    return f;
}

/* The kernel, its factor and alpha; returns the negative log likelihood (eq. 5.8), without the
 * constant. */
static double likelihood(struct fit *f, const double *theta)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales]), noise = exp(theta[scales + 1]), loss = 0;
    const double *apart = f->apart;
    size_t p = 0;

    for (int k = 0; k < scales; k++)
        f->weight[k] = exp(-2 * theta[k]);
    for (int i = 0; i < n; i++) {
        double *row = f->l + triangle_size(i);

        for (int j = 0; j < i; j++, p++, apart += scales) {
            f->k[p] = gp_matern(dot(apart, f->weight, scales), &f->slope[p]);
            row[j] = signal * f->k[p];
        }
        row[i] = signal * (1 + 1e-8) + noise;
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

/* Eq. 5.9 with W = K^-1 - alpha alpha^T: half the trace of W dK/dtheta, dK being symmetric. */
static void likelihood_slope(struct fit *f, const double *theta, double *grad)
{
    int n = f->data->n, scales = f->data->n_scales;
    double signal = exp(theta[scales]), noise = exp(theta[scales + 1]), trace = 0, by_signal = 0;
    const double *apart = f->apart;
    size_t p = 0;

    cholesky_inverse(f->l, n, f->work, f->inverse);
    memset(grad, 0, (size_t)(scales + 2) * sizeof *grad);
    for (int i = 0; i < n; i++) {
        const double *row = f->inverse + triangle_size(i);

        for (int j = 0; j < i; j++, p++, apart += scales) {
            double w = row[j] - f->alpha[i] * f->alpha[j], pull = w * f->slope[p];

            by_signal += w * f->k[p];
            for (int k = 0; k < scales; k++)
                grad[k] += pull * apart[k];
        }
        trace += row[i] - f->alpha[i] * f->alpha[i];
    }
    for (int k = 0; k < scales; k++)
        grad[k] *= -2 * signal * f->weight[k];
    grad[scales] = signal * (by_signal + 0.5 * (1 + 1e-8) * trace);
    grad[scales + 1] = 0.5 * noise * trace;
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
    loss += prior(theta[scales], 0, 1, ret_grad ? &ret_grad[scales] : NULL);
    return loss + prior(theta[scales + 1], log(f->data->noise.median), f->data->noise.log_sd,
                        ret_grad ? &ret_grad[scales + 1] : NULL);
}

void gp_theta_start(int n_scales, const struct gp_noise *noise, double *ret_theta)
{
    for (int k = 0; k < n_scales; k++)
        ret_theta[k] = log(0.5);
    ret_theta[n_scales] = 0;
    ret_theta[n_scales + 1] = log(noise->median);
}

double gp_loss(const struct gp_data *data, const double *theta, double *ret_grad)
{
    CLEANUP(fit_done) struct fit f = fit_start(data);

    return loss_of(&f, theta, ret_grad);
}

double gp_fit(const struct gp_data *data, int rounds, double *theta)
{
    int n = data->n_scales + 2;
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

    for (int k = 0; k < n - 2; k++) { /* below: noise between grid points; above: no influence */
        lo[k] = log(0.02);
        hi[k] = log(50);
    }
    lo[n - 2] = -4;
    hi[n - 2] = 5;
    lo[n - 1] = log(1e-7);
    hi[n - 1] = log(data->noise.most);
    return lbfgs_minimise(&problem, theta);
}
