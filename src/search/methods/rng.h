// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Random numbers without a state: a number is a pure function of (seed, trial, dimension, stream),
 * so a restarted search draws what it would have drawn. Philox 4x32 with ten rounds; source:
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3
 * and table 2. */

#include <math.h>
#include <stdint.h>

/* counter[4] and key[2] in, counter[4] out. */
static inline void rng_philox(uint32_t counter[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * counter[0];
        uint64_t p1 = (uint64_t)0xCD9E8D57u * counter[2];
        uint32_t next0 = (uint32_t)(p1 >> 32) ^ counter[1] ^ k0;
        uint32_t next2 = (uint32_t)(p0 >> 32) ^ counter[3] ^ k1;

        counter[1] = (uint32_t)p1;
        counter[3] = (uint32_t)p0;
        counter[0] = next0;
        counter[2] = next2;
        k0 += 0x9E3779B9u; /* the Weyl sequences of the paper: golden ratio, sqrt(3) - 1 */
        k1 += 0xBB67AE85u;
    }
}

/* Two numbers, uniform in [0, 1) and multiples of 2^-53. `stream` keeps unrelated uses of one trial apart. */
static inline void rng_two(uint64_t seed, uint64_t trial, uint32_t dimension, uint32_t stream, double ret[2])
{
    uint32_t c[4] = { (uint32_t)trial, (uint32_t)(trial >> 32), dimension, stream };

    rng_philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    ret[0] = (double)(((uint64_t)c[0] << 32 | c[1]) >> 11) * 0x1p-53;
    ret[1] = (double)(((uint64_t)c[2] << 32 | c[3]) >> 11) * 0x1p-53;
}

/* The first of them. */
static inline double rng_uniform(uint64_t seed, uint64_t trial, uint32_t dimension, uint32_t stream)
{
    double two[2];

    rng_two(seed, trial, dimension, stream, two);
    return two[0];
}

/* What a normal number, of mean 0 and width 1, is below with the probability u, from 0 to 1; kept within 7. Source: M. J.
 * Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37, 1988, PPND7:
 * seven digits. */
static inline double rng_normal(double u)
{
    double q = u - 0.5, r = 0.180625 - q * q;

    if (r >= 0)
        return q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
               (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1);
    r = fmin(sqrt(-log(q < 0 ? u : 1 - u)), 5) - 1.6;
    r = (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) /
        ((0.12021132975 * r + 0.7370016425) * r + 1);
    return q < 0 ? -r : r;
}
