// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/resample.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Rows first, then columns, LANES rows at a time: what was mixed of them is turned, so that a column of it is a vector, and
 * turned back when it is mixed. Levels are kept as 16 bits, 8 of them behind the point, and weights are 16 bits of which
 * LEVEL_ONE is 1; the product's upper half is a level again. What cutting the lower half off loses is half a unit on average,
 * which is added back: a unit is 1/256 of a grey level. */
enum {
    LEVEL_ONE = 65535,
    LEVEL_HALF = 128,                   /* half a grey level, for rounding */
    TAPS_MAX = 64,                      /* weights for one pixel; with more the lost halves would add up to grey levels */
    BLOCK = IMAGE_SLACK,                /* sums that stay in the processor's registers */
    LANES = 16,                         /* rows */
    TURN = 8,                           /* rows and columns of the squares that are turned */
    CHANNELS_MAX = 3,
};

/* Two bytes of pixels that lie anywhere: the level of an odd column, and below that the byte of the even one before. */
typedef uint16_t byte_pair __attribute__((aligned(1), may_alias));
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lower one");

typedef uint16_t levels __attribute__((vector_size(TURN * 2)));
typedef uint32_t pairs __attribute__((vector_size(TURN * 2)));
typedef uint64_t quads __attribute__((vector_size(TURN * 2)));

/* The weights of one axis: output i is the sum over k < n of weight[i * n + k] * source[first[i] + k]. All have the same
 * number, some of them 0, so that the processor can foresee the loops. */
struct taps {
    int *first;
    float *exact;
    uint16_t *weight;
    int n;
    int from, to, start, count;         /* what it was made for */
    size_t cap, weight_cap;
};

struct resampler {
    struct taps columns, rows;
    size_t n;                           /* width × channels of the source, rounded up to a multiple of BLOCK */
    uint16_t *mixed;                    /* [LANES × n] levels of LANES output rows */
    uint16_t *turned;                   /* [n × LANES] the same by column */
    size_t cap;
};

struct resampler *resampler_new(void) { return xcalloc(1, sizeof(struct resampler)); }

