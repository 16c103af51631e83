// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Pictures of any size made one size: decode, scale, cut, pad. */

#include "datasets/images/resample.h"

/*   squash      to the sides that are wanted, whatever becomes of the proportions
 *   crop        so that the wanted rectangle is covered; what sticks out is cut off at both ends
 *   fill        so that it fits in; the rest is black
 *   half_crop   halfway between: the scale is the mean of crop's and fill's; one side is cut, the other filled */
enum fit { FIT_SQUASH, FIT_CROP, FIT_FILL, FIT_HALF_CROP };

struct transform {
    int channels;                       /* 1, 3 */
    int width, height;                  /* wanted; 0 keeps what the picture has */
    enum fit fit;
};

/* -1 for another word. */
int fit_of(const char *word);

/* Where a picture of width x height goes: `window` of it scaled, written from (x, y) of the result on. */
struct placement {
    struct window window;
    int out_width, out_height, x, y;
};

void transform_place(const struct transform *t, int width, int height, struct placement *ret);

struct workbench;       /* what one thread needs, kept from picture to picture */

struct workbench *workbench_new(void);
void workbench_free(struct workbench *w);       /* NULL is fine */

/* Decodes and transforms. The result belongs to the workbench until its next use; `ret_info` is what the file was.
 * ERR_BAD_INPUT as image_decode(). A result of more than IMAGE_PIXELS_MAX pixels is refused too. */
struct image *transform(struct workbench *w, const struct transform *t, const uint8_t *data, size_t len,
                        struct image_info *ret_info, struct err *err);
