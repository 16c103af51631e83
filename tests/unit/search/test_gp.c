// SPDX-License-Identifier: Apache-2.0
/* Judged by the textbook: K^-1 and its determinant by Gauss-Jordan elimination, one number at a time. */
#include "base/cleanup.h"
#include "search/methods/cholesky.h"
#include "search/methods/gp.h"
#include "search/methods/gp_fit.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 37, D = 4, N_THETA = D + 3 + 3 * D };

static const bool category[D] = { false, true, false, false };
static const double theta[N_THETA] = { -0.7, 0.2, 0.5, -0.2, 0.3, -6, -0.8, 0.3, -0.2, 0, 0, -0.5, 0.1, 0.2, 0.6,
                                         0.7, 0, -1.2, 0.4 };

struct sample {
    double x[N][D], y[N];
};

static void draw(struct sample *s)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < D; j++)
            s->x[i][j] = rng_uniform(5, (uint64_t)i, (uint32_t)j, 0);
        s->x[i][1] = floor(3 * s->x[i][1]);
        s->y[i] = sin(5 * s->x[i][0]) + (s->x[i][1] == 2) - s->x[i][2] * s->x[i][3];
    }
}

static double slow_warp(double x, const double *logs) { return 1 - pow(1 - pow(x, exp(logs[0])), exp(logs[1])); }

/* Each number a line and a parabola. */
static double slow_trend(const double *a, const double *b)
{
    double sum = 0;

    for (int i = 0; i < D; i++)
        if (!category[i])
            sum += (2 * a[i] - 1) * (2 * b[i] - 1) + (1 - 6 * a[i] * (1 - a[i])) * (1 - 6 * b[i] * (1 - b[i]));
    return sum / D;
}

static double slow_kernel(const double *a, const double *b, const double *t)
{
    double r2 = 0, across = 0, r;

    for (int i = 0; i < D; i++) {
        double diff = category[i] ? a[i] != b[i] : slow_warp(a[i], &t[D + 3 + 2 * i]) - slow_warp(b[i], &t[D + 3 + 2 * i]);

        r2 += diff * diff / (exp(t[i]) * exp(t[i]));
        if (!category[i])
            across += t[3 * D + 3 + i] * diff / exp(t[i]);
    }
    r2 += across * across;
    r = sqrt(r2);
    return exp(t[D]) * (1 + sqrt(5) * r + 5 * r2 / 3) * exp(-sqrt(5) * r) + exp(t[D + 2]) * slow_trend(a, b);
}

/* a = a^-1; returns log |a|. a is symmetric and positive definite: no pivoting. */
static double slow_inverse(double a[N][N])
{
    double log_det = 0;

    for (int p = 0; p < N; p++) {
        double pivot = a[p][p];

        log_det += log(pivot);
        a[p][p] = 1;
        for (int j = 0; j < N; j++)
            a[p][j] /= pivot;
        for (int i = 0; i < N; i++) {
            double factor = a[i][p];

            if (i == p)
                continue;
            a[i][p] = 0;
            for (int j = 0; j < N; j++)
                a[i][j] -= factor * a[p][j];
        }
    }
    return log_det;
}

static double slow_model(const struct sample *s, const double *t, double inverse[N][N])
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            inverse[i][j] = slow_kernel(s->x[i], s->x[j], t) + (i == j) * (exp(t[D + 1]) + 1e-8 * exp(t[D]));
    return slow_inverse(inverse);
}

static void slow_predict(const struct sample *s, const double *at, double *mean, double *variance)
{
    double inverse[N][N], k[N];

    slow_model(s, theta, inverse);
    for (int i = 0; i < N; i++)
        k[i] = slow_kernel(s->x[i], at, theta);
    *mean = 0;
    *variance = slow_kernel(at, at, theta);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            *mean += k[i] * inverse[i][j] * s->y[j];
            *variance -= k[i] * inverse[i][j] * k[j];
        }
    }
}

static double slow_loss(const struct sample *s, const double *t)
{
    double inverse[N][N], loss = 0.5 * slow_model(s, t, inverse);

    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            loss += 0.5 * s->y[i] * inverse[i][j] * s->y[j];
    for (int i = 0; i < D; i++)
        loss += pow(t[i] - (sqrt(2) + log(D) / 2 - 1), 2) / 2 / 3;
    for (int i = D + 3; i < 3 * D + 3; i++)
        loss += pow(t[i] / 0.25, 2) / 2;
    for (int i = 3 * D + 3; i < N_THETA; i++)
        loss += pow(t[i] / 3, 2) / 2;
    return loss + t[D] * t[D] / 2 + pow(t[D + 1] - log(1e-3), 2) / 2 / 4 + pow((t[D + 2] + 2) / 1.5, 2) / 2;
}

static struct gp *model(const struct sample *s)
{
    struct gp *gp = gp_new(D, D, category);

