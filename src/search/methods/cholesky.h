// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The dense algebra of a Gaussian process of up to a few hundred points. Pure.
 *
 * A lower triangle is packed by rows: row i has i + 1 numbers and starts at i * (i + 1) / 2. A
 * factor grows by rows, and a row depends on those above it alone: a factor that grew one row at a
 * time is, bit for bit, the one made in a single go.
 *
 * Source: Golub & Van Loan, Matrix Computations, 4th ed., section 4.2.9; Rasmussen & Williams 2006,
 * algorithm 2.1. */

#include <stddef.h>

enum { CHOLESKY_LANES = 16 }; /* right-hand sides solved at once */

static inline size_t triangle_size(int n) { return (size_t)n * ((size_t)n + 1) / 2; }

/* Sum of a[i] * b[i], in an order that does not depend on the machine. */
double dot(const double *a, const double *b, int n);

/* Row n of the factor L of K, after the rows 0 to n - 1 in `l`: `l` has room for it and holds the
 * row of K in its place. `least`: a pivot below it becomes it, so that a nearly singular K has a
 * factor. */
void cholesky_append(double *l, int n, double least);

void cholesky_forward(const double *l, int n, double *b);  /* b = L^-1 b; b is [n] */
void cholesky_backward(const double *l, int n, double *b); /* b = L^-T b */

/* b = L^-1 b for b [n × CHOLESKY_LANES] row-major; ret_sums [CHOLESKY_LANES] gets the squared
 * length of each column. */
void cholesky_forward_many(const double *l, int n, double *b, double *ret_sums);

/* The packed lower triangle of K^-1. `work` is [triangle_size(n)], overwritten with L^-1. */
void cholesky_inverse(const double *l, int n, double *work, double *ret);
