// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Random numbers without a state: a number is a pure function of (seed, trial, dimension, stream),
 * so a restarted search draws what it would have drawn. Philox 4x32 with ten rounds; source:
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3
 * and table 2. */

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
