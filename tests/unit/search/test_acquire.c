// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "search/methods/acquire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The integral of (z - u) phi(u) over u < z, divided by phi(z), by Simpson's rule: with u = z - t the
 * integrand is t exp(z t - t^2 / 2). */
static double slow_log_improvement(double z)
{
    double top = z < 0 ? 60 / fmax(1, -z) : 60 + z, sum = 0;
    int n = 400000;
    double h = top / n;

    for (int i = 0; i <= n; i++) {
        double t = i * h;

        sum += (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * t * exp(z * t - 0.5 * t * t);
    }
    return log(sum * h / 3) - 0.5 * z * z - 0.5 * log(2 * M_PI);
}

static void it_is_the_integral_it_stands_for(void **state)
{
    static const double zs[] = { 6, 2, 0.5, 0, -0.5, -1, -3, -4.999, -5.001, -8, -20, -100 };
    double slope;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(zs); i++) {
        double want = slow_log_improvement(zs[i]), got = log_improvement(zs[i], &slope);

        if (!(fabs(got - want) <= 1e-8 * fmax(1, fabs(want))))
            fail_msg("z %g: %.12g, not %.12g", zs[i], got, want);
    }
}

/* log(phi(z) / z^2) and -z: the leading terms. */
static void it_stays_finite_and_exact_far_out(void **state)
{
    static const double zs[] = { -1e3, -1e6, -1e12, -1e100 };
    double slope;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(zs); i++) {
        double z = zs[i], want = -0.5 * z * z - 0.5 * log(2 * M_PI) - 2 * log(-z);
        double got = log_improvement(z, &slope);

        assert_true(fabs(got - want) <= 1e-10 * fabs(want));
        assert_true(fabs(slope / -z - 1) < 1e-5);
    }
    assert_true(fabs(log_improvement(1e200, &slope) - log(1e200)) < 1e-10);
}

static void the_slope_is_the_derivative(void **state)
{
    double slope, ignored, h = 1e-5;

    (void)state;
    for (double z = -30; z < 8; z += 0.37) {
        double want = (log_improvement(z + h, &ignored) - log_improvement(z - h, &ignored)) / (2 * h);

        log_improvement(z, &slope);
        assert_true(fabs(slope - want) < 1e-5 * fmax(1, fabs(want)));
    }
}

static void derivatives_by_mean_and_variance_are_those_of_differences(void **state)
{
    static const double cases[][3] = { { 0, 0, 1 }, { -1, 2, 0.25 }, { 3, 1, 0.01 }, { 0, 5, 0.02 } };
    double h = 1e-6, a, b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double best = cases[i][0], m = cases[i][1], v = cases[i][2], by_mean, by_variance;
        double want_mean = (log_ei(best, m + h, v, &a, &b) - log_ei(best, m - h, v, &a, &b)) / (2 * h);
        double want_var = (log_ei(best, m, v * (1 + h), &a, &b) - log_ei(best, m, v * (1 - h), &a, &b)) / (2 * h * v);

        log_ei(best, m, v, &by_mean, &by_variance);
        assert_true(fabs(by_mean - want_mean) < 1e-5 * fmax(1, fabs(want_mean)));
        assert_true(fabs(by_variance - want_var) < 1e-4 * fmax(1, fabs(want_var)));
    }
}

static void a_lower_mean_and_a_wider_doubt_are_better(void **state)
{
    double a, b;

    (void)state;
    assert_true(log_ei(0, -1, 1, &a, &b) > log_ei(0, 1, 1, &a, &b));
    assert_true(log_ei(0, 1, 2, &a, &b) > log_ei(0, 1, 1, &a, &b));
    assert_true(a < 0 && b > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_integral_it_stands_for),
        cmocka_unit_test(it_stays_finite_and_exact_far_out),
        cmocka_unit_test(the_slope_is_the_derivative),
        cmocka_unit_test(derivatives_by_mean_and_variance_are_those_of_differences),
        cmocka_unit_test(a_lower_mean_and_a_wider_doubt_are_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
