// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Pictures of users: what they are, whether they are whole, their pixels. Any thread; nothing is shared. A picture that
 * cannot be used is ERR_BAD_INPUT with the reason as a phrase that follows its name: "is not an image of a known kind". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
    IMAGE_SIDE_MAX = 65535,             /* pixels; what JPEG can have */
    IMAGE_PIXELS_MAX = 64 << 20,        /* of one picture: 192 MiB of colour pixels */
    IMAGE_FILE_MAX = 256 << 20,         /* bytes of one file */
};

/* Pixels row by row from the top, `channels` bytes each: 1 is grey, 3 are red, green, blue. `pixels` is from malloc()
 * and kept from picture to picture; IMAGE_SLACK bytes after the last pixel may be read, and have any value. */
enum { IMAGE_SLACK = 64 };

struct image {
    int width, height, channels;
    uint8_t *pixels;
    size_t cap;
};

void image_done(struct image *image);

/* Makes room for a picture; sides of at least 1, at most IMAGE_PIXELS_MAX pixels. The pixels have any value. */
void image_make(struct image *image, int width, int height, int channels);

struct image_info {
    const char *format;                 /* "jpeg", "png", "bmp", "gif", "webp" or "tiff" */
    int width, height;
};

/* Whether the file begins like one of a known kind; 32 bytes are enough. */
bool image_is(const uint8_t *data, size_t len);

/* What the file is, from its first bytes; nothing is decoded. Refused: other kinds of files, more than IMAGE_SIDE_MAX
 * pixels in a row or column, more than IMAGE_PIXELS_MAX in all. */
int image_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err);

/* Whether the file reaches its end, by its outer structure; cheap, as nothing is decoded. */
int image_whole(const uint8_t *data, size_t len, struct err *err);

/* Decodes into `out` as grey (channels 1) or colour (3); transparency is dropped, animations give their first picture,
 * a turned camera's mark is ignored. With min_width and min_height (0, 0: full size) a JPEG is decoded at a half, a
 * quarter or an eighth of its size when that still has as many pixels each way, which is faster. Refuses what
 * image_info() does, and files that are damaged or cut. */
int image_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                 struct err *err);

/* Luma from red, green and blue with the weights of ITU-R BT.601, n pixels; `grey` may be `rgb`. */
void image_to_grey(const uint8_t *rgb, size_t n, uint8_t *grey);

/* The pixels as planes of height x width bytes, colours in the order blue, green, red. */
void image_to_planes(const struct image *image, uint8_t *to);
