// SPDX-License-Identifier: Apache-2.0
#include "search/methods/matern.h"

#include "search/methods/wide.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 4 };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef int64_t lane_bits __attribute__((vector_size(LANES * sizeof(int64_t))));

static const double q_most = 700; /* beyond, and long before, the kernel is nothing */

/* *v = e^*v, *v from -q_most to 0: 2^n, made of bits, times Taylor's polynomial of what is left, which is at most half of
 * log 2. Adding 1.5 2^52 + 1023 leaves the exponent of 2^n in the low bits; log 2 is in two parts, of which n times the
 * first is exact. */
BODY void exponentials(lanes *v)
{
    static const double by_factorial[] = { 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                           1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1 };
    const double shift = 0x1.8p52 + 1023, log2_high = 0x1.62e42feep-1, log2_low = 0x1.a39ef35793c76p-33;
    lanes shifted = *v * M_LOG2E + shift, n = shifted - shift, r = *v - n * log2_high - n * log2_low;
    lanes sum = r * by_factorial[0] + by_factorial[1];

    for (size_t k = 2; k < sizeof by_factorial / sizeof *by_factorial; k++)
        sum = sum * r + by_factorial[k];
    *v = sum * (lanes)((lane_bits)shifted << 52);
}

/* q [LANES] becomes k. */
BODY void values(double *q, double *ret_slope)
{
    lanes *k = (lanes *)q, at = *k, e = -at;

    exponentials(&e);
    *k = (1 + at * (1 + at * (1.0 / 3))) * e;
    if (ret_slope)
        *(lanes *)ret_slope = (-5.0 / 6) * (1 + at) * e;
}

BODY void matern_body(double *v, int n, double *ret_slope)
{
    double rest[LANES] = { 0 }, slopes[LANES];
    int whole = n - n % LANES;

    for (int i = 0; i < n; i++) {
        double q = sqrt(5 * v[i]);

        v[i] = q < q_most ? q : q_most;
    }
    for (int i = 0; i < whole; i += LANES)
        values(v + i, ret_slope ? ret_slope + i : NULL);
    if (whole == n)
        return;
    memcpy(rest, v + whole, (size_t)(n - whole) * sizeof *v);
    values(rest, slopes);
    memcpy(v + whole, rest, (size_t)(n - whole) * sizeof *v);
    if (ret_slope)
        memcpy(ret_slope + whole, slopes, (size_t)(n - whole) * sizeof *v);
}

WIDE static void matern_wide(double *v, int n, double *ret_slope) { matern_body(v, n, ret_slope); }

void matern(double *v, int n, double *ret_slope)
{
    if (wide())
        matern_wide(v, n, ret_slope);
    else
        matern_body(v, n, ret_slope);
}
