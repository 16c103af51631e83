// SPDX-License-Identifier: Apache-2.0
/* Four loops take nearly all the time; they are the wide ones. */
#include "search/methods/cholesky.h"

#include "search/methods/wide.h"

#include <math.h>
#include <string.h>

static const double *row_of(const double *l, int i) { return l + triangle_size(i); }

BODY double dot_body(const double *a, const double *b, int n)
{
    double s[8] = { 0 }, rest = 0; /* eight sums that a compiler may keep in vectors */
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            s[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        rest += a[i] * b[i];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;
}

BODY void add_times_body(double *restrict to, double factor, const double *restrict row, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += factor * row[i];
}

/* Four times that in one pass, as the time goes to reading and writing `to`. */
BODY void add_four_body(double *restrict to, const double *factors, const double *const *rows, int n)
{
    const double f0 = factors[0], f1 = factors[1], f2 = factors[2], f3 = factors[3];
    const double *restrict r0 = rows[0], *restrict r1 = rows[1], *restrict r2 = rows[2], *restrict r3 = rows[3];

    for (int i = 0; i < n; i++)
        to[i] += (f0 * r0[i] + f1 * r1[i]) + (f2 * r2[i] + f3 * r3[i]);
}

/* Written as vectors: left alone, compilers vectorise the wrong loop. */
typedef double four __attribute__((vector_size(32), aligned(8), may_alias));

/* One row of the forward substitution: v -= sum of row[j] * b[j]. */
BODY void subtract_rows_body(const double *row, int n, const double *b, double *v)
{
    four *to = (four *)v, s0 = to[0], s1 = to[1], s2 = to[2], s3 = to[3];

    _Static_assert(CHOLESKY_LANES == 16, "four vectors");
    for (int j = 0; j < n; j++) {
        const four *from = (const four *)(b + (size_t)j * CHOLESKY_LANES);

        s0 -= row[j] * from[0];
        s1 -= row[j] * from[1];
        s2 -= row[j] * from[2];
        s3 -= row[j] * from[3];
    }
    to[0] = s0, to[1] = s1, to[2] = s2, to[3] = s3;
}

WIDE static double dot_wide(const double *a, const double *b, int n) { return dot_body(a, b, n); }

WIDE static void add_times_wide(double *to, double factor, const double *row, int n)
{
    add_times_body(to, factor, row, n);
}

WIDE static void add_four_wide(double *to, const double *factors, const double *const *rows, int n)
{
    add_four_body(to, factors, rows, n);
}

WIDE static void subtract_rows_wide(const double *row, int n, const double *b, double *v)
{
    subtract_rows_body(row, n, b, v);
}

double dot(const double *a, const double *b, int n)
{
    return n >= 16 && wide() ? dot_wide(a, b, n) : dot_body(a, b, n);
}

static void add_times(double *to, double factor, const double *row, int n)
{
    if (n >= 16 && wide())
        add_times_wide(to, factor, row, n);
    else
        add_times_body(to, factor, row, n);
}

static void add_four(double *to, const double *factors, const double *const *rows, int n)
{
    if (n >= 16 && wide())
        add_four_wide(to, factors, rows, n);
    else
        add_four_body(to, factors, rows, n);
}

static void subtract_rows(const double *row, int n, const double *b, double *v)
{
    if (wide())
        subtract_rows_wide(row, n, b, v);
    else
        subtract_rows_body(row, n, b, v);
}

void cholesky_append(double *l, int n, double least)
{
    double *row = l + triangle_size(n);

    for (int j = 0; j < n; j++) {
        const double *above = row_of(l, j);

        row[j] = (row[j] - dot(row, above, j)) / above[j];
    }
    row[n] = sqrt(fmax(row[n] - dot(row, row, n), least));
}

void cholesky_forward(const double *l, int n, double *b)
{
    for (int i = 0; i < n; i++) {
        const double *row = row_of(l, i);

        b[i] = (b[i] - dot(row, b, i)) / row[i];
    }
}

void cholesky_backward(const double *l, int n, double *b)
{
    for (int i = n - 1; i >= 0; i--) {
        const double *row = row_of(l, i);

        b[i] /= row[i];
        add_times(b, -b[i], row, i);
    }
}

void cholesky_forward_many(const double *l, int n, double *b, double *ret_sums)
{
    double sums[CHOLESKY_LANES] = { 0 };

    for (int i = 0; i < n; i++) {
        const double *row = row_of(l, i);
        double *v = b + (size_t)i * CHOLESKY_LANES, scale = 1 / row[i];

        subtract_rows(row, i, b, v);
        for (int k = 0; k < CHOLESKY_LANES; k++) {
            v[k] *= scale;
            sums[k] += v[k] * v[k];
        }
    }
    memcpy(ret_sums, sums, sizeof sums);
}

/* Row i of L^-1, after those above it. */
static void inverse_row(const double *l, int i, double *work)
{
    const double *row = row_of(l, i);
    double *to = work + triangle_size(i);
    int k = 0;

    for (; k + 4 <= i; k += 4) {
        const double *rows[4] = { row_of(work, k), row_of(work, k + 1), row_of(work, k + 2), row_of(work, k + 3) };

        add_four(to, row + k, rows, k + 1);
        for (int m = 1; m < 4; m++) /* where they are longer than the first */
            for (int j = k + 1; j <= k + m; j++)
                to[j] += row[k + m] * rows[m][j];
    }
    for (; k < i; k++)
        add_times(to, row[k], row_of(work, k), k + 1);
    for (int j = 0; j < i; j++)
        to[j] *= -1 / row[i];
    to[i] = 1 / row[i];
}

/* K^-1 = L^-T L^-1, a sum over the rows of L^-1. */
void cholesky_inverse(const double *l, int n, double *work, double *ret)
{
    int i = 0;

    memset(work, 0, triangle_size(n) * sizeof *work);
    memset(ret, 0, triangle_size(n) * sizeof *ret);
    for (int k = 0; k < n; k++)
        inverse_row(l, k, work);
    for (; i + 4 <= n; i += 4) {
        const double *rows[4] = { row_of(work, i), row_of(work, i + 1), row_of(work, i + 2), row_of(work, i + 3) };

        for (int k = 0; k <= i; k++) {
            const double factors[4] = { rows[0][k], rows[1][k], rows[2][k], rows[3][k] };

            add_four(ret + triangle_size(k), factors, rows, k + 1);
        }
        for (int m = 1; m < 4; m++)
            for (int k = i + 1; k <= i + m; k++)
                add_times(ret + triangle_size(k), rows[m][k], rows[m], k + 1);
    }
    for (; i < n; i++)
        for (int k = 0; k <= i; k++)
            add_times(ret + triangle_size(k), row_of(work, i)[k], row_of(work, i), k + 1);
}
