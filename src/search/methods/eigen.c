// SPDX-License-Identifier: Apache-2.0
#include "search/methods/eigen.h"

#include <math.h>
#include <string.h>

enum { SWEEPS_MAX = 30 }; /* convergence is quadratic; ten are plenty for any matrix of doubles */

/* Rotates rows p and q of m [n columns] by the angle of cosine c and sine s. */
static void rotate_rows(double *m, int n, int p, int q, double c, double s)
{
    double *a = m + (size_t)p * (size_t)n, *b = m + (size_t)q * (size_t)n;

    for (int k = 0; k < n; k++) {
        double x = a[k], y = b[k];

        a[k] = c * x - s * y;
        b[k] = s * x + c * y;
    }
}

static void rotate_columns(double *m, int n, int p, int q, double c, double s)
{
    for (int k = 0; k < n; k++, m += n) {
        double x = m[p], y = m[q];

        m[p] = c * x - s * y;
        m[q] = s * x + c * y;
    }
}

/* Golub & Van Loan, algorithm 8.5.1: the rotation that makes a[p][q] zero. */
static void annihilate(double *a, int n, int p, int q, double *vectors)
{
    double apq = a[(size_t)p * (size_t)n + (size_t)q];
    double tau = (a[(size_t)q * (size_t)n + (size_t)q] - a[(size_t)p * (size_t)n + (size_t)p]) / (2 * apq);
    double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + hypot(1, tau));
    double c = 1 / sqrt(1 + t * t), s = t * c;

    rotate_rows(a, n, p, q, c, s);
    rotate_columns(a, n, p, q, c, s);
    rotate_rows(vectors, n, p, q, c, s);
}

/* Returns whether anything was worth a rotation. */
static int sweep(double *a, int n, double *vectors)
{
    int rotated = 0;

    for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
            double here = fabs(a[(size_t)p * (size_t)n + (size_t)q]);
            double diagonal = fabs(a[(size_t)p * (size_t)n + (size_t)p]) + fabs(a[(size_t)q * (size_t)n + (size_t)q]);

            if (here <= 1e-16 * diagonal)
                continue;
            annihilate(a, n, p, q, vectors);
            rotated = 1;
        }
    }
    return rotated;
}

void eigen_symmetric(double *a, int n, double *ret_values, double *ret_vectors)
{
    memset(ret_vectors, 0, (size_t)n * (size_t)n * sizeof *ret_vectors);
    for (int i = 0; i < n; i++)
        ret_vectors[(size_t)i * (size_t)n + (size_t)i] = 1;
    for (int i = 0; i < SWEEPS_MAX && sweep(a, n, ret_vectors); i++)
        ;
    for (int i = 0; i < n; i++)
        ret_values[i] = a[(size_t)i * (size_t)n + (size_t)i];
}
