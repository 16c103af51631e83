// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Files of the same bytes: a fingerprint of each is kept, and compared at the end. Pure but for memory. */

#include <stddef.h>
#include <stdint.h>

struct fingerprint {
    uint64_t a, b;                      /* 128 bits: by chance the same once in 10^25 million-file datasets */
};

struct fingerprint content_fingerprint(const uint8_t *data, size_t len);

struct contents {
    struct content *all;                /* malloc */
    size_t n, cap;
};

void contents_done(struct contents *c);
void contents_add(struct contents *c, struct fingerprint f, uint32_t item);

/* Calls fn(arg, a, b) for the first item a and each further item b of the same bytes, items ascending. */
typedef void content_pair_fn(void *arg, uint32_t a, uint32_t b);
void contents_pairs(struct contents *c, content_pair_fn *fn, void *arg);
