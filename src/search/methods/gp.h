// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A Gaussian process with mean 0 over numbers and categories. Pure; one thread per struct gp.
 *
 *   r^2(a, b) = sum over i of d_i(a, b) / l_i^2 + (z(a) - z(b))^2
 *   d_i       = (w_i(a_i) - w_i(b_i))^2; for a category 1 where they differ, else 0
 *   z(a)      = sum over numbers i of u_i w_i(a_i) / l_i
 *   k(a, b)   = s^2 (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r)             (search/methods/matern.h)
 *             + t^2 f(a)^T f(b)                                             (search/methods/trend.h)
 *
 * and a noise variance on the diagonal. A category differs or does not: no order, no distance.
 * Points are rows of d numbers, numeric ones in [0, 1]; w_i bends a number (search/methods/warp.h). The slant u is the direction
 * across a valley that runs through several parameters: a learning rate that has to fall as the momentum rises. Where it is 0 the
 * lengths along the axes say it all.
 *
 * The hyperparameters theta are [n_scales] log l, log s^2, log of the noise variance, log t^2, and where
 * each dimension has a length of its own, [d] pairs log a, log b, and [d] u, which are 0 for categories. n_scales is d (one
 * length each) or 1 (one for all, nothing is bent, and no slant).
 *
 * Source: Rasmussen & Williams 2006, eq. 2.25, 2.26 and algorithm 2.1; section 5.1 for the slant, which is the
 * factor analysis distance there, with one factor. */

#include "base/cleanup.h"
#include "search/methods/trend.h"
#include "search/methods/warp.h"

#include <stdbool.h>
#include <stddef.h>

struct gp {
    int d, n_scales;
    bool *category;       /* [d] */
    double *weight;       /* [d] 1 / l^2 */
    struct warp *warps;   /* [d], NULL where nothing is bent */
    double *slant;        /* [d] u / l */
    double signal, noise, trend; /* variances s^2, of the noise, t^2 */
    int n, room;          /* points in the factor */
    double *x;            /* [room × (d + 1)], bent, and z */
    double *features;     /* [room × d × TREND_FEATURES] */
    double *l;            /* packed factor of the kernel matrix */
    double *y, *alpha;    /* [room] targets, and K^-1 y */
};

struct gp *gp_new(int d, int n_scales, const bool *category);
void gp_free(struct gp *gp); /* NULL is fine */
DEFINE_FREEP(gp)

/* Where things stand in theta, behind the lengths. */
enum { THETA_SIGNAL, THETA_NOISE, THETA_TREND, THETA_WARPS };

int gp_n_theta(int d, int n_scales); /* how many numbers theta has */
int gp_theta_slant(int d);           /* where u stands in a theta of d lengths; the last of it */

/* theta [gp_n_theta()]. Also forgets all points. */
void gp_set_theta(struct gp *gp, const double *theta);

void gp_truncate(struct gp *gp, int n); /* keeps the first n points */

/* Adds one point, in O(n^2). The factor is the same, bit for bit, as if it had been made in one. */
void gp_append(struct gp *gp, const double *x);

void gp_set_targets(struct gp *gp, const double *y); /* [gp->n], copied */

/* The mean at the points that it has, [gp->n]; in O(n), as their targets are set. */
void gp_means(const struct gp *gp, double *ret);

/* Mean and variance of the function (without noise) at x [m × d]. Both [m]; the variance is at
 * least 1e-12. ret_variance may be NULL. */
void gp_predict(const struct gp *gp, const double *x, int m, double *ret_mean,
                double *ret_variance);

/* The same at one point, and the gradients [d], which are 0 for categories. */
void gp_gradient(const struct gp *gp, const double *x, double *ret_mean, double *ret_variance,
                 double *ret_mean_grad, double *ret_variance_grad);
