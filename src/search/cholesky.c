// SPDX-License-Identifier: Apache-2.0
#include "search/cholesky.h"

#include <math.h>
#include <string.h>

static const double *row_of(const double *l, int i) { return l + triangle_size(i); }

double dot(const double *a, const double *b, int n)
{
    double s[8] = {0}, rest = 0; /* eight sums that a compiler may keep in vectors */
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            s[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        rest += a[i] * b[i];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest;
}

static void add_times(double *restrict to, double factor, const double *restrict row, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += factor * row[i];
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
    double sums[CHOLESKY_LANES] = {0};

    for (int i = 0; i < n; i++) {
        const double *row = row_of(l, i);
        double *to = b + (size_t)i * CHOLESKY_LANES, v[CHOLESKY_LANES];
        double scale = 1 / row[i];

        memcpy(v, to, sizeof v);
        for (int j = 0; j < i; j++)
            for (int k = 0; k < CHOLESKY_LANES; k++)
                v[k] -= row[j] * b[(size_t)j * CHOLESKY_LANES + (size_t)k];
        for (int k = 0; k < CHOLESKY_LANES; k++) {
            v[k] *= scale;
            sums[k] += v[k] * v[k];
        }
        memcpy(to, v, sizeof v);
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
