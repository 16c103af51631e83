// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/encode.h"
#include "datasets/images/image.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

enum {
    HEADER = 8,                         /* bytes before the first chunk */
    CHUNK_EXTRA = 12,                   /* length, type and checksum of a chunk */
    CHUNK_MAX = 8 << 20,                /* bytes that a chunk beside the picture may unpack to */
    FAST = 2,                           /* zlib's level: twice as fast as the usual 6, a tenth larger */
};

static bool png_is(const uint8_t *data, size_t len)
{
    return len >= HEADER && memcmp(data, "\x89PNG\r\n\x1a\n", HEADER) == 0;
}

static int png_info_of(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    uint32_t width, height;

    if (len < HEADER + 8 + 13 || memcmp(data + HEADER + 4, "IHDR", 4) != 0)
        return err_set(err, ERR_BAD_INPUT, "is a PNG file without a picture");
    width = codec_u32be(data + HEADER + 8);
    height = codec_u32be(data + HEADER + 12);
    ret->width = width > INT32_MAX ? INT32_MAX : (int)width;
    ret->height = height > INT32_MAX ? INT32_MAX : (int)height;
    return 0;
}

static int png_whole(const uint8_t *data, size_t len, struct err *err)
{
    size_t at = HEADER;

    while (len - at >= CHUNK_EXTRA) {
        size_t size = codec_u32be(data + at);

        if (size > len - at - CHUNK_EXTRA)
            break;
        if (memcmp(data + at + 4, "IEND", 4) == 0)
            return 0;
        at += size + CHUNK_EXTRA;
    }
    return err_set(err, ERR_BAD_INPUT, "is a PNG file that is cut off");
}

/* --- the library's way of failing, and of reading --- */

struct source {
    png_structp png;
    png_infop info;
    const uint8_t *at;
    size_t left;
    png_bytep *rows;
    struct err *err;
};

static void on_error(png_structp png, png_const_charp why)
{
    struct err **err = png_get_error_ptr(png);

    err_set(*err, ERR_BAD_INPUT, "is damaged: %s", why);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp why)
{
    (void)png;
    (void)why;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    struct source *s = png_get_io_ptr(png);

    if (n > s->left)
        png_error(png, "it is cut off");
    memcpy(to, s->at, n);
    s->at += n;
    s->left -= n;
}

/* Whatever is in the file, 8-bit red, green and blue come out, or grey when grey is wanted and there. */
static void set_conversions(struct source *s, int channels)
{
    int type = png_get_color_type(s->png, s->info);

    png_set_scale_16(s->png);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(s->png);
    if (type == PNG_COLOR_TYPE_GRAY)
        png_set_expand_gray_1_2_4_to_8(s->png);
    if (channels == 3 && !(type & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(s->png);
    png_set_strip_alpha(s->png);
}

static int decode(struct source *s, int channels, struct image *out)
{
    int width, height, stored;
    size_t stride;

    if (setjmp(png_jmpbuf(s->png)))
        return -1;
    png_set_user_limits(s->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(s->png, CHUNK_MAX);
    png_set_read_fn(s->png, s, on_read);
    png_read_info(s->png, s->info);
    set_conversions(s, channels);
    png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    width = (int)png_get_image_width(s->png, s->info);
    height = (int)png_get_image_height(s->png, s->info);
    stored = png_get_channels(s->png, s->info);
    stride = png_get_rowbytes(s->png, s->info);
    if ((stored != 1 && stored != 3) || stride != (size_t)width * (size_t)stored)
        png_error(s->png, "its pixels have an unknown form");

    image_make(out, width, height, stored);
    s->rows = xcalloc((size_t)height, sizeof *s->rows);
    for (int y = 0; y < height; y++)
        s->rows[y] = out->pixels + (size_t)y * stride;
    png_read_image(s->png, s->rows);
    png_read_end(s->png, NULL);
    return 0;
}

static int png_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                      struct err *err)
{
    struct source s = { .at = data, .left = len, .err = err };
    int result = -1;

    (void)min_width;
    (void)min_height;
    s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s.err, on_error, on_warning);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    if (s.info)
        result = decode(&s, channels, out);
    else
        err_set(err, ERR_INTERNAL, "libpng cannot be used");
    png_destroy_read_struct(&s.png, &s.info, NULL);
    free(s.rows);
    if (result < 0)
        return -1;
    if (channels == 1 && out->channels == 3)
        image_to_grey(out->pixels, (size_t)out->width * (size_t)out->height, out->pixels);
    out->channels = channels;
    return 0;
}

const struct codec png_codec = {
    .format = "png",
    .is = png_is,
    .info = png_info_of,
    .whole = png_whole,
    .decode = png_decode,
};

/* --- encoding --- */

static void on_write(png_structp png, png_bytep data, size_t n) { text_add_n(png_get_io_ptr(png), (const char *)data, n); }
static void on_flush(png_structp png) { (void)png; }

static int encode(png_structp png, png_infop info, const struct image *image, struct text *out)
{
    size_t stride = (size_t)image->width * (size_t)image->channels;

    if (setjmp(png_jmpbuf(png)))
        return -1;
    png_set_write_fn(png, out, on_write, on_flush);
    png_set_compression_level(png, FAST);
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < image->height; y++)
        png_write_row(png, image->pixels + (size_t)y * stride);
    png_write_end(png, info);
    return 0;
}

int image_to_png(const struct image *image, struct text *out, struct err *err)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &err, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int result = info ? encode(png, info, image, out) : err_set(err, ERR_INTERNAL, "libpng cannot be used");

    png_destroy_write_struct(&png, &info);
    return result;
}
