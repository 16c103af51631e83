// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/resample.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

/* Rows first, in whole numbers, as the compiler makes eight of these at a time; then columns, a pixel as one vector of
 * four. */
enum {
    ROW_BITS = 14,                      /* of a row's weight: 1 is 1 << 14, so that weight and pixel multiply as 16 bits */
    LANES = 4,
};

typedef float pixel_vector __attribute__((vector_size(LANES * sizeof(float))));

/* The weights of one axis: output i is the sum over k < n[i] of weight[i * most + k] * source[first[i] + k]. */
struct taps {
    int *first, *n;
    float *weight;
    int most;                           /* weights at most for one output */
    int from, to, start, count;         /* what it was made for */
    size_t cap, weight_cap;
};

struct resampler {
    struct taps columns, rows;
    int32_t *sums;                      /* [width × channels] of one output row */
    float *row;                         /* the same, scaled to 0..255, and room for one vector more */
    size_t cap;
};

struct resampler *resampler_new(void) { return xcalloc(1, sizeof(struct resampler)); }

static void taps_done(struct taps *t)
{
    free(t->first);
    free(t->n);
    free(t->weight);
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    taps_done(&r->columns);
    taps_done(&r->rows);
    free(r->sums);
    free(r->row);
    free(r);
}

static void taps_grow(struct taps *t)
{
    size_t n = (size_t)t->count;

    if (n > t->cap) {
        t->first = xrealloc(t->first, n * sizeof *t->first);
        t->n = xrealloc(t->n, n * sizeof *t->n);
        t->cap = n;
    }
    if (n * (size_t)t->most > t->weight_cap) {
        t->weight = xrealloc(t->weight, n * (size_t)t->most * sizeof *t->weight);
        t->weight_cap = n * (size_t)t->most;
    }
}

static void taps_one(struct taps *t, int i, double scale, double support)
{
    double middle = (t->start + i + 0.5) * scale;
    int first = (int)floor(middle - support + 0.5), end = (int)floor(middle + support + 0.5);
    float *weight = t->weight + (size_t)i * (size_t)t->most;
    double sum = 0;

    if (first < 0)
        first = 0;
    if (end > t->from)
        end = t->from;
    for (int k = first; k < end; k++) {
        double w = 1 - fabs(k + 0.5 - middle) / support;

        weight[k - first] = w > 0 ? (float)w : 0;
        sum += weight[k - first];
    }
    for (int k = 0; k < end - first; k++)
        weight[k] = (float)(weight[k] / sum);
    t->first[i] = first;
    t->n[i] = end - first;
}

/* `from` source pixels become `to`; taps for `count` of them from `start` on. Pictures of one size come in a row. */
static void taps_make(struct taps *t, int from, int to, int start, int count)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;

    if (t->from == from && t->to == to && t->start == start && t->count == count)
        return;
    t->from = from, t->to = to, t->start = start, t->count = count;
    t->most = (int)ceil(support) * 2 + 1;
    taps_grow(t);
    for (int i = 0; i < count; i++)
        taps_one(t, i, scale, support);
}

static void grow_rows(struct resampler *r, size_t n)
{
    if (n + LANES <= r->cap)
        return;
    r->cap = n + LANES;
    r->sums = xrealloc(r->sums, r->cap * sizeof *r->sums);
    r->row = xrealloc(r->row, r->cap * sizeof *r->row);
    memset(r->row, 0, r->cap * sizeof *r->row);
}

/* r->row = output row i at the width of the source. */
static void mix_rows(struct resampler *r, const struct image *from, int i)
{
    size_t n = (size_t)from->width * (size_t)from->channels;
    const float *weight = r->rows.weight + (size_t)i * (size_t)r->rows.most;
    const float unit = 1.0f / (1 << ROW_BITS);
    int32_t *restrict sums = r->sums;
    float *restrict row = r->row;

    memset(sums, 0, n * sizeof *sums);
    for (int k = 0; k < r->rows.n[i]; k++) {
        const uint8_t *restrict source = from->pixels + (size_t)(r->rows.first[i] + k) * n;
        int16_t w = (int16_t)(weight[k] * (1 << ROW_BITS) + 0.5f);

        for (size_t x = 0; x < n; x++)
            sums[x] += w * (int16_t)source[x];
    }
    for (size_t x = 0; x < n; x++)
        row[x] = (float)sums[x] * unit;
}

static uint8_t to_level(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

static void mix_columns_grey(const struct resampler *r, uint8_t *to)
{
    const struct taps *t = &r->columns;

    for (int x = 0; x < t->count; x++) {
        const float *weight = t->weight + (size_t)x * (size_t)t->most, *source = r->row + t->first[x];
        float sum = 0;

        for (int k = 0; k < t->n[x]; k++)
            sum += weight[k] * source[k];
        to[x] = to_level(sum);
    }
}

/* Red, green, blue and the next pixel's red, which is not used. */
static void mix_columns_color(const struct resampler *r, uint8_t *to)
{
    const struct taps *t = &r->columns;

    for (int x = 0; x < t->count; x++, to += 3) {
        const float *weight = t->weight + (size_t)x * (size_t)t->most, *source = r->row + 3 * t->first[x];
        pixel_vector sum = {0};

        for (int k = 0; k < t->n[x]; k++) {
            pixel_vector v;

            memcpy(&v, source + 3 * k, sizeof v);
            sum += v * weight[k];
        }
        for (int c = 0; c < 3; c++)
            to[c] = to_level(sum[c]);
    }
}

void resample(struct resampler *r, const struct image *from, const struct window *w, uint8_t *to, size_t stride)
{
    taps_make(&r->columns, from->width, w->width, w->left, w->n_columns);
    taps_make(&r->rows, from->height, w->height, w->top, w->n_rows);
    grow_rows(r, (size_t)from->width * (size_t)from->channels);
    for (int i = 0; i < w->n_rows; i++) {
        mix_rows(r, from, i);
        if (from->channels == 1)
            mix_columns_grey(r, to + (size_t)i * stride);
        else
            mix_columns_color(r, to + (size_t)i * stride);
    }
}
