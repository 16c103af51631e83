// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/image.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "datasets/images/codec.h"

#include <assert.h>
#include <string.h>

static const struct codec *const codecs[] = { &jpeg_codec, &png_codec, &webp_codec, &gif_codec, &bmp_codec, &tiff_codec };

void image_done(struct image *image)
{
    free(image->pixels);
    *image = (struct image){0};
}

void image_make(struct image *image, int width, int height, int channels)
{
    size_t size = (size_t)width * (size_t)height * (size_t)channels + IMAGE_SLACK;

    assert(width > 0 && height > 0 && (int64_t)width * height <= IMAGE_PIXELS_MAX);
    if (size > image->cap) {
        free(image->pixels);
        image->pixels = xrealloc(NULL, size);
        image->cap = size;
    }
    image->width = width;
    image->height = height;
    image->channels = channels;
}

static const struct codec *find_codec(const uint8_t *data, size_t len, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
        if (codecs[i]->is(data, len))
            return codecs[i];
    err_set(err, ERR_BAD_INPUT, len ? "is not an image of a known kind" : "is empty");
    return NULL;
}

bool image_is(const uint8_t *data, size_t len)
{
    struct err err;

    return find_codec(data, len, &err) != NULL;
}

static int read_info(const struct codec *c, const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    struct image_info info = { .format = c->format };

    if (len > IMAGE_FILE_MAX)
        return err_set(err, ERR_BAD_INPUT, "is a file of more than %d MiB", IMAGE_FILE_MAX >> 20);
    if (c->info(data, len, &info, err) < 0)
        return -1;
    if (info.width < 1 || info.height < 1)
        return err_set(err, ERR_BAD_INPUT, "has no pixels");
    if (info.width > IMAGE_SIDE_MAX || info.height > IMAGE_SIDE_MAX || (int64_t)info.width * info.height > IMAGE_PIXELS_MAX)
        return err_set(err, ERR_BAD_INPUT, "has %d x %d pixels; at most %d million, and %d each way, are read", info.width,
                       info.height, IMAGE_PIXELS_MAX / 1000000, IMAGE_SIDE_MAX);
    *ret = info;
    return 0;
}

int image_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    const struct codec *c = find_codec(data, len, err);

    return c ? read_info(c, data, len, ret, err) : -1;
}

int image_whole(const uint8_t *data, size_t len, struct err *err)
{
    const struct codec *c = find_codec(data, len, err);

    if (!c)
        return -1;
    return c->whole ? c->whole(data, len, err) : 0;
}

int image_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                 struct err *err)
{
    const struct codec *c = find_codec(data, len, err);
    struct image_info info;

    assert(channels == 1 || channels == 3);
    if (!c || read_info(c, data, len, &info, err) < 0)
        return -1;
    return c->decode(data, len, channels, min_width, min_height, out, err);
}

void image_to_grey(const uint8_t *rgb, size_t n, uint8_t *grey)
{
    for (size_t i = 0; i < n; i++, rgb += 3)
        grey[i] = (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

__attribute__((always_inline)) static inline void deal(const uint8_t *restrict rgb, size_t n, uint8_t *restrict to)
{
    for (size_t i = 0; i < n; i++, rgb += 3) {
        to[i] = rgb[2];
        to[n + i] = rgb[1];
        to[2 * n + i] = rgb[0];
    }
}

static void deal_anywhere(const uint8_t *rgb, size_t n, uint8_t *to) { deal(rgb, n, to); }

#ifdef __x86_64__
/* The same for processors that move single bytes of a vector. */
__attribute__((target("ssse3"))) static void deal_ssse3(const uint8_t *rgb, size_t n, uint8_t *to) { deal(rgb, n, to); }

static bool has_ssse3(void) { return __builtin_cpu_supports("ssse3"); }
#else
#define deal_ssse3 deal_anywhere
static bool has_ssse3(void) { return false; }
#endif

void image_to_planes(const struct image *image, uint8_t *to)
{
    size_t n = (size_t)image->width * (size_t)image->height;

    if (image->channels == 1)
        memcpy(to, image->pixels, n);
    else if (has_ssse3())
        deal_ssse3(image->pixels, n, to);
    else
        deal_anywhere(image->pixels, n, to);
}
