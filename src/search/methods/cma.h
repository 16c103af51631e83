// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The evolution strategy behind CmaEs: a normal distribution over numbers and a table of
 * probabilities over categories that move towards what was good. Pure.
 *
 * Numbers, x in [0, 1]^n:          x = m + sigma A B D z,  z standard normal,  C = B D^2 B^T
 * Categories, one table each:      x_j = k with probability q_jk
 *
 * After a generation of lambda points, ordered by value, with weights w_i (Hansen 2016, section
 * B.2 and algorithm on page 29; mu, c_sigma, d_sigma, c_c, c_1, c_mu are its defaults):
 *
 *   m     += c_m sum of w_i (x_i - m) over the better half
 *   p_s    = (1 - c_s) p_s + sqrt(c_s (2 - c_s) mu_eff) C^-1/2 (step of m) / sigma
 *   sigma *= exp(c_s / d_s (|p_s| / E|N(0, I)| - 1))
 *   p_c    = (1 - c_c) p_c + h_s sqrt(c_c (2 - c_c) mu_eff) (step of m) / sigma
 *   C      = (1 - c_1 - c_mu sum w) C + c_1 p_c p_c^T + c_mu sum of w_i y_i y_i^T   (w_i < 0 too)
 *   q_j   += c_q (sum of w_i e(x_ij) - q_j) over the better half
 *
 * A keeps numbers that come in steps moving: their standard deviation in x never falls below a
 * part of a step (the margin of Hamano, Saito, Nomura & Shirakawa 2022, "CMA-ES with margin", by
 * its scaling matrix alone). No category falls below a least probability, as in Hamano et al. 2024,
 * "CatCMA", whose step size for q is replaced by a constant.
 *
 * Above CMA_FULL_MOST numbers C is diagonal (Ros & Hansen 2008, "A simple modification in CMA-ES
 * achieving linear time and space complexity").
 *
 * Source: Hansen 2016, "The CMA evolution strategy: a tutorial". Deviation: a point may come from
 * an earlier distribution than the one it updates (trials run in parallel): y_i is what it is as seen
 * from the present one, cut at CMA_FAR standard deviations as in Hansen 2011, "Injecting external
 * solutions into CMA-ES". */

#include <stddef.h>
#include <stdint.h>

enum { CMA_FULL_MOST = 100 };

struct cma {
    int n, n_categories;    /* numbers, categories */
    int lambda;
    const int *n_choices;   /* [n_categories] */
    const double *step;     /* [n] distance of neighbouring values of x; 0: any value */
    double *mean;           /* [n] */
    double sigma;
    double *scale;          /* [n] diagonal of A */
    double *c;              /* C: [n × n], or its diagonal [n] */
    double *basis, *axis;   /* rows of B^T [n × n]; D [n] */
    double *path_s, *path_c;
    double **table;         /* [n_categories] of [n_choices] */
    double *weights;        /* [lambda] */
    double mu_eff, c_s, d_s, c_c, c_1, c_mu;
    int64_t generation;
    void *memory;
};

/* lambda: 0 = 4 + 3 log(n + n_categories). `n_choices` and `step` outlive it. */
void cma_init(struct cma *s, int n, const double *step, int n_categories, const int *n_choices, int lambda,
              const double *mean, double sigma);
void cma_done(struct cma *s);

/* The point that belongs to z [n] of standard normal numbers: x [n], not kept within [0, 1]. */
void cma_point(const struct cma *s, const double *z, double *ret_x);

/* The choice that belongs to u in [0, 1). */
int cma_choice(const struct cma *s, int category, double u);

/* One generation: points [lambda], best first, each of n numbers and then n_categories indexes. */
void cma_update(struct cma *s, const double *const *points);

/* The last generation did not tell its points apart: a longer step, up to `most`. After "escape flat fitness" of the
 * program in Hansen 2016, appendix C. */
void cma_widen(struct cma *s, double most);

/* The longest standard deviation of x. */
double cma_extent(const struct cma *s);
