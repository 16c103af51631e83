// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "search/methods/cma.h"
#include "search/methods/eigen.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3, LAMBDA = 8, MU = LAMBDA / 2 };

static const double no_step[32] = {0};

static double uniform(uint64_t a, uint32_t b) { return rng_uniform(3, a, b, 0); }

static double normal(uint64_t a, uint32_t b)
{
    return sqrt(-2 * log(1 - uniform(a, 2 * b))) * cos(2 * M_PI * uniform(a, 2 * b + 1));
}

/* --- the equations of the tutorial, written out --- */

struct obvious {
    double m[N], sigma, c[N][N], ps[N], pc[N];
    int g;
};

static void times(double a[N][N], const double *v, double *ret)
{
    for (int i = 0; i < N; i++) {
        ret[i] = 0;
        for (int k = 0; k < N; k++)
            ret[i] += a[i][k] * v[k];
    }
}

static void inverse_root(const double c[N][N], double ret[N][N])
{
    double copy[N * N], values[N], vectors[N * N];

    memcpy(copy, c, sizeof copy);
    eigen_symmetric(copy, N, values, vectors);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            ret[i][k] = 0;
            for (int v = 0; v < N; v++)
                ret[i][k] += vectors[v * N + i] * vectors[v * N + k] / sqrt(values[v]);
        }
}

static double size(const double *v)
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static void obvious_update(struct obvious *o, const struct cma *s, double x[LAMBDA][N])
{
    double root[N][N], y[LAMBDA][N], step[N] = {0}, white[N], chi = sqrt(N) * (1 - 1 / (4.0 * N) + 1 / (21.0 * N * N)), h, sum = 0;
    double c[N][N];

    inverse_root(o->c, root);
    for (int i = 0; i < LAMBDA; i++)
        for (int k = 0; k < N; k++)
            y[i][k] = (x[i][k] - o->m[k]) / o->sigma;
    for (int i = 0; i < MU; i++)
        for (int k = 0; k < N; k++)
            step[k] += s->weights[i] * y[i][k];
    for (int k = 0; k < N; k++)
        o->m[k] += o->sigma * step[k];
    times(root, step, white);
    for (int k = 0; k < N; k++)
        o->ps[k] = (1 - s->c_s) * o->ps[k] + sqrt(s->c_s * (2 - s->c_s) * s->mu_eff) * white[k];
    h = size(o->ps) / sqrt(1 - pow(1 - s->c_s, 2 * (o->g + 1))) < (1.4 + 2.0 / (N + 1)) * chi;
    for (int k = 0; k < N; k++)
        o->pc[k] = (1 - s->c_c) * o->pc[k] + h * sqrt(s->c_c * (2 - s->c_c) * s->mu_eff) * step[k];
    for (int i = 0; i < LAMBDA; i++)
        sum += s->weights[i];
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++) {
            c[a][b] = (1 + s->c_1 * (1 - h) * s->c_c * (2 - s->c_c) - s->c_1 - s->c_mu * sum) * o->c[a][b] +
                      s->c_1 * o->pc[a] * o->pc[b];
            for (int i = 0; i < LAMBDA; i++) {
                double w = s->weights[i];

                times(root, y[i], white);
                c[a][b] += s->c_mu * (w < 0 ? w * N / (size(white) * size(white)) : w) * y[i][a] * y[i][b];
            }
        }
    memcpy(o->c, c, sizeof c);
    o->sigma *= exp(fmin(1, s->c_s / s->d_s * (size(o->ps) / chi - 1)));
    o->g++;
}

static void an_update_is_what_the_tutorial_says(void **state)
{
    const double mean[] = { 0.5, 0.5, 0.5 };
    struct obvious o = { .m = { 0.5, 0.5, 0.5 }, .sigma = 0.05, .c = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } } };
    struct cma s;

    (void)state;
    cma_init(&s, N, no_step, 0, NULL, LAMBDA, mean, 0.05);
    for (int g = 0; g < 20; g++) {
        double x[LAMBDA][N];
        const double *rows[LAMBDA];

        for (int i = 0; i < LAMBDA; i++) {
            double z[N];

            for (int k = 0; k < N; k++)
                z[k] = normal((uint64_t)(g * LAMBDA + i), (uint32_t)k);
            cma_point(&s, z, x[i]);
            rows[i] = x[i];
        }
        cma_update(&s, rows);
        obvious_update(&o, &s, x);
        assert_true(fabs(s.sigma / o.sigma - 1) < 1e-9);
        for (int a = 0; a < N; a++) {
            assert_true(fabs(s.mean[a] - o.m[a]) < 1e-12);
            for (int b = 0; b < N; b++)
                assert_true(fabs(s.c[a * N + b] - o.c[a][b]) < 1e-9);
        }
    }
    cma_done(&s);
}

static void weights_and_rates_are_the_defaults(void **state)
{
    const double mean[10] = {0};
    double better = 0;
    struct cma s;

    (void)state;
    cma_init(&s, 10, no_step, 0, NULL, 0, mean, 0.3);
    assert_int_equal(s.lambda, 10);
    for (int i = 0; i < 5; i++)
        better += s.weights[i];
    assert_true(fabs(better - 1) < 1e-12);
    for (int i = 1; i < 10; i++)
        assert_true(s.weights[i] <= s.weights[i - 1]);
    assert_true(fabs(s.mu_eff - 3.167) < 1e-3); /* of lambda 10, as the tutorial's code prints it */
    cma_done(&s);
}

