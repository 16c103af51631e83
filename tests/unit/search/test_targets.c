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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transform_is_that_of_the_paper),
        cmocka_unit_test(the_likeliest_lambda_beats_a_fine_grid),
        cmocka_unit_test(order_is_kept_with_mean_0_and_variance_1),
        cmocka_unit_test(equal_objectives_are_all_zero),
        cmocka_unit_test(the_largest_and_the_smallest_doubles_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
