// SPDX-License-Identifier: Apache-2.0
/* Three loops take nearly all the time; they are the wide ones. */
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

void cholesky_inverse(const double *l, int n, double *work, double *ret)
{
    memset(work, 0, triangle_size(n) * sizeof *work);
    memset(ret, 0, triangle_size(n) * sizeof *ret);
    for (int i = 0; i < n; i++) {
        const double *row = row_of(l, i);
        double *to = work + triangle_size(i);

        for (int k = 0; k < i; k++)
            add_times(to, -row[k] / row[i], row_of(work, k), k + 1);
        to[i] = 1 / row[i];
        for (int k = 0; k <= i; k++)
            add_times(ret + triangle_size(k), to[k], to, k + 1);
    }
}
