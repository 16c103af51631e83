// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/encode.h"
#include "datasets/images/image.h"
#include "datasets/images/jpeg_codes.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum {
    SCANS_MAX = 200,            /* of a progressive file; each walks through all of the picture, and encoders use a dozen */
    TAIL_MAX = 64 << 10,        /* bytes after the end of the picture: cameras append previews and notes */
    ROWS_AT_ONCE = 16,
    OWN_CODES_MIN = 2 << 10,    /* bytes; jpeg_codes.h makes tables first, in 5 us, which smaller files do not win back */
};

/* --- headers, without the library --- */

static bool jpeg_is(const uint8_t *data, size_t len)
{
    return len >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF;
}

static bool is_frame(unsigned marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/* Where the frame header's marker is; 0: nowhere. */
static size_t find_frame(const uint8_t *data, size_t len)
{
    size_t at = 2;

    while (at + 4 <= len && data[at] == 0xFF) {
        unsigned marker = data[at + 1];
        size_t size = codec_u16be(data + at + 2);

        if (marker == 0xFF) {           /* padding */
            at++;
            continue;
        }
        if (is_frame(marker) && at + 9 <= len)
            return at;
        if (marker == 0xDA || size < 2)
            break;
        at += 2 + size;
    }
    return 0;
}

static int jpeg_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    size_t frame = find_frame(data, len);

    if (!frame)
        return err_set(err, ERR_BAD_INPUT, "is a JPEG file without a picture");
    ret->height = (int)codec_u16be(data + frame + 5);
    ret->width = (int)codec_u16be(data + frame + 7);
    return 0;
}

static int jpeg_whole(const uint8_t *data, size_t len, struct err *err)
{
    size_t stop = len > TAIL_MAX ? len - TAIL_MAX : 2;

    for (size_t at = len; at >= stop + 2; at--)
        if (data[at - 2] == 0xFF && data[at - 1] == 0xD9)
            return 0;
    return err_set(err, ERR_BAD_INPUT, "is a JPEG file that is cut off");
}

/* --- the library's way of failing --- */

struct failing {
    struct jpeg_error_mgr manager;      /* first: the library hands out this address */
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    struct err *err;
};

__attribute__((noreturn)) static void fail(j_common_ptr c, const char *why)
{
    struct failing *f = (struct failing *)(void *)c->err;

    err_set(f->err, ERR_BAD_INPUT, "is damaged: %s", why);
    longjmp(f->out, 1);
}

static void on_error(j_common_ptr c)
{
    char text[JMSG_LENGTH_MAX];

    c->err->format_message(c, text);
    fail(c, text);
}

/* Warnings are data that are missing or wrong, except those about what lies between the markers. */
static void on_message(j_common_ptr c, int level)
{
    if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA && c->err->msg_code != JWRN_ADOBE_XFORM &&
        c->err->msg_code != JWRN_JFIF_MAJOR && c->err->msg_code != JWRN_BOGUS_PROGRESSION)
        on_error(c);
}

static void on_progress(j_common_ptr c)
{
    if (((j_decompress_ptr)c)->input_scan_number > SCANS_MAX)
        fail(c, "it has too many scans");
}

static struct jpeg_error_mgr *failing_init(struct failing *f, struct err *err)
{
    f->err = err;
    jpeg_std_error(&f->manager);
    f->manager.error_exit = on_error;
    f->manager.emit_message = on_message;
    f->progress.progress_monitor = on_progress;
    return &f->manager;
}

/* --- decoding --- */

struct decoding {
    struct jpeg_decompress_struct c;
    struct failing failing;
    const uint8_t *data;
    size_t len;
    int channels, min_width, min_height;
    bool own_codes;                     /* read the codes with jpeg_codes.h */
    struct image *out;
};

/* The library has fast code for these scales; it has some for the others too, but slow. */
static unsigned choose_scale(const struct decoding *d)
{
    if (d->min_width < 1 || d->min_height < 1)
        return 1;
    for (unsigned denominator = 8; denominator > 1; denominator /= 2)
        if ((d->c.image_width + denominator - 1) / denominator >= (unsigned)d->min_width &&
            (d->c.image_height + denominator - 1) / denominator >= (unsigned)d->min_height)
            return denominator;
    return 1;
}

/* One row of cyan, magenta, yellow and black, as Adobe's programs write it: inverted. */
static void from_cmyk(uint8_t *row, size_t n, int channels)
{
    uint8_t *out = row;

    for (size_t i = 0; i < n; i++, row += 4) {
        uint8_t rgb[3];

        for (int k = 0; k < 3; k++)
            rgb[k] = (uint8_t)(row[k] * row[3] / 255);
        if (channels == 1)
            image_to_grey(rgb, 1, out);
        else
            memcpy(out, rgb, 3);
        out += channels;
    }
}

