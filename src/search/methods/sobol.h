// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Points that fill the cube evenly, for a search's first trials. Pure. */

#include <stdint.h>

enum { SOBOL_DIMS = 64 };

/* Coordinate `dimension` of point `point` (from 0) of a scrambled Sobol sequence, in [0, 1). The
 * seed chooses the scrambling. Any first 2^k points have one point in each of 2^k equal intervals
 * of each of the first SOBOL_DIMS dimensions; further dimensions, and points from 2^32, are plain
 * random. */
double sobol_uniform(uint64_t seed, uint64_t point, uint32_t dimension);
