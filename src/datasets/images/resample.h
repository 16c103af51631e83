// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Resizing with a triangle filter that widens when it shrinks ("bilinear with antialiasing"), the one that Pillow and
 * torchvision call BILINEAR; results are within one grey level of theirs. */

#include "datasets/images/image.h"

struct resampler;       /* tables and rows that are kept from picture to picture; one thread at a time */

struct resampler *resampler_new(void);
void resampler_free(struct resampler *r);       /* NULL is fine */

/* A picture `from` is thought of as resized to width x height pixels; the window of n_columns x n_rows of them that begins
 * at (left, top) is written to `to`, rows `stride` bytes apart.
 *
 *   from   [height × width × channels]   grey or colour
 *   to     [n_rows × n_columns × channels]
 *
 * Output pixel x covers the source from x to x + 1 times the scale s = from->width / width; source pixel i, whose middle
 * is i + 1/2, weighs max(0, 1 - |i + 1/2 - (x + 1/2) s| / max(s, 1)); weights are cut at the picture's edges and scaled to
 * the sum 1. Rows alike. The result is rounded once. */
struct window {
    int width, height;
    int left, top, n_columns, n_rows;
};

void resample(struct resampler *r, const struct image *from, const struct window *w, uint8_t *to, size_t stride);
