// SPDX-License-Identifier: Apache-2.0
#include "search/methods/cholesky.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST = 41 };

static double symmetric(const double *packed, int i, int j)
{
    return i > j ? packed[triangle_size(i) + (size_t)j] : packed[triangle_size(j) + (size_t)i];
}

/* K, well conditioned, and its factor. */
static void make(int n, double *k, double *l)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++)
            l[triangle_size(i) + (size_t)j] = k[triangle_size(i) + (size_t)j] =
                rng_uniform(3, (uint64_t)i, (uint32_t)j, 0) + (i == j ? n : 0);
        cholesky_append(l, i, 0);
    }
}

static void the_factor_times_itself_is_the_matrix(void **state)
{
    double k[MOST * (MOST + 1) / 2], l[MOST * (MOST + 1) / 2];

    (void)state;
    make(MOST, k, l);
    for (int i = 0; i < MOST; i++)
        for (int j = 0; j <= i; j++)
            assert_true(fabs(dot(&l[triangle_size(i)], &l[triangle_size(j)], j + 1) - symmetric(k, i, j)) < 1e-11);
}

/* Sizes with and without a rest of the blocks that it goes by. */
static void the_inverse_times_the_matrix_is_one(void **state)
{
    double k[MOST * (MOST + 1) / 2], l[MOST * (MOST + 1) / 2], work[MOST * (MOST + 1) / 2], inverse[MOST * (MOST + 1) / 2];

    (void)state;
    for (int n = 1; n <= MOST; n++) {
        make(n, k, l);
        cholesky_inverse(l, n, work, inverse);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;

                for (int m = 0; m < n; m++)
                    sum += symmetric(k, i, m) * symmetric(inverse, m, j);
                assert_true(fabs(sum - (i == j)) < 1e-12);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_factor_times_itself_is_the_matrix),
        cmocka_unit_test(the_inverse_times_the_matrix_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
