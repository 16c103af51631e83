// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/image.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* BITMAPFILEHEADER (14 bytes) and BITMAPINFOHEADER or one of its longer successors; the older one of OS/2 has 16-bit
 * sides and palette entries of three bytes. */
enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, PLAIN = 0, BITFIELDS = 3 };

struct bitmap {
    const uint8_t *data;
    size_t len, header;                 /* bytes of the second header */
    size_t pixels;                      /* offset */
    int width, height;
    bool upwards;                       /* the last row comes first */
    unsigned bits, compression;
    uint32_t masks[3];                  /* of red, green, blue, for 16 and 32 bits */
    size_t palette, entry, n_palette;
};

static bool bmp_is(const uint8_t *data, size_t len) { return len >= FILE_HEADER + 4 && data[0] == 'B' && data[1] == 'M'; }

static void read_masks(struct bitmap *b)
{
    static const uint32_t usual16[3] = { 0x7C00, 0x03E0, 0x001F }, usual32[3] = { 0xFF0000, 0xFF00, 0xFF };

    memcpy(b->masks, b->bits == 16 ? usual16 : usual32, sizeof b->masks);
    if (b->compression == BITFIELDS && b->len >= FILE_HEADER + INFO_HEADER + 12)
        for (int i = 0; i < 3; i++)
            b->masks[i] = codec_u32le(b->data + FILE_HEADER + INFO_HEADER + 4 * i);
}

static void read_palette(struct bitmap *b)
{
    uint32_t used = b->header >= INFO_HEADER ? codec_u32le(b->data + FILE_HEADER + 32) : 0;

    b->entry = b->header == CORE_HEADER ? 3 : 4;
    b->palette = FILE_HEADER + b->header;
    b->n_palette = b->bits > 8 ? 0 : used && used <= 1u << b->bits ? used : 1u << b->bits;
}

static int read_header(struct bitmap *b, struct err *err)
{
    const uint8_t *h = b->data + FILE_HEADER;
    int64_t height;

    b->pixels = codec_u32le(b->data + 10);
    b->header = codec_u32le(h);
    if ((b->header != CORE_HEADER && b->header < INFO_HEADER) || b->header > b->len - FILE_HEADER)
        return err_set(err, ERR_BAD_INPUT, "is a BMP file of an unknown form");
    if (b->header == CORE_HEADER) {
        b->width = (int)codec_u16le(h + 4);
        height = codec_u16le(h + 6);
        b->bits = codec_u16le(h + 10);
    } else {
        uint32_t width = codec_u32le(h + 4);

        b->width = width > INT32_MAX ? 0 : (int)width;
        height = (int32_t)codec_u32le(h + 8);
        b->bits = codec_u16le(h + 14);
        b->compression = codec_u32le(h + 16);
    }
    b->upwards = height > 0;
    height = llabs(height);
    b->height = height > INT32_MAX ? INT32_MAX : (int)height;
    read_masks(b);
    read_palette(b);
    return 0;
}

static size_t stride_of(const struct bitmap *b) { return ((size_t)b->width * b->bits + 31) / 32 * 4; }

static int check_form(const struct bitmap *b, struct err *err)
{
    bool plain = b->compression == PLAIN && (b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 24);
    bool masked = (b->compression == PLAIN || b->compression == BITFIELDS) && (b->bits == 16 || b->bits == 32);

    if (!plain && !masked)
        return err_set(err, ERR_BAD_INPUT, "is a BMP file with compression, which is not read");
    if (b->palette + b->n_palette * b->entry > b->len || b->pixels > b->len ||
        stride_of(b) * (size_t)b->height > b->len - b->pixels)
        return err_set(err, ERR_BAD_INPUT, "is a BMP file that is cut off");
    return 0;
}

static int bmp_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    struct bitmap b = { .data = data, .len = len };

    if (read_header(&b, err) < 0)
        return -1;
    ret->width = b.width;
    ret->height = b.height;
    return 0;
}

static int bmp_whole(const uint8_t *data, size_t len, struct err *err)
{
    struct bitmap b = { .data = data, .len = len };
    struct image_info info;

    if (read_header(&b, err) < 0 || image_info(data, len, &info, err) < 0)
        return -1;
    return check_form(&b, err);
}

/* The bits under the mask, stretched to 0..255. */
static uint8_t masked(uint32_t pixel, uint32_t mask)
{
    int shift = mask ? __builtin_ctz(mask) : 0;
    uint32_t most = mask >> shift;

    return most ? (uint8_t)((uint64_t)((pixel & mask) >> shift) * 255 / most) : 0;
}

static void read_pixel(const struct bitmap *b, const uint8_t *row, int x, uint8_t rgb[3])
{
    uint32_t v;

    if (b->bits <= 8) {
        unsigned per_byte = 8 / b->bits;
        unsigned shift = 8 - b->bits * (1 + (unsigned)x % per_byte);
        const uint8_t *entry;

        v = row[(unsigned)x / per_byte] >> shift & ((1u << b->bits) - 1);
        if (v >= b->n_palette)
            v = 0;
        entry = b->data + b->palette + v * b->entry;
        rgb[0] = entry[2], rgb[1] = entry[1], rgb[2] = entry[0];
        return;
    }
    if (b->bits == 24) {
        rgb[0] = row[3 * x + 2], rgb[1] = row[3 * x + 1], rgb[2] = row[3 * x];
        return;
    }
    v = b->bits == 16 ? codec_u16le(row + 2 * x) : codec_u32le(row + 4 * x);
    for (int i = 0; i < 3; i++)
        rgb[i] = masked(v, b->masks[i]);
}

static int bmp_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                      struct err *err)
{
    struct bitmap b = { .data = data, .len = len };

    (void)min_width;
    (void)min_height;
    if (read_header(&b, err) < 0 || check_form(&b, err) < 0)
        return -1;
    image_make(out, b.width, b.height, channels);
    for (int y = 0; y < b.height; y++) {
        const uint8_t *row = data + b.pixels + stride_of(&b) * (size_t)(b.upwards ? b.height - 1 - y : y);
        uint8_t *to = out->pixels + (size_t)y * (size_t)b.width * (size_t)channels;

        for (int x = 0; x < b.width; x++, to += channels) {
            uint8_t rgb[3];

            read_pixel(&b, row, x, rgb);
            if (channels == 1)
                image_to_grey(rgb, 1, to);
            else
                memcpy(to, rgb, 3);
        }
    }
    return 0;
}

const struct codec bmp_codec = {
    .format = "bmp",
    .is = bmp_is,
    .info = bmp_info,
    .whole = bmp_whole,
    .decode = bmp_decode,
};
