// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/resample.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Rows first, then columns. Levels are kept as 16 bits, 8 of them behind the point, and weights are 16 bits of which
 * LEVEL_ONE is 1; the product's upper half is a level again. What cutting the lower half off loses is half a unit on average,
 * which is added back: a unit is 1/256 of a grey level. */
enum {
    LEVEL_ONE = 65535,
    LEVEL_HALF = 128,                   /* half a grey level, for rounding */
    TAPS_MAX = 64,                      /* weights for one pixel; with more the lost halves would add up to grey levels */
    BLOCK = 64,                         /* sums that stay in the processor's registers */
};

typedef uint16_t levels __attribute__((vector_size(16)));       /* two pixels of red, green, blue and something */

/* The weights of one axis: output i is the sum over k < n of weight[i * n + k] * source[first[i] + k]. All have the same
 * number, some of them 0, so that the processor can foresee the loops. */
struct taps {
    int *first;
    float *exact;
    uint16_t *weight;
    levels *wide;                       /* [(count + 1) / 2 × n] the weights of two outputs, four times each */
    int n;
    int from, to, start, count;         /* what it was made for */
    size_t cap, weight_cap;
};

struct resampler {
    struct taps columns, rows;
    uint16_t *row;                      /* [width × channels] levels of one output row, and room for a block more */
    size_t cap;
};

struct resampler *resampler_new(void) { return xcalloc(1, sizeof(struct resampler)); }

static void taps_done(struct taps *t)
{
    free(t->first);
    free(t->exact);
    free(t->weight);
    free(t->wide);
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    taps_done(&r->columns);
    taps_done(&r->rows);
    free(r->row);
    free(r);
}

static void taps_grow(struct taps *t)
{
    size_t n = (size_t)t->count, n_weights = n * (size_t)t->n;

    if (n > t->cap) {
        t->first = xrealloc(t->first, n * sizeof *t->first);
        t->cap = n;
    }
    if (n_weights + (size_t)t->n > t->weight_cap) {
        t->exact = xrealloc(t->exact, n_weights * sizeof *t->exact);
        t->weight = xrealloc(t->weight, n_weights * sizeof *t->weight);
        free(t->wide);
        t->wide = xcalloc((n + 1) / 2 * (size_t)t->n, sizeof *t->wide);
        t->weight_cap = n_weights + (size_t)t->n;
    }
}

static void taps_one(struct taps *t, int i, double scale, double support)
{
    double middle = (t->start + i + 0.5) * scale;
    int first = (int)floor(middle - support + 0.5);
    float *exact = t->exact + (size_t)i * (size_t)t->n;
    uint16_t *weight = t->weight + (size_t)i * (size_t)t->n;
    double sum = 0, before = 0;

    if (first > t->from - t->n)
        first = t->from - t->n;
    if (first < 0)
        first = 0;
    t->first[i] = first;
    for (int k = 0; k < t->n; k++) {
        double w = 1 - fabs(first + k + 0.5 - middle) / support;

        exact[k] = w > 0 ? (float)w : 0;
        sum += exact[k];
    }
    for (int k = 0; k < t->n; k++) {    /* rounded so that their sum is LEVEL_ONE */
        double after = before + exact[k];

        weight[k] = (uint16_t)(lrint(after / sum * LEVEL_ONE) - lrint(before / sum * LEVEL_ONE));
        before = after;
        exact[k] = (float)(exact[k] / sum);
        for (int lane = 0; lane < 4; lane++)
            t->wide[(size_t)(i / 2) * (size_t)t->n + (size_t)k][i % 2 * 4 + lane] = weight[k];
    }
}

/* `from` source pixels become `to`; taps for `count` of them from `start` on. Pictures of one size come in a row. */
static void taps_make(struct taps *t, int from, int to, int start, int count)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;

    if (t->from == from && t->to == to && t->start == start && t->count == count)
        return;
    t->from = from, t->to = to, t->start = start, t->count = count;
    t->n = (int)ceil(support * 2);
    if (t->n > from)
        t->n = from;
    taps_grow(t);
    for (int i = 0; i < count; i++)
        taps_one(t, i, scale, support);
}

static void grow_row(struct resampler *r, size_t n)
{
    if (n + BLOCK <= r->cap)
        return;
    r->cap = n + BLOCK;
    free(r->row);
    r->row = xcalloc(r->cap, sizeof *r->row);
}

static uint16_t weighed(uint16_t level, uint16_t weight) { return (uint16_t)((uint32_t)level * weight >> 16); }

/* --- rows --- */

/* A block of r->row for output row i, from column x on. */
__attribute__((always_inline)) static inline void mix_block(const struct resampler *r, const struct image *from, int i, size_t x,
                                                            size_t n)
{
    size_t stride = (size_t)from->width * (size_t)from->channels;
    const uint16_t *weight = r->rows.weight + (size_t)i * (size_t)r->rows.n;
    const uint8_t *source = from->pixels + (size_t)r->rows.first[i] * stride + x;
    uint16_t sums[BLOCK];

    for (size_t j = 0; j < n; j++)
        sums[j] = (uint16_t)(r->rows.n / 2);
    for (int k = 0; k < r->rows.n; k++, source += stride)
        for (size_t j = 0; j < n; j++)
            sums[j] += weighed((uint16_t)(source[j] << 8), weight[k]);
    memcpy(r->row + x, sums, n * sizeof *sums);
}

__attribute__((always_inline)) static inline void mix_rows(const struct resampler *r, const struct image *from, int i)
{
    size_t n = (size_t)from->width * (size_t)from->channels, x = 0;

    for (; x + BLOCK <= n; x += BLOCK)
        mix_block(r, from, i, x, BLOCK);
    if (x < n)
        mix_block(r, from, i, x, n - x);
}