static void taps_done(struct taps *t)
{
    free(t->first);
    free(t->exact);
    free(t->weight);
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    taps_done(&r->columns);
    taps_done(&r->rows);
    free(r->mixed);
    free(r->turned);
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

static void grow_rows(struct resampler *r, size_t n)
{
    r->n = (n + BLOCK - 1) / BLOCK * BLOCK;
    if (r->n <= r->cap)
        return;
    r->cap = r->n;
    free(r->mixed);
    free(r->turned);
    r->mixed = xcalloc(r->cap * LANES, sizeof *r->mixed);
    r->turned = xcalloc(r->cap * LANES, sizeof *r->turned);
}

static uint16_t weighed(uint16_t level, uint16_t weight) { return (uint16_t)((uint32_t)level * weight >> 16); }

/* --- rows --- */

/* Levels of output row i, a block at a time: those of its even columns, then those of the odd ones. The last block may reach
 * beyond the row, up to IMAGE_SLACK bytes beyond the picture. */
__attribute__((always_inline)) static inline void mix_row(const struct resampler *r, const struct image *from, int i, uint16_t *to)
{
    size_t stride = (size_t)from->width * (size_t)from->channels;
    const uint16_t *weight = r->rows.weight + (size_t)i * (size_t)r->rows.n;
    const uint8_t *first = from->pixels + (size_t)r->rows.first[i] * stride;

    for (size_t x = 0; x < stride; x += BLOCK) {
        const uint8_t *source = first + x;
        uint16_t even[BLOCK / 2], odd[BLOCK / 2];

        for (int j = 0; j < BLOCK / 2; j++)
            even[j] = odd[j] = (uint16_t)(r->rows.n / 2);
        for (int k = 0; k < r->rows.n; k++, source += stride) {
            const byte_pair *two = (const byte_pair *)source;

            for (int j = 0; j < BLOCK / 2; j++) {
                even[j] += weighed((uint16_t)(two[j] << 8), weight[k]);
                odd[j] += weighed(two[j] & 0xFF00, weight[k]);
            }
        }
        memcpy(to + x, even, sizeof even);
        memcpy(to + x + BLOCK / 2, odd, sizeof odd);
    }
}

/* --- turning --- */

#define LOW_16(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_16(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW_32(a, b) (quads)__builtin_shufflevector((pairs)(a), (pairs)(b), 0, 4, 1, 5)
#define HIGH_32(a, b) (quads)__builtin_shufflevector((pairs)(a), (pairs)(b), 2, 6, 3, 7)
#define LOW_64(a, b) (levels)__builtin_shufflevector(a, b, 0, 2)
#define HIGH_64(a, b) (levels)__builtin_shufflevector(a, b, 1, 3)

/* TURN rows of as many columns, to a part of every other column. */
__attribute__((always_inline)) static inline void turn(const uint16_t *rows, size_t stride, uint16_t *columns)
{
    levels a[TURN], b[TURN];
    quads c[TURN];

    for (size_t i = 0; i < TURN; i++)
        memcpy(&a[i], rows + i * stride, sizeof a[i]);
    for (int i = 0; i < TURN; i += 2) {
        b[i] = LOW_16(a[i], a[i + 1]);
        b[i + 1] = HIGH_16(a[i], a[i + 1]);
    }
    for (int i = 0; i < TURN; i += 4)
        for (int k = 0; k < 2; k++) {
            c[i + 2 * k] = LOW_32(b[i + k], b[i + 2 + k]);
            c[i + 2 * k + 1] = HIGH_32(b[i + k], b[i + 2 + k]);
        }
    for (int i = 0; i < TURN / 2; i++) {
        a[2 * i] = LOW_64(c[i], c[i + TURN / 2]);
        a[2 * i + 1] = HIGH_64(c[i], c[i + TURN / 2]);
    }
    for (size_t i = 0; i < TURN; i++)
        memcpy(columns + 2 * i * LANES, &a[i], sizeof a[i]);
}

/* The upper bytes of a part of TURN columns, to TURN rows, or the first n_rows: TURN bytes of each, or the first n. */
__attribute__((always_inline)) static inline void turn_back(const uint16_t *columns, uint8_t *to, size_t stride, int n_rows, size_t n)
{
    levels a[TURN], b[TURN / 2];
    uint64_t bytes[TURN];

    for (size_t i = 0; i < TURN; i++)
        memcpy(&a[i], columns + i * LANES, sizeof a[i]);
    for (int i = 0; i < TURN / 2; i++)
        a[i] = a[2 * i] >> 8 | (a[2 * i + 1] & 0xFF00);
    for (int i = 0; i < TURN / 2; i += 2) {
        b[i] = LOW_16(a[i], a[i + 1]);
        b[i + 1] = HIGH_16(a[i], a[i + 1]);
    }
    for (int k = 0; k < 2; k++) {
        quads rows[2] = { LOW_32(b[k], b[k + 2]), HIGH_32(b[k], b[k + 2]) };

        memcpy(bytes + 4 * k, rows, sizeof rows);
    }
    if (n == TURN)
        for (int i = 0; i < n_rows; i++, to += stride)
            memcpy(to, &bytes[i], TURN);
    else
        for (int i = 0; i < n_rows; i++, to += stride)
            memcpy(to, &bytes[i], n);
}

/* --- columns --- */

/* TURN pixels of LANES rows from column x on; beyond the last column it is the last one again. */
__attribute__((always_inline)) static inline void mix_columns(const struct resampler *r, int x, size_t channels, uint16_t *to)
{
    const struct taps *t = &r->columns;

    for (int i = 0; i < TURN; i++, to += channels * LANES) {
        size_t column = (size_t)(x + i < t->count ? x + i : t->count - 1);
        const uint16_t *weight = t->weight + column * (size_t)t->n;
        const uint16_t *source = r->turned + (size_t)t->first[column] * channels * LANES;
        uint16_t sums[CHANNELS_MAX * LANES];

        for (size_t j = 0; j < channels * LANES; j++)
            sums[j] = (uint16_t)(LEVEL_HALF + t->n / 2);
        for (int k = 0; k < t->n; k++, source += channels * LANES)
            for (size_t j = 0; j < channels * LANES; j++)
                sums[j] += weighed(source[j], weight[k]);
        memcpy(to, sums, channels * LANES * sizeof *to);
    }
}

/* LANES rows, or those that are left, from row `top` on. */
__attribute__((always_inline)) static inline void mix_rows(const struct resampler *r, const struct image *from, const struct window *w,
                                                           int top, size_t channels, uint8_t *to, size_t stride)
{
    int n_rows = w->n_rows - top < LANES ? w->n_rows - top : LANES;

    for (int i = 0; i < n_rows; i++)
        mix_row(r, from, top + i, r->mixed + (size_t)i * r->n);
    for (size_t x = 0; x < r->n; x += BLOCK)
        for (size_t i = 0; i < BLOCK / 2; i += TURN)
            for (size_t row = 0; row < LANES; row += TURN) {
                const uint16_t *even = r->mixed + row * r->n + x + i;
                uint16_t *columns = r->turned + (x + 2 * i) * LANES + row;

                turn(even, r->n, columns);
                turn(even + BLOCK / 2, r->n, columns + LANES);
            }
    for (int x = 0; x < w->n_columns; x += TURN) {
        size_t n = (size_t)(w->n_columns - x) * channels;
        uint16_t columns[TURN * CHANNELS_MAX * LANES];
        uint8_t *out = to + (size_t)x * channels;

        mix_columns(r, x, channels, columns);
        for (size_t at = 0; at < TURN * channels && at < n; at += TURN)
            for (int row = 0; row < n_rows; row += TURN)
                turn_back(columns + at * LANES + row, out + (size_t)row * stride + at, stride, n_rows - row < TURN ? n_rows - row : TURN,
                          n - at < TURN ? n - at : TURN);
    }
}

typedef void mix_fn(const struct resampler *r, const struct image *from, const struct window *w, int top, uint8_t *to, size_t stride);

static void mix_anywhere(const struct resampler *r, const struct image *from, const struct window *w, int top, uint8_t *to, size_t stride)
{
    if (from->channels == 3)
        mix_rows(r, from, w, top, 3, to, stride);
    else
        mix_rows(r, from, w, top, (size_t)from->channels, to, stride);
}

#ifdef __x86_64__
/* The same for processors with vectors of 32 bytes. */
__attribute__((target("avx2"))) static void mix_avx2(const struct resampler *r, const struct image *from, const struct window *w, int top,
                                                     uint8_t *to, size_t stride)
{
    if (from->channels == 3)
        mix_rows(r, from, w, top, 3, to, stride);
    else
        mix_rows(r, from, w, top, (size_t)from->channels, to, stride);
}

static mix_fn *mix_for_processor(void) { return __builtin_cpu_supports("avx2") ? mix_avx2 : mix_anywhere; }
#else
static mix_fn *mix_for_processor(void) { return mix_anywhere; }
#endif

/* --- shrinking a hundred times is rare and need not be fast --- */

static void mix_row_exactly(const struct resampler *r, const struct image *from, int i, uint16_t *to)
{
    size_t stride = (size_t)from->width * (size_t)from->channels;
    const float *weight = r->rows.exact + (size_t)i * (size_t)r->rows.n;
    const uint8_t *source = from->pixels + (size_t)r->rows.first[i] * stride;

    for (size_t x = 0; x < stride; x++) {
        float sum = 0;

        for (int k = 0; k < r->rows.n; k++)
            sum += weight[k] * source[(size_t)k * stride + x];
        to[x] = (uint16_t)lrintf(sum * 256);
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
            sum += weight[k] * r->mixed[(t->first[x] + k) * channels + c];
        to[i] = (uint8_t)(sum / 256);
    }
}

void resample(struct resampler *r, const struct image *from, const struct window *w, uint8_t *to, size_t stride)
{
    mix_fn *mix = mix_for_processor();

    taps_make(&r->columns, from->width, w->width, w->left, w->n_columns);
    taps_make(&r->rows, from->height, w->height, w->top, w->n_rows);
    grow_rows(r, (size_t)from->width * (size_t)from->channels);
    if (r->rows.n <= TAPS_MAX && r->columns.n <= TAPS_MAX) {
        for (int top = 0; top < w->n_rows; top += LANES, to += LANES * stride)
            mix(r, from, w, top, to, stride);
        return;
    }
    for (int i = 0; i < w->n_rows; i++, to += stride) {
        mix_row_exactly(r, from, i, r->mixed);
        mix_columns_exactly(r, from->channels, to);
    }
}
