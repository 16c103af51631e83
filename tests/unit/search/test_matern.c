// SPDX-License-Identifier: Apache-2.0
#include "search/methods/matern.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { N = 4001 };

/* From 10^-20 to 10^4, where k is 10^-95. */
static double distance(int i) { return i ? pow(10, -20 + 24.0 * i / N) : 0; }

static void it_is_the_formula_of_the_library_s_functions(void **state)
{
    double k[N], slope[N];

    (void)state;
    for (int i = 0; i < N; i++)
        k[i] = distance(i);
    matern(k, N, slope);
    for (int i = 0; i < N; i++) {
        double q = sqrt(5 * distance(i)), e = exp(-q);

        assert_true(fabs(k[i] / ((1 + q + q * q / 3) * e) - 1) < 2e-15);
        assert_true(fabs(slope[i] / (-5.0 / 6 * (1 + q) * e) - 1) < 2e-15);
    }
}

static void a_number_gives_the_same_bits_wherever_it_stands(void **state)
{
    double row[11], slopes[11], k, slope;

    (void)state;
    for (int n = 1; n <= 11; n++) {
        for (int i = 0; i < n; i++)
            row[i] = distance(1000 + 97 * i);
        matern(row, n, slopes);
        for (int i = 0; i < n; i++) {
            k = distance(1000 + 97 * i);
            matern(&k, 1, &slope);
            assert_memory_equal(&k, &row[i], sizeof k);
            assert_memory_equal(&slope, &slopes[i], sizeof slope);
        }
    }
}

static void far_away_is_nothing_and_never_a_nan(void **state)
{
    double k[] = { 1e5, 1e6, 1e300, HUGE_VAL }, slope[4];

    (void)state;
    matern(k, 4, slope);
    for (int i = 0; i < 4; i++)
        assert_true(k[i] >= 0 && k[i] < 1e-290 && slope[i] <= 0 && slope[i] > -1e-290);
}

static void no_number_is_no_work(void **state)
{
    (void)state;
    matern(NULL, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_formula_of_the_library_s_functions),
        cmocka_unit_test(a_number_gives_the_same_bits_wherever_it_stands),
        cmocka_unit_test(far_away_is_nothing_and_never_a_nan),
        cmocka_unit_test(no_number_is_no_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