static void mix_rows_anywhere(const struct resampler *r, const struct image *from, int i) { mix_rows(r, from, i); }

#ifdef __x86_64__
/* The same for processors with vectors of 32 bytes. */
__attribute__((target("avx2"))) static void mix_rows_avx2(const struct resampler *r, const struct image *from, int i)
{
    mix_rows(r, from, i);
}

static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
#else
#define mix_rows_avx2 mix_rows_anywhere
static bool has_avx2(void) { return false; }
#endif

/* Shrinking a hundred times is rare and need not be fast. */
static void mix_rows_exactly(const struct resampler *r, const struct image *from, int i)
{
    size_t stride = (size_t)from->width * (size_t)from->channels;
    const float *weight = r->rows.exact + (size_t)i * (size_t)r->rows.n;
    const uint8_t *source = from->pixels + (size_t)r->rows.first[i] * stride;

    for (size_t x = 0; x < stride; x++) {
        float sum = 0;

        for (int k = 0; k < r->rows.n; k++)
            sum += weight[k] * source[(size_t)k * stride + x];
        r->row[x] = (uint16_t)lrintf(sum * 256);
    }
}

/* --- columns --- */

#ifdef __SSE2__
static levels load_both(const uint16_t *a, const uint16_t *b)
{
    return (levels)_mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(const void *)a), _mm_loadl_epi64((const __m128i *)(const void *)b));
}

static levels weighed_both(levels a, levels weight) { return (levels)_mm_mulhi_epu16((__m128i)a, (__m128i)weight); }

/* The upper byte of each, the first one lowest. */
static uint64_t to_bytes(levels a)
{
    __m128i bytes = _mm_srli_epi16((__m128i)a, 8);

    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(bytes, bytes));
}
#else
static levels load_both(const uint16_t *a, const uint16_t *b)
{
    return (levels){ a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3] };
}

static levels weighed_both(levels a, levels weight)
{
    for (int i = 0; i < 8; i++)
        a[i] = weighed(a[i], weight[i]);
    return a;
}

static uint64_t to_bytes(levels a)
{
    uint64_t bytes = 0;

    for (int i = 0; i < 8; i++)
        bytes |= (uint64_t)(a[i] >> 8) << 8 * i;
    return bytes;
}
#endif

static void put_bytes(uint8_t *to, uint64_t bytes, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(bytes >> 8 * i);
}

/* Pixels x, which is even, and y, the next one or x again: each red, green, blue and the next one's red. */
static inline uint64_t mix_two(const struct resampler *r, int x, int y)
{
    const struct taps *t = &r->columns;
    const levels *weight = t->wide + (size_t)(x / 2) * (size_t)t->n;
    const uint16_t *px = r->row + 3 * (size_t)t->first[x], *py = r->row + 3 * (size_t)t->first[y];
    uint16_t half = (uint16_t)(LEVEL_HALF + t->n / 2);
    levels sum = { half, half, half, half, half, half, half, half };

    for (int k = 0; k < t->n; k++, px += 3, py += 3)
        sum += weighed_both(load_both(px, py), weight[k]);
    return to_bytes(sum);
}

static void mix_columns_color(const struct resampler *r, uint8_t *to)
{
    int n = r->columns.count;

    for (int x = 0; x < n; x += 2, to += 6) {
        uint64_t bytes = mix_two(r, x, x + 1 < n ? x + 1 : x);

        bytes = (bytes & 0xFFFFFF) | (bytes >> 8 & 0xFFFFFFFF000000);
        if (x + 3 <= n)
            memcpy(to, &bytes, sizeof bytes);           /* two bytes too many: they are written again */
        else
            put_bytes(to, bytes, 3 * (n - x));
    }
}

static void mix_columns_grey(const struct resampler *r, uint8_t *to)
{
    const struct taps *t = &r->columns;

    for (int x = 0; x < t->count; x++) {
        const uint16_t *weight = t->weight + (size_t)x * (size_t)t->n, *source = r->row + t->first[x];
        unsigned sum = LEVEL_HALF + (unsigned)t->n / 2;

        for (int k = 0; k < t->n; k++)
            sum += weighed(source[k], weight[k]);
        to[x] = (uint8_t)(sum >> 8);
    }
}

static void mix_columns_exactly(const struct resampler *r, int channels, uint8_t *to)
{
    const struct taps *t = &r->columns;

    for (int i = 0; i < t->count * channels; i++) {
        int x = i / channels, c = i % channels;
        const float *weight = t->exact + (size_t)x * (size_t)t->n;
        float sum = LEVEL_HALF;

        for (int k = 0; k < t->n; k++)
            sum += weight[k] * r->row[(t->first[x] + k) * channels + c];
        to[i] = (uint8_t)(sum / 256);
    }
}

void resample(struct resampler *r, const struct image *from, const struct window *w, uint8_t *to, size_t stride)
{
    void (*rows)(const struct resampler *, const struct image *, int) = has_avx2() ? mix_rows_avx2 : mix_rows_anywhere;

    taps_make(&r->columns, from->width, w->width, w->left, w->n_columns);
    taps_make(&r->rows, from->height, w->height, w->top, w->n_rows);
    grow_row(r, (size_t)from->width * (size_t)from->channels);
    if (r->rows.n > TAPS_MAX)
        rows = mix_rows_exactly;
    for (int i = 0; i < w->n_rows; i++, to += stride) {
        rows(r, from, i);
        if (r->columns.n > TAPS_MAX)
            mix_columns_exactly(r, from->channels, to);
        else if (from->channels == 1)
            mix_columns_grey(r, to);
        else
            mix_columns_color(r, to);
    }
}
