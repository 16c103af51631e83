// SPDX-License-Identifier: Apache-2.0
#include "search/methods/cma.h"

#include "base/mem.h"
#include "search/methods/eigen.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double least_deviation = 0.4;  /* of a step: a neighbour is met in about a fifth of the points */
static const double learn_choices = 0.25;   /* c_q; measured: 0.15 to 0.35 differ little */
static const double far = 3;                /* standard deviations from the mean, times sqrt(n) */
static const double least_axis = 1e-10;     /* of D: rounding must not make C indefinite */

static bool full(const struct cma *s) { return s->n <= CMA_FULL_MOST; }

static size_t matrix_size(const struct cma *s) { return (size_t)s->n * (size_t)(full(s) ? s->n : 1); }

/* --- life --- */

/* Hansen 2016, eq. 49 to 58. */
static void set_rates(struct cma *s)
{
    double n = s->n > 0 ? s->n : 1, lambda = s->lambda, sum = 0, square = 0, worse = 0, worse_square = 0;
    int mu = s->lambda / 2;

    for (int i = 0; i < s->lambda; i++) {
        double w = s->weights[i] = log((lambda + 1) / 2) - log(i + 1);

        if (i < mu)
            sum += w, square += w * w;
        else
            worse += w, worse_square += w * w;
    }
    s->mu_eff = sum * sum / square;
    s->c_s = (s->mu_eff + 2) / (n + s->mu_eff + 5);
    s->d_s = 1 + s->c_s + 2 * fmax(0, sqrt((s->mu_eff - 1) / (n + 1)) - 1);
    s->c_c = (4 + s->mu_eff / n) / (n + 4 + 2 * s->mu_eff / n);
    s->c_1 = 2 / ((n + 1.3) * (n + 1.3) + s->mu_eff);
    s->c_mu = fmin(1 - s->c_1, 2 * (0.25 + s->mu_eff + 1 / s->mu_eff - 2) / ((n + 2) * (n + 2) + s->mu_eff));
    if (!full(s)) { /* fewer numbers to learn: Ros & Hansen 2008, section 3 */
        s->c_1 = fmin(0.5, s->c_1 * (n + 2) / 3);
        s->c_mu = fmin(1 - s->c_1, s->c_mu * (n + 2) / 3);
    }
    worse = fmin(fmin(1 + s->c_1 / s->c_mu, 1 + 2 * (worse * worse / worse_square) / (s->mu_eff + 2)),
                 (1 - s->c_1 - s->c_mu) / (n * s->c_mu)) / fabs(worse);
    for (int i = 0; i < s->lambda; i++)
        s->weights[i] *= i < mu ? 1 / sum : s->weights[i] < 0 ? worse : 0;
}

static void set_tables(struct cma *s, double *at)
{
    for (int j = 0; j < s->n_categories; j++) {
        s->table[j] = at;
        for (int k = 0; k < s->n_choices[j]; k++)
            *at++ = 1.0 / s->n_choices[j];
    }
}

void cma_init(struct cma *s, int n, const double *step, int n_categories, const int *n_choices, int lambda,
              const double *mean, double sigma)
{
    size_t choices = 0, square;
    double *at;

    *s = (struct cma){ .n = n, .n_categories = n_categories, .n_choices = n_choices, .step = step, .sigma = sigma };
    s->lambda = lambda ? lambda : 4 + (int)(3 * log(n + n_categories > 0 ? n + n_categories : 1));
    square = matrix_size(s);
    for (int j = 0; j < n_categories; j++)
        choices += (size_t)n_choices[j];
    at = s->memory = xcalloc(2 * square + 5 * (size_t)n + (size_t)s->lambda + choices + 1, sizeof *at);
    s->table = xcalloc((size_t)n_categories + 1, sizeof *s->table);
    s->c = at;
    s->basis = s->c + square;
    s->mean = s->basis + square;
    s->scale = s->mean + n;
    s->axis = s->scale + n;
    s->path_s = s->axis + n;
    s->path_c = s->path_s + n;
    s->weights = s->path_c + n;
    memcpy(s->mean, mean, (size_t)n * sizeof *mean);
    for (int i = 0; i < n; i++) {
        s->axis[i] = s->scale[i] = 1;
        s->c[full(s) ? i * n + i : i] = 1;
        if (full(s))
            s->basis[i * n + i] = 1;
    }
    set_tables(s, s->weights + s->lambda);
    set_rates(s);
}