/* --- what it is for --- */

struct ranked {
    double y, x[12];
};

static int by_y(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->y, y = ((const struct ranked *)b)->y;

    return (x > y) - (x < y);
}

/* An ellipsoid of condition 10^4, tilted, with its centre off the middle. */
static double ellipsoid(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double along = x[i] - 0.37 + 0.5 * (i ? x[i - 1] - 0.37 : 0);

        sum += pow(10, 4.0 * i / (n - 1)) * along * along;
    }
    return sum;
}

static double minimise(int n, int generations)
{
    double mean[12], best = HUGE_VAL;
    struct cma s;

    for (int i = 0; i < n; i++)
        mean[i] = 0.5;
    cma_init(&s, n, no_step, 0, NULL, 0, mean, 0.3);
    for (int g = 0; g < generations; g++) {
        struct ranked points[64];
        const double *rows[64];

        for (int i = 0; i < s.lambda; i++) {
            double z[12];

            for (int k = 0; k < n; k++)
                z[k] = normal((uint64_t)(g * s.lambda + i), (uint32_t)k);
            cma_point(&s, z, points[i].x);
            points[i].y = ellipsoid(points[i].x, n);
        }
        qsort(points, (size_t)s.lambda, sizeof *points, by_y);
        for (int i = 0; i < s.lambda; i++)
            rows[i] = points[i].x;
        cma_update(&s, rows);
        best = fmin(best, points[0].y);
    }
    cma_done(&s);
    return best;
}

static void a_tilted_ellipsoid_is_no_trouble(void **state)
{
    (void)state;
    assert_true(minimise(6, 250) < 1e-12);
    assert_true(minimise(12, 400) < 1e-9);
}

static void a_number_in_steps_keeps_moving(void **state)
{
    const double step[] = { 0.25, 0 }, mean[] = { 0.5, 0.5 };
    struct cma s;
    int moved = 0;

    (void)state;
    cma_init(&s, 2, step, 0, NULL, 6, mean, 0.2);
    for (int g = 0; g < 60; g++) { /* the other number is all that matters */
        struct ranked points[6];
        const double *rows[6];

        for (int i = 0; i < 6; i++) {
            double z[] = { normal((uint64_t)(g * 6 + i), 0), normal((uint64_t)(g * 6 + i), 1) };

            cma_point(&s, z, points[i].x);
            points[i].x[0] = fmin(floor(fmax(points[i].x[0], 0) * 4), 3) / 4 + 0.125;
            points[i].y = fabs(points[i].x[1] - 0.3);
            moved += g >= 40 && points[i].x[0] != fmin(floor(s.mean[0] * 4), 3) / 4 + 0.125;
        }
        qsort(points, 6, sizeof *points, by_y);
        for (int i = 0; i < 6; i++)
            rows[i] = points[i].x;
        cma_update(&s, rows);
        assert_true(s.sigma * s.scale[0] * sqrt(s.c[0]) >= 0.4 * 0.25 - 1e-12);
    }
    assert_true(moved > 0);
    cma_done(&s);
}

static void categories_learn_and_none_is_forgotten(void **state)
{
    static const int n_choices[] = { 4 };
    struct cma s;
    int best = 0;

    (void)state;
    cma_init(&s, 0, no_step, 1, n_choices, 8, no_step, 0.2);
    for (int g = 0; g < 40; g++) {
        double points[8][1], ranked[8][1];
        const double *rows[8];
        int n = 0;

        for (int i = 0; i < 8; i++)
            points[i][0] = cma_choice(&s, 0, uniform((uint64_t)g, (uint32_t)i));
        for (int want = 1; want >= 0; want--) /* choice 2 is the best */
            for (int i = 0; i < 8; i++)
                if ((points[i][0] == 2) == want)
                    ranked[n++][0] = points[i][0];
        for (int i = 0; i < 8; i++)
            rows[i] = ranked[i];
        cma_update(&s, rows);
    }
    for (int i = 0; i < 100; i++)
        best += cma_choice(&s, 0, i / 100.0) == 2;
    assert_true(best > 75);
    for (int k = 0; k < 4; k++)
        assert_true(s.table[0][k] > 0.02);
    cma_done(&s);
}

static void many_numbers_have_a_diagonal(void **state)
{
    enum { MANY = 300 };
    static double mean[MANY], zero[MANY], points[32][MANY];
    const double *rows[32];
    struct cma s;

    (void)state;
    for (int i = 0; i < MANY; i++)
        mean[i] = 0.5;
    cma_init(&s, MANY, zero, 0, NULL, 0, mean, 0.1);
    for (int g = 0; g < 3; g++) {
        for (int i = 0; i < s.lambda; i++) {
            static double z[MANY];

            for (int k = 0; k < MANY; k++)
                z[k] = normal((uint64_t)(g * 32 + i), (uint32_t)k);
            cma_point(&s, z, points[i]);
            rows[i] = points[i];
        }
        cma_update(&s, rows);
    }
    assert_true(isfinite(s.sigma) && cma_extent(&s) > 0 && cma_extent(&s) < 1);
    cma_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_is_what_the_tutorial_says),
        cmocka_unit_test(weights_and_rates_are_the_defaults),
        cmocka_unit_test(a_tilted_ellipsoid_is_no_trouble),
        cmocka_unit_test(a_number_in_steps_keeps_moving),
        cmocka_unit_test(categories_learn_and_none_is_forgotten),
        cmocka_unit_test(many_numbers_have_a_diagonal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
