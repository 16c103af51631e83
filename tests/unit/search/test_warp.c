// SPDX-License-Identifier: Apache-2.0
#include "search/methods/warp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct warp warps[] = { { 1, 1 }, { 2.7, 0.6 }, { 0.3, 1.35 }, { 1.2, 10 }, { 0.1, 0.1 } };

enum { N_WARPS = sizeof warps / sizeof *warps };

static void it_is_the_distribution_function_of_kumaraswamy(void **state)
{
    (void)state;
    for (int i = 0; i < N_WARPS; i++)
        for (double x = 0.01; x < 1; x += 0.01)
            assert_true(fabs(warp(warps[i], x) - (1 - pow(1 - pow(x, warps[i].a), warps[i].b))) < 1e-12);
}

static void the_slopes_are_those_of_differences(void **state)
{
    const double h = 1e-6;

    (void)state;
    for (int i = 0; i < N_WARPS; i++) {
        for (double x = 0.05; x < 0.96; x += 0.1) {
            struct warp w = warps[i];
            struct warp_slopes slopes, unused;

            assert_true(fabs(warp_slopes(w, x, &slopes) - warp(w, x)) < 1e-15);
            assert_true(fabs(slopes.x - (warp(w, x + h) - warp(w, x - h)) / (2 * h)) < 1e-6);
            assert_true(fabs(slopes.log_a - (warp_slopes((struct warp){ w.a * exp(h), w.b }, x, &unused) -
                                             warp_slopes((struct warp){ w.a * exp(-h), w.b }, x, &unused)) / (2 * h)) < 1e-6);
            assert_true(fabs(slopes.log_b - (warp_slopes((struct warp){ w.a, w.b * exp(h) }, x, &unused) -
                                             warp_slopes((struct warp){ w.a, w.b * exp(-h) }, x, &unused)) / (2 * h)) < 1e-6);
        }
    }
}

static void it_grows_and_the_ends_stay_with_finite_slopes(void **state)
{
    (void)state;
    for (int i = 0; i < N_WARPS; i++) {
        struct warp_slopes slopes;

        assert_true(warp(warps[i], 0) < 0.13 && warp(warps[i], 1) > 0.87);  /* x^(1/10) reaches 0 late */
        for (double x = 0.01; x < 1; x += 0.01)
            assert_true(warp(warps[i], x) > warp(warps[i], x - 0.01));
        warp_slopes(warps[i], 0, &slopes);
        assert_true(isfinite(slopes.x) && isfinite(slopes.log_a) && isfinite(slopes.log_b));
        warp_slopes(warps[i], 1, &slopes);
        assert_true(isfinite(slopes.x) && isfinite(slopes.log_a) && isfinite(slopes.log_b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_distribution_function_of_kumaraswamy),
        cmocka_unit_test(the_slopes_are_those_of_differences),
        cmocka_unit_test(it_grows_and_the_ends_stay_with_finite_slopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
