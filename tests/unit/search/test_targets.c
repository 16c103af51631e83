// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "search/methods/rng.h"
#include "search/methods/targets.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The four branches as the paper writes them. */
static double slow_yeo_johnson(double y, double lambda)
{
    if (y >= 0)
        return lambda == 0 ? log(y + 1) : (pow(y + 1, lambda) - 1) / lambda;
    return lambda == 2 ? -log(1 - y) : -(pow(1 - y, 2 - lambda) - 1) / (2 - lambda);
}

static double slow_likelihood(const double *z, int n, double lambda)
{
    double mean = 0, variance = 0, jacobian = 0;

    for (int i = 0; i < n; i++) {
        mean += slow_yeo_johnson(z[i], lambda) / n;
        jacobian += (lambda - 1) * copysign(log(fabs(z[i]) + 1), z[i]);
    }
    for (int i = 0; i < n; i++)
        variance += pow(slow_yeo_johnson(z[i], lambda) - mean, 2) / n;
    return jacobian - 0.5 * n * log(variance);
}

static void the_transform_is_that_of_the_paper(void **state)
{
    static const double lambdas[] = { -2, -0.3, 0, 1e-12, 0.5, 1, 1.9, 2, 3.5 };
    static const double zs[] = { -20, -3, -1e-3, 0, 1e-3, 0.7, 20 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lambdas); i++) {
        for (size_t k = 0; k < ARRAY_LEN(zs); k++) {
            double lambda = fabs(lambdas[i]) < 1e-9 ? 0 : lambdas[i];
            double want = slow_yeo_johnson(zs[k], lambda);

            assert_true(fabs(yeo_johnson(zs[k], lambdas[i]) - want) < 1e-9 * fmax(1, fabs(want)));
        }
    }
}

static void the_likeliest_lambda_beats_a_fine_grid(void **state)
{
    double z[60];

    (void)state;
    for (int i = 0; i < 60; i++)
        z[i] = exp(3 * rng_uniform(1, (uint64_t)i, 0, 0)) - 2;
    double lambda = yeo_johnson_lambda(z, 60), best = slow_likelihood(z, 60, lambda);

    for (double other = -1.99; other < 4; other += 0.013)
        assert_true(slow_likelihood(z, 60, other) < best + 1e-3);
}

static void order_is_kept_with_mean_0_and_variance_1(void **state)
{
    double y[50], z[50], mean = 0, variance = 0;

    (void)state;
    for (int i = 0; i < 50; i++)
        y[i] = exp(5 * rng_uniform(2, (uint64_t)i, 0, 0));
    targets_normal(y, 50, z);
    for (int i = 0; i < 50; i++) {
        mean += z[i] / 50;
        variance += z[i] * z[i] / 50;
        for (int k = 0; k < 50; k++)
            assert_true(y[i] >= y[k] || z[i] <= z[k]);
    }
    assert_true(fabs(mean) < 1e-12 && fabs(variance - 1) < 1e-9);
}

static void equal_objectives_are_all_zero(void **state)
{
    double y[] = { 7, 7, 7 }, one[] = { 1e308 };

    (void)state;
    targets_normal(y, 3, y);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
    targets_normal(one, 1, one);
    assert_true(one[0] == 0);
}

static void the_largest_and_the_smallest_doubles_are_no_trouble(void **state)
{
    double huge[] = { DBL_MAX, -DBL_MAX, 0, 1, 1e308 }, tiny[] = { 5e-300, 1e-300, 2e-300 };
    double nearly[] = { 1, 1, 1, 1, 1, 1, 2 };

    (void)state;
    targets_normal(huge, 5, huge);
    assert_true(huge[1] < huge[2] && huge[2] < huge[4] && huge[4] <= huge[0] && isfinite(huge[0]));
    targets_normal(tiny, 3, tiny);
    assert_true(tiny[1] < tiny[2] && tiny[2] < tiny[0]);
    targets_normal(nearly, 7, nearly);
    assert_true(nearly[0] < nearly[6]);
}

static void a_value_far_above_is_moved_down(void **state)
{
    double y[31], before[31], first;

    (void)state;
    for (int i = 0; i < 30; i++)
        y[i] = before[i] = rng_uniform(3, (uint64_t)i, 0, 0);
    y[30] = before[30] = 1e12;
    first = targets_close_gaps(y, 31);
    assert_memory_equal(y, before, 30 * sizeof *y);
    assert_true(y[30] > 1 && y[30] <= 11 && first == y[30]);
}

static void a_penalty_of_most_leaves_the_others_apart(void **state)
{
    double y[40], z[40];

    (void)state;
    for (int i = 0; i < 40; i++)
        y[i] = i < 10 ? i / 10.0 : 1e6;
    assert_true(targets_close_gaps(y, 40) == HUGE_VAL);     /* they are not the few */
    targets_normal(y, 40, z);
    assert_true(z[9] - z[0] > 0.01 && z[10] > z[9] && z[10] == z[39]);
}

static void values_without_a_gap_stay_as_they_are(void **state)
{
    double y[50], before[50], few[] = { 0, 1e-9, 1, NAN, 7 }, few_before[5];

    (void)state;
    for (int i = 0; i < 50; i++)
        y[i] = before[i] = exp(9 * rng_uniform(4, (uint64_t)i, 0, 0));
    memcpy(few_before, few, sizeof few);
    assert_true(targets_close_gaps(y, 50) == HUGE_VAL && targets_close_gaps(few, 5) == HUGE_VAL);
    assert_memory_equal(y, before, sizeof y);
    assert_memory_equal(few, few_before, sizeof few);
}

static void order_and_nan_are_kept_however_large_the_gaps(void **state)
{
    double y[] = { DBL_MAX, -DBL_MAX, NAN, -1, 0, 1, 2, 3, 1e5, 1e300, 1e308, -DBL_MAX }, before[ARRAY_LEN(y)];

    (void)state;
    memcpy(before, y, sizeof y);
    targets_close_gaps(y, (int)ARRAY_LEN(y));
    for (size_t i = 0; i < ARRAY_LEN(y); i++) {
        assert_true(isnan(before[i]) ? isnan(y[i]) : isfinite(y[i]));
        for (size_t k = 0; k < ARRAY_LEN(y); k++)
            assert_false(before[i] < before[k] && y[i] > y[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transform_is_that_of_the_paper),
        cmocka_unit_test(the_likeliest_lambda_beats_a_fine_grid),
        cmocka_unit_test(order_is_kept_with_mean_0_and_variance_1),
        cmocka_unit_test(equal_objectives_are_all_zero),
        cmocka_unit_test(a_value_far_above_is_moved_down),
        cmocka_unit_test(a_penalty_of_most_leaves_the_others_apart),
        cmocka_unit_test(values_without_a_gap_stay_as_they_are),
        cmocka_unit_test(order_and_nan_are_kept_however_large_the_gaps),
        cmocka_unit_test(the_largest_and_the_smallest_doubles_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
