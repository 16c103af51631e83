// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a file format of pictures is to image.c: a file with one `const struct codec`, and a line in its list. Failures
 * are ERR_BAD_INPUT, as image.h says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct image;
struct image_info;

struct codec {
    const char *format;                 /* as in struct image_info */

    /* Whether the file begins like one of this format. */
    bool (*is)(const uint8_t *data, size_t len);

    /* Width and height as the header says; image.c checks them. */
    int (*info)(const uint8_t *data, size_t len, struct image_info *ret, struct err *err);

    /* Whether the file reaches its end. NULL: only decoding can tell. */
    int (*whole)(const uint8_t *data, size_t len, struct err *err);

    /* image_decode() after info() and its checks. Decoding must not take more memory than a few times the pixels that
     * the header announced; a file that says something else later on is damaged. */
    int (*decode)(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                  struct err *err);
};

extern const struct codec jpeg_codec, png_codec, bmp_codec, gif_codec, webp_codec, tiff_codec;

static inline unsigned codec_u16le(const uint8_t *p) { return p[0] | (unsigned)p[1] << 8; }
static inline uint32_t codec_u32le(const uint8_t *p) { return codec_u16le(p) | (uint32_t)codec_u16le(p + 2) << 16; }
static inline unsigned codec_u16be(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static inline uint32_t codec_u32be(const uint8_t *p) { return (uint32_t)codec_u16be(p) << 16 | codec_u16be(p + 2); }