static void read_cmyk(struct decoding *d)
{
    size_t width = d->c.output_width;
    JSAMPARRAY row = d->c.mem->alloc_sarray((j_common_ptr)&d->c, JPOOL_IMAGE, (JDIMENSION)(width * 4), 1);

    while (d->c.output_scanline < d->c.output_height) {
        uint8_t *to = d->out->pixels + (size_t)d->c.output_scanline * width * (size_t)d->channels;

        jpeg_read_scanlines(&d->c, row, 1);
        from_cmyk(row[0], width, d->channels);
        memcpy(to, row[0], width * (size_t)d->channels);
    }
}

static void read_rows(struct decoding *d)
{
    size_t stride = (size_t)d->c.output_width * (size_t)d->channels;
    JSAMPROW rows[ROWS_AT_ONCE];

    while (d->c.output_scanline < d->c.output_height) {
        unsigned n = d->c.output_height - d->c.output_scanline;

        if (n > ROWS_AT_ONCE)
            n = ROWS_AT_ONCE;
        for (unsigned i = 0; i < n; i++)
            rows[i] = d->out->pixels + (d->c.output_scanline + i) * stride;
        jpeg_read_scanlines(&d->c, rows, n);
    }
}

static int decode(struct decoding *d)
{
    bool cmyk;

    if (setjmp(d->failing.out))
        return -1;
    jpeg_create_decompress(&d->c);
    d->c.progress = &d->failing.progress;
    jpeg_mem_src(&d->c, d->data, (unsigned long)d->len);
    jpeg_read_header(&d->c, TRUE);
    cmyk = d->c.jpeg_color_space == JCS_CMYK || d->c.jpeg_color_space == JCS_YCCK;
    d->c.out_color_space = cmyk ? JCS_CMYK : d->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    d->c.scale_denom = choose_scale(d);
    jpeg_start_decompress(&d->c);
    if (d->own_codes)
        jpeg_codes_attach(&d->c);
    if ((int64_t)d->c.output_width * d->c.output_height > IMAGE_PIXELS_MAX)
        fail((j_common_ptr)&d->c, "it has two sizes");
    image_make(d->out, (int)d->c.output_width, (int)d->c.output_height, d->channels);
    if (cmyk)
        read_cmyk(d);
    else
        read_rows(d);
    jpeg_finish_decompress(&d->c);
    return 0;
}

static int decode_once(struct decoding *d, bool own_codes, struct err *err)
{
    int result;

    d->own_codes = own_codes;
    d->c.err = failing_init(&d->failing, err);
    result = decode(d);
    jpeg_destroy_decompress(&d->c);
    return result;
}

/* Sequential, with Huffman codes: nearly all files. */
static bool is_baseline(const uint8_t *data, size_t len)
{
    size_t frame = find_frame(data, len);

    return frame && (data[frame + 1] == 0xC0 || data[frame + 1] == 0xC1);
}

static int jpeg_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                       struct err *err)
{
    struct decoding d = { .data = data, .len = len, .channels = channels, .min_width = min_width, .min_height = min_height,
                          .out = out };
    struct err unusual = {0};

    if (len >= OWN_CODES_MIN && is_baseline(data, len) && decode_once(&d, true, &unusual) == 0)
        return 0;
    return decode_once(&d, false, err);
}

const struct codec jpeg_codec = {
    .format = "jpeg",
    .is = jpeg_is,
    .info = jpeg_info,
    .whole = jpeg_whole,
    .decode = jpeg_decode,
};

/* --- encoding --- */

struct encoding {
    struct jpeg_compress_struct c;
    struct failing failing;
    unsigned char *bytes;               /* grown by the library, with malloc() */
    unsigned long n_bytes;
};

static int encode(struct encoding *e, const struct image *image, int quality)
{
    size_t stride = (size_t)image->width * (size_t)image->channels;

    if (setjmp(e->failing.out))
        return -1;
    jpeg_create_compress(&e->c);
    jpeg_mem_dest(&e->c, &e->bytes, &e->n_bytes);
    e->c.image_width = (JDIMENSION)image->width;
    e->c.image_height = (JDIMENSION)image->height;
    e->c.input_components = image->channels;
    e->c.in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&e->c);
    jpeg_set_quality(&e->c, quality, TRUE);
    jpeg_start_compress(&e->c, TRUE);
    while (e->c.next_scanline < e->c.image_height) {
        JSAMPROW row = image->pixels + e->c.next_scanline * stride;

        jpeg_write_scanlines(&e->c, &row, 1);
    }
    jpeg_finish_compress(&e->c);
    return 0;
}

int image_to_jpeg(const struct image *image, int quality, struct text *out, struct err *err)
{
    struct encoding e = {0};
    int result;

    e.c.err = failing_init(&e.failing, err);
    result = encode(&e, image, quality);
    jpeg_destroy_compress(&e.c);
    if (result == 0)
        text_add_n(out, (const char *)e.bytes, e.n_bytes);
    free(e.bytes);
    return result;
}
