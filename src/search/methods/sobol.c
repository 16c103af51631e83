// SPDX-License-Identifier: Apache-2.0
/* The Sobol sequence. Sources: I. M. Sobol, "On the distribution of points in a cube", 1967;
 * initial numbers m_i and primitive polynomials: S. Joe, F. Kuo, "Constructing Sobol sequences with
 * better two-dimensional projections", SIAM J. Sci. Comput. 30, 2008, table new-joe-kuo-6.21201,
 * whose first rows these are. Scrambling: nested uniform (A. Owen 1995) by the hash of S. Laine and
 * T. Karras 2011 as in B. Burley, "Practical hash-based Owen scrambling", JCGT 9(4), 2020,
 * section 4.
 *
 * Equations (Joe and Kuo 2008, eq. 2 and 3; s the degree, a_i the coefficients of the polynomial):
 *     m_k = 2 a_1 m_(k-1) ^ 4 a_2 m_(k-2) ^ ... ^ 2^s m_(k-s) ^ m_(k-s)
 *     x   = xor over the bits k of the number of the point of m_k 2^-k
 *
 * Deviation: points are in natural order, not in that of the Gray code; any first 2^k are the same.
 */
#include "search/methods/sobol.h"

#include "search/methods/rng.h"

enum { BITS = 32, SCRAMBLE_STREAM = 0x50B01 };

/* From the second dimension: the polynomial with its highest coefficient, and m_1 ... m_s. */
static const struct {
    uint16_t polynomial;
    uint16_t m[9];
} table[SOBOL_DIMS - 1] = {
    { 3, { 1 } }, { 7, { 1, 3 } }, { 11, { 1, 3, 1 } }, { 13, { 1, 1, 1 } }, { 19, { 1, 1, 3, 3 } },
    { 25, { 1, 3, 5, 13 } }, { 37, { 1, 1, 5, 5, 17 } }, { 41, { 1, 1, 5, 5, 5 } },
    { 47, { 1, 1, 7, 11, 19 } }, { 55, { 1, 1, 5, 1, 1 } }, { 59, { 1, 1, 1, 3, 11 } },
    { 61, { 1, 3, 5, 5, 31 } }, { 67, { 1, 3, 3, 9, 7, 49 } }, { 91, { 1, 1, 1, 15, 21, 21 } },
    { 97, { 1, 3, 1, 13, 27, 49 } }, { 103, { 1, 1, 1, 15, 7, 5 } },
    { 109, { 1, 3, 1, 15, 13, 25 } }, { 115, { 1, 1, 5, 5, 19, 61 } },
    { 131, { 1, 3, 7, 11, 23, 15, 103 } }, { 137, { 1, 3, 7, 13, 13, 15, 69 } },
    { 143, { 1, 1, 3, 13, 7, 35, 63 } }, { 145, { 1, 3, 5, 9, 1, 25, 53 } },
    { 157, { 1, 3, 1, 13, 9, 35, 107 } }, { 167, { 1, 3, 1, 5, 27, 61, 31 } },
    { 171, { 1, 1, 5, 11, 19, 41, 61 } }, { 185, { 1, 3, 5, 3, 3, 13, 69 } },
    { 191, { 1, 1, 7, 13, 1, 19, 1 } }, { 193, { 1, 3, 7, 5, 13, 19, 59 } },
    { 203, { 1, 1, 3, 9, 25, 29, 41 } }, { 211, { 1, 3, 5, 13, 23, 1, 55 } },
    { 213, { 1, 3, 7, 3, 13, 59, 17 } }, { 229, { 1, 3, 1, 3, 5, 53, 69 } },
    { 239, { 1, 1, 5, 5, 23, 33, 13 } }, { 241, { 1, 1, 7, 7, 1, 61, 123 } },
    { 247, { 1, 1, 7, 9, 13, 61, 49 } }, { 253, { 1, 3, 3, 5, 3, 55, 33 } },
    { 285, { 1, 3, 1, 15, 31, 13, 49, 245 } }, { 299, { 1, 3, 5, 15, 31, 59, 63, 97 } },
    { 301, { 1, 3, 1, 11, 11, 11, 77, 249 } }, { 333, { 1, 3, 1, 11, 27, 43, 71, 9 } },
    { 351, { 1, 1, 7, 15, 21, 11, 81, 45 } }, { 355, { 1, 3, 7, 3, 25, 31, 65, 79 } },
    { 357, { 1, 3, 1, 1, 19, 11, 3, 205 } }, { 361, { 1, 1, 5, 9, 19, 21, 29, 157 } },
    { 369, { 1, 3, 7, 11, 1, 33, 89, 185 } }, { 391, { 1, 3, 3, 3, 15, 9, 79, 71 } },
    { 397, { 1, 3, 7, 11, 15, 39, 119, 27 } }, { 425, { 1, 1, 3, 1, 11, 31, 97, 225 } },
    { 451, { 1, 1, 1, 3, 23, 43, 57, 177 } }, { 463, { 1, 3, 7, 7, 17, 17, 37, 71 } },
    { 487, { 1, 3, 1, 5, 27, 63, 123, 213 } }, { 501, { 1, 1, 3, 5, 11, 43, 53, 133 } },
    { 529, { 1, 3, 5, 5, 29, 17, 47, 173, 479 } }, { 539, { 1, 3, 3, 11, 3, 1, 109, 9, 69 } },
    { 545, { 1, 1, 1, 5, 17, 39, 23, 5, 343 } }, { 557, { 1, 3, 1, 5, 25, 15, 31, 103, 499 } },
    { 563, { 1, 1, 1, 11, 11, 17, 63, 105, 183 } }, { 601, { 1, 1, 5, 11, 9, 29, 97, 231, 363 } },
    { 607, { 1, 1, 5, 15, 19, 45, 41, 7, 383 } }, { 617, { 1, 3, 7, 7, 31, 19, 83, 137, 221 } },
    { 623, { 1, 1, 1, 3, 23, 15, 111, 223, 83 } }, { 631, { 1, 1, 5, 13, 31, 15, 55, 25, 161 } },
    { 637, { 1, 1, 3, 13, 25, 47, 39, 87, 257 } },
};

