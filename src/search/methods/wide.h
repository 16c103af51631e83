// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Loops that are compiled twice where the processor may have wider vectors: a BODY is written once and
 * inlined into a plain function and into one that is WIDE; wide() says which to call. The order of every
 * operation is the same, and without fused ones so is every bit. */

#include <stdbool.h>

#if defined __x86_64__
#define WIDE __attribute__((target("avx2")))
static inline bool wide(void) { return __builtin_cpu_supports("avx2"); }
#else
#define WIDE
static inline bool wide(void) { return false; }
#endif
#define BODY static inline __attribute__((always_inline))