    gp_set_theta(gp, theta);
    for (int i = 0; i < N; i++)
        gp_append(gp, s->x[i]);
    gp_set_targets(gp, s->y);
    return gp;
}

static struct gp_data data_of(const struct sample *s)
{
    return (struct gp_data){ N, D, D, category, s->x[0], s->y, { 1e-3, 2, 0.5 } };
}

static void mean_and_variance_are_those_of_the_textbook(void **state)
{
    struct sample s;
    double at[40][D], mean[40], variance[40], m, v;

    (void)state;
    draw(&s);
    CLEANUP(gp_freep) struct gp *gp = model(&s);

    for (int i = 0; i < 40; i++)
        for (int j = 0; j < D; j++)
            at[i][j] = j == 1 ? i % 4 : rng_uniform(6, (uint64_t)i, (uint32_t)j, 0);
    gp_predict(gp, at[0], 40, mean, variance);
    for (int i = 0; i < 40; i++) {
        slow_predict(&s, at[i], &m, &v);
        assert_true(fabs(mean[i] - m) < 1e-8);
        assert_true(fabs(variance[i] - v) < 1e-8);
    }
}

static void one_point_predicts_as_many_do_with_the_gradient_of_differences(void **state)
{
    struct sample s;
    double at[D] = { 0.3, 2, 0.9, 0.45 }, mean, variance, m, v, mean_grad[D], variance_grad[D];

    (void)state;
    draw(&s);
    CLEANUP(gp_freep) struct gp *gp = model(&s);

    gp_gradient(gp, at, &mean, &variance, mean_grad, variance_grad);
    gp_predict(gp, at, 1, &m, &v);
    assert_true(fabs(mean - m) < 1e-10 && fabs(variance - v) < 1e-10);
    assert_true(mean_grad[1] == 0 && variance_grad[1] == 0);
    for (int j = 0; j < D; j++) {
        double h = 1e-5, up[D], down[D], m2, v2;

        if (category[j])
            continue;
        memcpy(up, at, sizeof at);
        memcpy(down, at, sizeof at);
        up[j] += h;
        down[j] -= h;
        gp_predict(gp, up, 1, &m, &v);
        gp_predict(gp, down, 1, &m2, &v2);
        assert_true(fabs(mean_grad[j] - (m - m2) / (2 * h)) < 1e-5);
        assert_true(fabs(variance_grad[j] - (v - v2) / (2 * h)) < 1e-5);
    }
}

static void a_factor_that_shrank_and_grew_is_the_same_to_the_bit(void **state)
{
    struct sample s;

    (void)state;
    draw(&s);
    CLEANUP(gp_freep) struct gp *once = model(&s);
    CLEANUP(gp_freep) struct gp *again = model(&s);

    gp_truncate(again, 11);
    for (int i = 11; i < N; i++)
        gp_append(again, s.x[i]);
    gp_set_targets(again, s.y);
    assert_memory_equal(once->l, again->l, triangle_size(N) * sizeof *once->l);
    assert_memory_equal(once->alpha, again->alpha, N * sizeof *once->alpha);
}

static void the_means_at_the_points_are_those_predicted_there(void **state)
{
    struct sample s;
    double means[N], want[N];

    (void)state;
    draw(&s);
    CLEANUP(gp_freep) struct gp *gp = model(&s);

    gp_means(gp, means);
    gp_predict(gp, s.x[0], N, want, NULL);
    for (int i = 0; i < N; i++)
        assert_true(fabs(means[i] - want[i]) < 1e-9);
}

static void the_same_point_many_times_leaves_a_finite_model(void **state)
{
    static const double still[N_THETA] = { 0, 0, 0, 0, 0, -50, -50 };
    double x[D] = { 0.5, 1, 0.5, 0.5 }, y[30], mean, variance;
    CLEANUP(gp_freep) struct gp *gp = gp_new(D, D, category);

    (void)state;
    gp_set_theta(gp, still);
    for (int i = 0; i < 30; i++) {
        gp_append(gp, x);
        y[i] = 1;
    }
    gp_set_targets(gp, y);
    gp_predict(gp, x, 1, &mean, &variance);
    assert_true(fabs(mean - 1) < 1e-3 && variance >= 0 && variance < 1e-3);
}

static void a_model_without_points_is_its_prior(void **state)
{
    double x[D] = {0}, mean, variance;
    CLEANUP(gp_freep) struct gp *gp = gp_new(D, D, category);

    (void)state;
    gp_set_theta(gp, theta);
    gp_set_targets(gp, NULL);
    gp_predict(gp, x, 1, &mean, &variance);
    assert_true(mean == 0 && fabs(variance - slow_kernel(x, x, theta)) < 1e-12);
}

static void the_loss_is_that_of_the_textbook_up_to_a_constant(void **state)
{
    static const double other[N_THETA] = { 0.4, -0.5, 0, 1, -0.6, -3, 0.5, -0.1, 0.4 };
    struct sample s;

    (void)state;
    draw(&s);
    const struct gp_data data = data_of(&s);
    double want = slow_loss(&s, theta) - slow_loss(&s, other);

    assert_true(fabs(gp_loss(&data, theta, NULL) - gp_loss(&data, other, NULL) - want) < 1e-7 * fabs(want));
}

