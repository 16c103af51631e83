// SPDX-License-Identifier: Apache-2.0
#include "search/methods/sobol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void the_first_points_are_one_in_each_interval_of_each_dimension(void **state)
{
    enum { N = 256 };

    (void)state;
    for (uint32_t d = 0; d < SOBOL_DIMS; d++) {
        bool taken[N] = {0};

        for (uint64_t i = 0; i < N; i++) {
            double u = sobol_uniform(5, i, d);

            assert_true(u >= 0 && u < 1);
            assert_false(taken[(int)(u * N)]);
            taken[(int)(u * N)] = true;
        }
    }
}

/* The first two dimensions are a (0, 2)-sequence: one point in every elementary box of area 1 / N. */
static void two_dimensions_fill_every_elementary_box(void **state)
{
    enum { K = 8, N = 1 << K };

    (void)state;
    for (int k = 0; k <= K; k++) {
        bool taken[N] = {0};

        for (uint64_t i = 0; i < N; i++) {
            int row = (int)(sobol_uniform(9, i, 0) * (1 << k)), column = (int)(sobol_uniform(9, i, 1) * (N >> k));

            assert_false(taken[row * (N >> k) + column]);
            taken[row * (N >> k) + column] = true;
        }
    }
}

/* Any quarter of the square gets its share from any two of the dimensions. */
static void no_two_dimensions_go_together(void **state)
{
    (void)state;
    for (uint32_t d = 1; d < SOBOL_DIMS; d++) {
        for (uint32_t e = 0; e < d; e++) {
            int both_low = 0;

            for (uint64_t i = 0; i < 1024; i++)
                both_low += sobol_uniform(3, i, d) < 0.5 && sobol_uniform(3, i, e) < 0.5;
            assert_true(both_low == 256);
        }
    }
}

static void the_seed_chooses_the_points_and_further_dimensions_are_random(void **state)
{
    (void)state;
    assert_true(sobol_uniform(1, 7, 3) == sobol_uniform(1, 7, 3));
    assert_true(sobol_uniform(1, 7, 3) != sobol_uniform(2, 7, 3));
    assert_true(sobol_uniform(1, 7, SOBOL_DIMS) != sobol_uniform(1, 7, SOBOL_DIMS + 1));
    assert_true(sobol_uniform(1, UINT64_MAX, 0) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_points_are_one_in_each_interval_of_each_dimension),
        cmocka_unit_test(two_dimensions_fill_every_elementary_box),
        cmocka_unit_test(no_two_dimensions_go_together),
        cmocka_unit_test(the_seed_chooses_the_points_and_further_dimensions_are_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
