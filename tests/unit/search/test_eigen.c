// SPDX-License-Identifier: Apache-2.0
#include "search/methods/eigen.h"

#include "base/cleanup.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N = 12 };

/* A random symmetric matrix with eigenvalues from 1 down to 1e-9 in `a`. */
static void make(double *a)
{
    double b[N][N], q[N][N] = {0};

    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            b[i][k] = rng_uniform(7, (uint64_t)i, (uint32_t)k, 0) - 0.5;
    for (int i = 0; i < N; i++) { /* Gram and Schmidt, twice for good measure */
        for (int round = 0; round < 2; round++)
            for (int j = 0; j < i; j++) {
                double along = 0;

                for (int k = 0; k < N; k++)
                    along += b[i][k] * q[j][k];
                for (int k = 0; k < N; k++)
                    b[i][k] -= along * q[j][k];
            }
        double size = 0;

        for (int k = 0; k < N; k++)
            size += b[i][k] * b[i][k];
        for (int k = 0; k < N; k++)
            q[i][k] = b[i][k] / sqrt(size);
    }
    memset(a, 0, N * N * sizeof *a);
    for (int v = 0; v < N; v++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                a[i * N + k] += pow(10, -9.0 * v / (N - 1)) * q[v][i] * q[v][k];
}

static int falling(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a < b) - (a > b);
}

static void values_are_those_the_matrix_was_made_of(void **state)
{
    double a[N * N], values[N], vectors[N * N];

    (void)state;
    make(a);
    eigen_symmetric(a, N, values, vectors);
    qsort(values, N, sizeof *values, falling);
    for (int v = 0; v < N; v++)
        assert_true(fabs(values[v] - pow(10, -9.0 * v / (N - 1))) < 1e-14);
}

static void vectors_are_orthonormal_and_give_the_matrix_back(void **state)
{
    double a[N * N], copy[N * N], values[N], vectors[N * N];

    (void)state;
    make(a);
    memcpy(copy, a, sizeof a);
    eigen_symmetric(copy, N, values, vectors);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++) {
            double product = 0, back = 0;

            for (int j = 0; j < N; j++) {
                product += vectors[i * N + j] * vectors[k * N + j];
                back += values[j] * vectors[j * N + i] * vectors[j * N + k];
            }
            assert_true(fabs(product - (i == k)) < 1e-13);
            assert_true(fabs(back - a[i * N + k]) < 1e-13);
        }
    }
}

static void the_smallest_matrices_are_no_trouble(void **state)
{
    double one[] = { 4 }, diagonal[] = { 2, 0, 0, -3 }, zero[4] = {0}, values[2], vectors[4];

    (void)state;
    eigen_symmetric(one, 1, values, vectors);
    assert_true(values[0] == 4 && vectors[0] == 1);
    eigen_symmetric(diagonal, 2, values, vectors);
    assert_true(values[0] == 2 && values[1] == -3);
    eigen_symmetric(zero, 2, values, vectors);
    assert_true(values[0] == 0 && values[1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_the_matrix_was_made_of),
        cmocka_unit_test(vectors_are_orthonormal_and_give_the_matrix_back),
        cmocka_unit_test(the_smallest_matrices_are_no_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