static void the_gradient_of_the_loss_is_that_of_differences(void **state)
{
    struct sample s;
    double grad[N_THETA], one[4] = { -0.4, 0.1, -5, -1 }, one_grad[4], h = 1e-5;

    (void)state;
    draw(&s);
    const struct gp_data data = data_of(&s);
    struct gp_data shared = data_of(&s);

    gp_loss(&data, theta, grad);
    for (int k = 0; k < N_THETA; k++) {
        if (k == gp_theta_slant(D) + 1)     /* of the category: no u */
            continue;
        double up[N_THETA], down[N_THETA], want;

        memcpy(up, theta, sizeof theta);
        memcpy(down, theta, sizeof theta);
        up[k] += h;
        down[k] -= h;
        want = (gp_loss(&data, up, NULL) - gp_loss(&data, down, NULL)) / (2 * h);
        assert_true(fabs(grad[k] - want) < 1e-4 * fmax(1, fabs(want)));
    }
    shared.n_scales = 1;
    gp_loss(&shared, one, one_grad);
    for (int k = 0; k < 4; k++) {
        double up[4], down[4], want;

        memcpy(up, one, sizeof one);
        memcpy(down, one, sizeof one);
        up[k] += h;
        down[k] -= h;
        want = (gp_loss(&shared, up, NULL) - gp_loss(&shared, down, NULL)) / (2 * h);
        assert_true(fabs(one_grad[k] - want) < 1e-4 * fmax(1, fabs(want)));
    }
}

/* It changes a hundred times as fast at 0 as at 1, as over a learning rate that is not searched by its logarithm. */
static void a_fit_bends_what_changes_fast_at_one_end(void **state)
{
    struct sample s;
    double found[N_THETA];

    (void)state;
    draw(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = sin(2 * log(0.01 + s.x[i][0]));
    const struct gp_data data = data_of(&s);

    gp_theta_start(D, D, &data.noise, found);
    gp_fit(&data, 50, found);
    assert_true(slow_warp(0.1, &found[D + 3]) > 0.15);
    for (int k = D + 5; k < N_THETA; k++)
        assert_true(fabs(found[k]) < 0.1);
}

static void a_fit_finds_out_which_parameters_matter(void **state)
{
    struct sample s;
    double found[N_THETA];

    (void)state;
    draw(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = sin(6 * s.x[i][0]);
    const struct gp_data data = data_of(&s);

    gp_theta_start(D, D, &data.noise, found);
    double before = gp_loss(&data, found, NULL), after = gp_fit(&data, 50, found);

    assert_true(after < before - 10);
    for (int j = 1; j < D; j++)
        assert_true(found[0] + 1 < found[j]);
}

/* The loss of the best fit, with a slant or without. */
static double fitted(const struct sample *s, bool slanted)
{
    struct gp_data data = data_of(s);
    double found[N_THETA];

    data.slanted = slanted;
    gp_theta_start(D, D, &data.noise, found);
    for (int i = 0; slanted && i < D; i++)
        found[gp_theta_slant(D) + i] = category[i] ? 0 : 0.3;
    return gp_fit(&data, 50, found);
}

static void a_slant_pays_where_a_valley_runs_through_two_parameters(void **state)
{
    struct sample s;

    (void)state;
    draw(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = sin(6 * (s.x[i][0] + s.x[i][3]));
    assert_true(fitted(&s, true) < fitted(&s, false) - 10);
}

static void a_slant_does_not_pay_where_each_parameter_acts_alone(void **state)
{
    struct sample s;

    (void)state;
    draw(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = cos(6 * s.x[i][0]) + cos(6 * s.x[i][3]);
    assert_true(fitted(&s, false) < fitted(&s, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_variance_are_those_of_the_textbook),
        cmocka_unit_test(one_point_predicts_as_many_do_with_the_gradient_of_differences),
        cmocka_unit_test(a_factor_that_shrank_and_grew_is_the_same_to_the_bit),
        cmocka_unit_test(the_means_at_the_points_are_those_predicted_there),
        cmocka_unit_test(the_same_point_many_times_leaves_a_finite_model),
        cmocka_unit_test(a_model_without_points_is_its_prior),
        cmocka_unit_test(the_loss_is_that_of_the_textbook_up_to_a_constant),
        cmocka_unit_test(the_gradient_of_the_loss_is_that_of_differences),
        cmocka_unit_test(a_fit_bends_what_changes_fast_at_one_end),
        cmocka_unit_test(a_fit_finds_out_which_parameters_matter),
        cmocka_unit_test(a_slant_pays_where_a_valley_runs_through_two_parameters),
        cmocka_unit_test(a_slant_does_not_pay_where_each_parameter_acts_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
