// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What images have in common: the mean image, mean and deviation of each channel, which sizes there are. Sums of whole
 * numbers, so that the order in which images come makes no difference. One thread at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image;
struct report;

enum {
    STATS_CHANNELS = 3,
    STATS_PIXELS_MAX = 4 << 20,         /* of a mean image; larger images have none */
};

struct image_stats {
    int width, height, channels;        /* of the first image; 0: none yet */
    bool mixed;                         /* not all have that size */
    uint32_t *sums;                     /* [height × width × channels] while they all have; malloc. At most 2^24 images */
    uint16_t *recent;                   /* the same of the n_recent last ones, which are not in `sums` and `sum` yet; malloc */
    int n_recent;
    int64_t n;
    uint64_t n_pixels, sum[STATS_CHANNELS], square[STATS_CHANNELS];
};

void image_stats_done(struct image_stats *s);
void image_stats_add(struct image_stats *s, const struct image *image);

/* Adds what was added to `more`. Only what was merged into s is told by what follows. */
void image_stats_merge(struct image_stats *s, struct image_stats *more);

/* Means and deviations, 0 to 255, into the report. */
void image_stats_report(const struct image_stats *s, struct report *r);

/* The mean image as planes, in the order blue, green, red: [channels × height × width], malloc. NULL when the images have
 * not all one size, or too many pixels. */
float *image_stats_planes(const struct image_stats *s);

/* How often each size was seen; beyond SIZES_MAX different ones the rest is not told apart. */
enum { SIZES_MAX = 4096, SIZES_TOLD = 20 };

struct image_sizes {
    struct image_size { int width, height; int64_t count; } all[SIZES_MAX];
    size_t n;
};

void image_sizes_add(struct image_sizes *s, int width, int height);
void image_sizes_report(struct image_sizes *s, struct report *r);      /* the SIZES_TOLD most frequent */