void cma_done(struct cma *s)
{
    free(s->memory);
    free(s->table);
    *s = (struct cma){0};
}

/* --- drawing --- */

/* B D z, without sigma and A. */
static void shape(const struct cma *s, const double *z, double *ret)
{
    for (int i = 0; i < s->n; i++)
        ret[i] = full(s) ? 0 : s->axis[i] * z[i];
    for (int k = 0; k < s->n && full(s); k++)
        for (int i = 0; i < s->n; i++)
            ret[i] += s->basis[k * s->n + i] * s->axis[k] * z[k];
}

void cma_point(const struct cma *s, const double *z, double *ret_x)
{
    shape(s, z, ret_x);
    for (int i = 0; i < s->n; i++)
        ret_x[i] = s->mean[i] + s->sigma * s->scale[i] * ret_x[i];
}

int cma_choice(const struct cma *s, int category, double u)
{
    const double *q = s->table[category];
    int k = 0;

    while (k < s->n_choices[category] - 1 && u >= q[k])
        u -= q[k++];
    return k;
}

void cma_widen(struct cma *s, double most)
{
    s->sigma = fmax(s->sigma, fmin(s->sigma * exp(0.2 + s->c_s / s->d_s), most));
}

double cma_extent(const struct cma *s)
{
    double longest = 0;

    for (int i = 0; i < s->n; i++)
        longest = fmax(longest, s->axis[i]);
    return s->sigma * longest;
}

/* --- learning --- */

/* C^-1/2 y = B D^-1 B^T y */
static void whiten(const struct cma *s, const double *y, double *ret)
{
    for (int i = 0; i < s->n; i++)
        ret[i] = full(s) ? 0 : y[i] / s->axis[i];
    for (int k = 0; k < s->n && full(s); k++) {
        const double *b = s->basis + k * s->n;
        double along = 0;

        for (int i = 0; i < s->n; i++)
            along += b[i] * y[i];
        for (int i = 0; i < s->n; i++)
            ret[i] += b[i] * along / s->axis[k];
    }
}

static double length(const double *v, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* (x - m) / (sigma A), not farther than anything the distribution is likely to draw. Returns |C^-1/2 y|. */
static double seen_from_mean(const struct cma *s, const double *x, double *work, double *ret_y)
{
    double distance, most = far * sqrt(s->n) + 1;

    for (int i = 0; i < s->n; i++)
        ret_y[i] = (x[i] - s->mean[i]) / (s->sigma * s->scale[i]);
    whiten(s, ret_y, work);
    distance = length(work, s->n);
    if (distance <= most)
        return distance;
    for (int i = 0; i < s->n; i++)
        ret_y[i] *= most / distance;
    return most;
}

static void add_outer(struct cma *s, double factor, const double *y)
{
    for (int i = 0; i < s->n; i++) {
        if (!full(s))
            s->c[i] += factor * y[i] * y[i];
        for (int k = 0; k <= i && full(s); k++)
            s->c[i * s->n + k] += factor * y[i] * y[k];
    }
}

static void update_paths(struct cma *s, const double *step, double *work, bool *ret_moving)
{
    double n = s->n, expected = sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)), size;
    double gain_s = sqrt(s->c_s * (2 - s->c_s) * s->mu_eff), gain_c = sqrt(s->c_c * (2 - s->c_c) * s->mu_eff);

    whiten(s, step, work);
    for (int i = 0; i < s->n; i++)
        s->path_s[i] = (1 - s->c_s) * s->path_s[i] + gain_s * work[i];
    size = length(s->path_s, s->n);
    *ret_moving = size / sqrt(1 - pow(1 - s->c_s, 2 * (double)(s->generation + 1))) < (1.4 + 2 / (n + 1)) * expected;
    for (int i = 0; i < s->n; i++)
        s->path_c[i] = (1 - s->c_c) * s->path_c[i] + (*ret_moving ? gain_c * step[i] : 0);
    s->sigma *= exp(fmin(1, s->c_s / s->d_s * (size / expected - 1)));
}

