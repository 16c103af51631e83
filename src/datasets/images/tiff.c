// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/image.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

enum { PIECE_MAX = 512 << 20 };         /* bytes that the library may ask for at once */

struct source {
    const uint8_t *data;
    size_t len, at;
    char why[128];                      /* the first complaint */
};

static bool tiff_is(const uint8_t *data, size_t len)
{
    return len >= 8 && (memcmp(data, "II*\0", 4) == 0 || memcmp(data, "MM\0*", 4) == 0);
}

/* --- a file in memory --- */

static tmsize_t on_read(thandle_t h, void *to, tmsize_t n)
{
    struct source *s = h;
    size_t take = s->at < s->len ? s->len - s->at : 0;

    if ((size_t)n < take)
        take = (size_t)n;
    memcpy(to, s->data + (take ? s->at : 0), take);
    s->at += take;
    return (tmsize_t)take;
}

static tmsize_t on_write(thandle_t h, void *from, tmsize_t n)
{
    (void)h, (void)from, (void)n;
    return 0;
}

static toff_t on_seek(thandle_t h, toff_t offset, int whence)
{
    struct source *s = h;

    s->at = (size_t)offset + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->len : 0);
    return s->at;
}

static toff_t on_size(thandle_t h) { return ((struct source *)h)->len; }
static int on_close(thandle_t h) { return (void)h, 0; }

static int on_error(TIFF *tiff, void *arg, const char *module, const char *fmt, va_list ap)
{
    struct source *s = arg;

    (void)tiff, (void)module;
    if (!s->why[0])
        vsnprintf(s->why, sizeof s->why, fmt, ap);
    return 1;
}

static int on_warning(TIFF *tiff, void *arg, const char *module, const char *fmt, va_list ap)
{
    (void)tiff, (void)arg, (void)module, (void)fmt, (void)ap;
    return 1;
}

static TIFF *open_source(struct source *s)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFF *tiff;

    TIFFOpenOptionsSetMaxSingleMemAlloc(options, PIECE_MAX);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, NULL);
    tiff = TIFFClientOpenExt("image", "rm", s, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static void tiff_closep(TIFF **tiff)
{
    if (*tiff)
        TIFFClose(*tiff);
}

static int damaged(const struct source *s, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "is damaged: %s", s->why[0] ? s->why : "it has no picture");
}

static int read_sides(TIFF *tiff, struct image_info *ret)
{
    uint32_t width = 0, height = 0;

    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height))
        return -1;
    ret->width = width > INT32_MAX ? INT32_MAX : (int)width;
    ret->height = height > INT32_MAX ? INT32_MAX : (int)height;
    return 0;
}

static int tiff_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    struct source s = { .data = data, .len = len };
    CLEANUP(tiff_closep) TIFF *tiff = open_source(&s);

    return !tiff || read_sides(tiff, ret) < 0 ? damaged(&s, err) : 0;
}

/* One picture row of the library's form: alpha, blue, green, red from the highest byte to the lowest. */
static void put_row(const uint32_t *from, int n, int channels, uint8_t *to)
{
    for (int x = 0; x < n; x++, to += channels) {
        const uint8_t rgb[3] = { TIFFGetR(from[x]), TIFFGetG(from[x]), TIFFGetB(from[x]) };

        if (channels == 1)
            image_to_grey(rgb, 1, to);
        else
            memcpy(to, rgb, 3);
    }
}

static int tiff_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                       struct err *err)
{
    struct source s = { .data = data, .len = len };
    CLEANUP(tiff_closep) TIFF *tiff = open_source(&s);
    CLEANUP(freep) uint32_t *raster = NULL;
    struct image_info info = {0};

    (void)min_width;
    (void)min_height;
    if (!tiff || read_sides(tiff, &info) < 0)
        return damaged(&s, err);
    raster = xcalloc((size_t)info.width * (size_t)info.height, sizeof *raster);
    if (!TIFFReadRGBAImageOriented(tiff, (uint32_t)info.width, (uint32_t)info.height, raster, ORIENTATION_TOPLEFT,
                                   /* stopOnError= */ 1))
        return damaged(&s, err);
    image_make(out, info.width, info.height, channels);
    for (int y = 0; y < info.height; y++)
        put_row(raster + (size_t)y * (size_t)info.width, info.width, channels,
                out->pixels + (size_t)y * (size_t)info.width * (size_t)channels);
    return 0;
}

const struct codec tiff_codec = {
    .format = "tiff",
    .is = tiff_is,
    .info = tiff_info,
    .decode = tiff_decode,
};