/* The bits of a point before scrambling. */
static uint32_t sobol_bits(uint32_t point, uint32_t dimension)
{
    uint32_t polynomial = dimension ? table[dimension - 1].polynomial : 0, m[BITS], x = 0;
    int degree = dimension ? BITS - 1 - __builtin_clz(polynomial) : 0;

    for (int k = 0; k < BITS && point >> k; k++) {
        if (degree == 0) { /* the first dimension: van der Corput */
            m[k] = 1;
        } else if (k < degree) {
            m[k] = table[dimension - 1].m[k];
        } else {
            m[k] = m[k - degree];
            for (int i = 1; i <= degree; i++)
                if (polynomial >> (degree - i) & 1)
                    m[k] ^= m[k - i] << i;
        }
        if (point >> k & 1)
            x ^= m[k] << (BITS - 1 - k);
    }
    return x;
}

static uint32_t reverse_bits(uint32_t x)
{
    x = __builtin_bswap32(x);
    x = (x & 0x0F0F0F0Fu) << 4 | (x >> 4 & 0x0F0F0F0Fu);
    x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
    return (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
}

/* Flips each bit or not, as the bits above it and the key say. */
static uint32_t scramble(uint32_t x, uint32_t key)
{
    x = reverse_bits(x) + key;
    x ^= x * 0x6C50B47Cu;
    x ^= x * 0xB82F1E52u;
    x ^= x * 0xC7AFE638u;
    x ^= x * 0x8D22F6E6u;
    return reverse_bits(x);
}

double sobol_uniform(uint64_t seed, uint64_t point, uint32_t dimension)
{
    uint32_t key[4] = { 0, 0, dimension, SCRAMBLE_STREAM };

    if (dimension >= SOBOL_DIMS || point >> BITS)
        return rng_uniform(seed, point, dimension, SCRAMBLE_STREAM);
    rng_philox(key, (uint32_t)seed, (uint32_t)(seed >> 32));
    return scramble(sobol_bits((uint32_t)point, dimension), key[0]) * 0x1p-32;
}
