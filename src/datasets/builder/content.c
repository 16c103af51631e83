// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/content.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Two chains of multiplications of 64 by 64 bits, high and low half folded together, in the manner of Wang Yi's wyhash.
 * Against chance, not against people: whoever forges a pair gets a wrong line into a report. */

struct content {
    struct fingerprint f;
    uint32_t item;
};

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static void mix(uint64_t state[4], const uint8_t *p)
{
    static const uint64_t secret[4] = { 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu, 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u };

    for (int i = 0; i < 4; i++)
        state[i] = fold(word(p + 16 * i) ^ secret[i], word(p + 16 * i + 8) ^ state[i]);
}

struct fingerprint content_fingerprint(const uint8_t *data, size_t len)
{
    uint64_t state[4] = { 0x243F6A8885A308D3u, 0x13198A2E03707344u, 0xA4093822299F31D0u, 0x082EFA98EC4E6C89u };
    uint8_t last[64] = {0};
    size_t left = len;

    for (; left >= sizeof last; left -= sizeof last, data += sizeof last)
        mix(state, data);
    if (left)
        memcpy(last, data, left);
    mix(state, last);
    return (struct fingerprint){ fold(state[0] ^ len, state[1] ^ 0x9E3779B97F4A7C15u) ^ state[2],
                                 fold(state[2] ^ len, state[3] ^ 0xC2B2AE3D27D4EB4Fu) ^ state[0] };
}

void contents_done(struct contents *c) { free(c->all); }

void contents_add(struct contents *c, struct fingerprint f, uint32_t item)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 1024;
        c->all = xrealloc(c->all, c->cap * sizeof *c->all);
    }
    c->all[c->n++] = (struct content){ f, item };
}

static int compare(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int by_fingerprint(const void *pa, const void *pb)
{
    const struct content *a = pa, *b = pb;
    int order = compare(a->f.a, b->f.a);

    if (order == 0)
        order = compare(a->f.b, b->f.b);
    return order ? order : compare(a->item, b->item);
}

void contents_pairs(struct contents *c, content_pair_fn *fn, void *arg)
{
    size_t first = 0;

    if (c->n)
        qsort(c->all, c->n, sizeof *c->all, by_fingerprint);
    for (size_t i = 1; i < c->n; i++) {
        if (c->all[i].f.a == c->all[first].f.a && c->all[i].f.b == c->all[first].f.b)
            fn(arg, c->all[first].item, c->all[i].item);
        else
            first = i;
    }
}
