// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/image_stats.h"

#include "base/mem.h"
#include "datasets/builder/report.h"
#include "datasets/images/image.h"

#include <math.h>
#include <stdlib.h>

/* Bytes that are summed side by side: a multiple of every number of channels, so that byte i belongs to channel i mod
 * channels; as many rounds as fit into 32 bits, and as many images as fit into 16. */
enum { LANES = 48, ROUNDS = UINT32_MAX / (255 * 255), RECENT_MAX = UINT16_MAX / 255 };

void image_stats_done(struct image_stats *s)
{
    free(s->sums);
    free(s->recent);
}

static size_t size_of(const struct image_stats *s) { return (size_t)s->width * (size_t)s->height * (size_t)s->channels; }

static void add_lanes(const struct image_stats *s, const uint32_t *lanes, uint64_t *to)
{
    for (int i = 0; i < LANES; i++)
        to[i % s->channels] += lanes[i];
}

/* Channel by channel. */
static void add_channels(struct image_stats *s, const uint8_t *p, size_t n)
{
    while (n >= LANES) {
        uint32_t sum[LANES] = {0}, square[LANES] = {0};

        for (int round = 0; round < ROUNDS && n >= LANES; round++, n -= LANES, p += LANES)
            for (int i = 0; i < LANES; i++) {
                uint16_t v = p[i];

                sum[i] += v;
                square[i] += (uint16_t)(v * v);
            }
        add_lanes(s, sum, s->sum);
        add_lanes(s, square, s->square);
    }
    for (size_t i = 0; i < n; i++) {
        s->sum[i % (size_t)s->channels] += p[i];
        s->square[i % (size_t)s->channels] += (uint64_t)p[i] * p[i];
    }
}

/* Pixel by pixel; sums of channels come out of these. */
static void add_pixels(struct image_stats *s, const uint8_t *restrict p, size_t n)
{
    uint16_t *restrict recent = s->recent;

    while (n >= LANES) {
        uint32_t square[LANES] = {0};

        for (int round = 0; round < ROUNDS && n >= LANES; round++, n -= LANES, p += LANES, recent += LANES)
            for (int i = 0; i < LANES; i++) {
                uint16_t v = p[i];

                recent[i] += v;
                square[i] += (uint16_t)(v * v);
            }
        add_lanes(s, square, s->square);
    }
    for (size_t i = 0; i < n; i++) {
        recent[i] += p[i];
        s->square[i % (size_t)s->channels] += (uint64_t)p[i] * p[i];
    }
    s->n_recent++;
}

static void settle(struct image_stats *s)
{
    if (s->n_recent == 0)
        return;
    for (size_t i = 0, n = size_of(s); i < n; i++) {
        s->sums[i] += s->recent[i];
        s->sum[i % (size_t)s->channels] += s->recent[i];
        s->recent[i] = 0;
    }
    s->n_recent = 0;
}

static void mix(struct image_stats *s)
{
    settle(s);
    s->mixed = true;
    free(s->sums);
    free(s->recent);
    s->sums = NULL;
    s->recent = NULL;
}

/* Whether an image of this size goes on being summed pixel by pixel. */
static bool fits(struct image_stats *s, int width, int height, int channels)
{
    if (s->channels == 0) {
        s->width = width, s->height = height, s->channels = channels;
        if ((int64_t)width * height <= STATS_PIXELS_MAX)
            s->sums = xcalloc(size_of(s), sizeof *s->sums);
    }
    if (width != s->width || height != s->height)
        mix(s);
    return s->sums != NULL;
}

void image_stats_add(struct image_stats *s, const struct image *image)
{
    size_t n = (size_t)image->width * (size_t)image->height * (size_t)image->channels;

    if (fits(s, image->width, image->height, image->channels)) {
        if (!s->recent)
            s->recent = xcalloc(n, sizeof *s->recent);
        add_pixels(s, image->pixels, n);
        if (s->n_recent == RECENT_MAX)
            settle(s);
    } else {
        add_channels(s, image->pixels, n);
    }
    s->n++;
    s->n_pixels += n / (size_t)image->channels;
}

void image_stats_merge(struct image_stats *s, struct image_stats *more)
{
    if (more->n == 0)
        return;
    settle(more);
    if (fits(s, more->width, more->height, more->channels) && more->sums)
        for (size_t i = 0; i < size_of(s); i++)
            s->sums[i] += more->sums[i];
    if (more->mixed)
        mix(s);
    s->n += more->n;
    s->n_pixels += more->n_pixels;
    for (int c = 0; c < STATS_CHANNELS; c++) {
        s->sum[c] += more->sum[c];
        s->square[c] += more->square[c];
    }
}

void image_stats_report(const struct image_stats *s, struct report *r)
{
    r->n_means = s->n ? s->channels : 0;
    for (int c = 0; c < r->n_means; c++) {
        double mean = (double)s->sum[c] / (double)s->n_pixels;
        double square = (double)s->square[c] / (double)s->n_pixels - mean * mean;

        r->mean[c] = mean;
        r->std[c] = square > 0 ? sqrt(square) : 0;
    }
}

float *image_stats_planes(const struct image_stats *s)
{
    size_t n = (size_t)s->width * (size_t)s->height;
    float *planes;

    if (!s->sums || s->n == 0)
        return NULL;
    planes = xcalloc(n * (size_t)s->channels, sizeof *planes);
    for (int c = 0; c < s->channels; c++)
        for (size_t i = 0; i < n; i++)
            planes[(size_t)(s->channels - 1 - c) * n + i] = (float)s->sums[i * (size_t)s->channels + (size_t)c] / (float)s->n;
    return planes;
}

/* --- sizes --- */

void image_sizes_add(struct image_sizes *s, int width, int height)
{
    for (size_t i = 0; i < s->n; i++) {
        struct image_size *size = &s->all[i];

        if (size->width != width || size->height != height)
            continue;
        size->count++;
        if (i > 0 && size->count > s->all[i - 1].count) {       /* frequent ones are found soon */
            struct image_size other = s->all[i - 1];

            s->all[i - 1] = *size;
            s->all[i] = other;
        }
        return;
    }
    if (s->n < SIZES_MAX)
        s->all[s->n++] = (struct image_size){ width, height, 1 };
}

static int by_count(const void *pa, const void *pb)
{
    const struct image_size *a = pa, *b = pb;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return a->width != b->width ? (a->width > b->width) - (a->width < b->width)
                                : (a->height > b->height) - (a->height < b->height);
}

void image_sizes_report(struct image_sizes *s, struct report *r)
{
    qsort(s->all, s->n, sizeof s->all[0], by_count);
    for (size_t i = 0; i < s->n && i < SIZES_TOLD; i++)
        report_size(r, s->all[i].width, s->all[i].height, s->all[i].count);
}