/* y [lambda × n] and |C^-1/2 y| [lambda], of before. */
static void update_c(struct cma *s, const double *y, const double *distances, bool moving)
{
    double sum = 0, keep;

    for (int i = 0; i < s->lambda; i++)
        sum += s->weights[i];
    keep = 1 - s->c_1 - s->c_mu * sum + (moving ? 0 : s->c_1 * s->c_c * (2 - s->c_c));
    for (size_t i = 0; i < matrix_size(s); i++)
        s->c[i] *= keep;
    add_outer(s, s->c_1, s->path_c);
    for (int i = 0; i < s->lambda; i++) {
        double w = s->weights[i], d2 = distances[i] * distances[i];

        add_outer(s, s->c_mu * (w < 0 ? w * s->n / fmax(d2, 1e-30) : w), y + (size_t)i * (size_t)s->n);
    }
}

static void decompose(struct cma *s, double *work)
{
    int n = s->n;

    if (!full(s)) {
        for (int i = 0; i < n; i++)
            s->axis[i] = fmax(sqrt(fmax(s->c[i], 0)), least_axis);
        return;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k <= i; k++)
            work[i * n + k] = work[k * n + i] = s->c[k * n + i] = s->c[i * n + k];
    eigen_symmetric(work, n, s->axis, s->basis);
    for (int i = 0; i < n; i++)
        s->axis[i] = fmax(sqrt(fmax(s->axis[i], 0)), least_axis);
}

static void set_margins(struct cma *s)
{
    for (int i = 0; i < s->n; i++) {
        double deviation = s->sigma * sqrt(fmax(s->c[full(s) ? i * s->n + i : i], 0));

        s->scale[i] = s->step[i] > 0 ? fmax(1, least_deviation * s->step[i] / fmax(deviation, 1e-300)) : 1;
    }
}

static void update_tables(struct cma *s, const double *const *points)
{
    for (int j = 0; j < s->n_categories; j++) {
        double *q = s->table[j], sum = 0, least = 1.0 / (s->lambda * s->n_choices[j]);

        for (int k = 0; k < s->n_choices[j]; k++)
            q[k] *= 1 - learn_choices;
        for (int i = 0; i < s->lambda / 2; i++)
            q[(int)points[i][s->n + j]] += learn_choices * s->weights[i];
        for (int k = 0; k < s->n_choices[j]; k++)
            sum += q[k] = fmax(q[k], least);
        for (int k = 0; k < s->n_choices[j]; k++)
            q[k] /= sum;
    }
}

static void update_numbers(struct cma *s, const double *const *points)
{
    size_t n = (size_t)s->n, lambda = (size_t)s->lambda;
    CLEANUP(freep) double *y = xcalloc((lambda + 2) * n + lambda + matrix_size(s), sizeof *y);
    double *distances = y + lambda * n, *step = distances + lambda, *work = step + n;
    bool moving;

    for (size_t i = 0; i < lambda; i++)
        distances[i] = seen_from_mean(s, points[i], work, y + i * n);
    for (size_t i = 0; i < lambda / 2; i++)
        for (size_t k = 0; k < n; k++)
            step[k] += s->weights[i] * y[i * n + k];
    for (size_t k = 0; k < n; k++)
        s->mean[k] = fmin(fmax(s->mean[k] + s->sigma * s->scale[k] * step[k], 0), 1);
    update_paths(s, step, work, &moving);
    update_c(s, y, distances, moving);
    decompose(s, work);
    set_margins(s);
}

void cma_update(struct cma *s, const double *const *points)
{
    if (s->n)
        update_numbers(s, points);
    update_tables(s, points);
    s->generation++;
}
