// SPDX-License-Identifier: Apache-2.0
#include "search/methods/lbfgs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double rosenbrock(void *arg, const double *x, double *grad)
{
    double a = 1 - x[0], b = x[1] - x[0] * x[0];

    ++*(int *)arg;
    grad[0] = -2 * a - 400 * x[0] * b;
    grad[1] = 200 * b;
    return a * a + 100 * b * b;
}

/* Sum of (i + 1) (x_i - 2)^2. */
static double bowl(void *arg, const double *x, double *grad)
{
    double sum = 0;

    for (int i = 0; i < *(int *)arg; i++) {
        grad[i] = 2 * (i + 1) * (x[i] - 2);
        sum += (i + 1) * (x[i] - 2) * (x[i] - 2);
    }
    return sum;
}

static double only_above_zero(void *arg, const double *x, double *grad)
{
    (void)arg;
    grad[0] = 1 - 1 / x[0];
    return x[0] > 0 ? x[0] - log(x[0]) : NAN;
}

static double nowhere(void *arg, const double *x, double *grad)
{
    (void)arg, (void)x;
    grad[0] = NAN;
    return NAN;
}

static void the_bent_valley_is_followed_to_its_end(void **state)
{
    static const double lo[] = { -5, -5 }, hi[] = { 5, 5 };
    int calls = 0;
    const struct lbfgs p = { 2, lo, hi, 200, 1e-14, rosenbrock, &calls };
    double x[] = { -1.2, 1 };

    (void)state;
    assert_true(lbfgs_minimise(&p, x) < 1e-10);
    assert_true(fabs(x[0] - 1) < 1e-4 && fabs(x[1] - 1) < 1e-4);
    assert_true(calls < 100); /* steepest descent takes thousands */
}

static void a_minimum_outside_the_box_is_met_at_its_wall(void **state)
{
    double lo[20], hi[20], x[20];
    int n = 20;
    const struct lbfgs p = { n, lo, hi, 100, 1e-14, bowl, &n };

    (void)state;
    for (int i = 0; i < n; i++) {
        lo[i] = 0;
        hi[i] = i % 2 ? 1 : 3;
        x[i] = 9; /* outside: moved in first */
    }
    lbfgs_minimise(&p, x);
    for (int i = 0; i < n; i++)
        assert_true(fabs(x[i] - (i % 2 ? 1 : 2)) < 1e-5);
}

static void points_without_a_value_are_stepped_back_from(void **state)
{
    static const double lo[] = { -10 }, hi[] = { 10 };
    const struct lbfgs p = { 1, lo, hi, 100, 1e-14, only_above_zero, NULL };
    double x[] = { 0.01 };

    (void)state;
    lbfgs_minimise(&p, x);
    assert_true(fabs(x[0] - 1) < 1e-4);
}

static void a_function_without_values_leaves_the_start(void **state)
{
    static const double lo[] = { 0 }, hi[] = { 1 };
    const struct lbfgs p = { 1, lo, hi, 100, 1e-14, nowhere, NULL };
    double x[] = { 0.5 };

    (void)state;
    assert_true(isnan(lbfgs_minimise(&p, x)));
    assert_true(x[0] == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bent_valley_is_followed_to_its_end),
        cmocka_unit_test(a_minimum_outside_the_box_is_met_at_its_wall),
        cmocka_unit_test(points_without_a_value_are_stepped_back_from),
        cmocka_unit_test(a_function_without_values_leaves_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
