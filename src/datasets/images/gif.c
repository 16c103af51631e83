// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/image.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <string.h>

#include <gif_lib.h>

struct source {
    const uint8_t *at;
    size_t left;
};

static bool gif_is(const uint8_t *data, size_t len)
{
    return len >= 10 && (memcmp(data, "GIF87a", 6) == 0 || memcmp(data, "GIF89a", 6) == 0);
}

static int gif_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    (void)len;
    (void)err;
    ret->width = (int)codec_u16le(data + 6);
    ret->height = (int)codec_u16le(data + 8);
    return 0;
}

static int gif_whole(const uint8_t *data, size_t len, struct err *err)
{
    size_t end = len;

    while (end > 10 && data[end - 1] == 0)      /* some writers pad */
        end--;
    if (data[end - 1] != ';')
        return err_set(err, ERR_BAD_INPUT, "is a GIF file that is cut off");
    return 0;
}

static int on_read(GifFileType *gif, GifByteType *to, int n)
{
    struct source *s = gif->UserData;
    size_t take = (size_t)n < s->left ? (size_t)n : s->left;

    memcpy(to, s->at, take);
    s->at += take;
    s->left -= take;
    return (int)take;
}

static void gif_closep(GifFileType **gif)
{
    if (*gif)
        DGifCloseFile(*gif, NULL);
}

static int damaged(struct err *err) { return err_set(err, ERR_BAD_INPUT, "is a GIF file that is damaged or cut off"); }

/* Passes over what stands before the first picture. */
static int find_picture(GifFileType *gif, struct err *err)
{
    GifRecordType type;
    GifByteType *block;
    int code;

    for (;;) {
        if (DGifGetRecordType(gif, &type) == GIF_ERROR)
            return damaged(err);
        if (type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(gif) == GIF_ERROR ? damaged(err) : 0;
        if (type != EXTENSION_RECORD_TYPE || DGifGetExtension(gif, &code, &block) == GIF_ERROR)
            return damaged(err);
        while (block)
            if (DGifGetExtensionNext(gif, &block) == GIF_ERROR)
                return damaged(err);
    }
}

static void put_color(const ColorMapObject *map, unsigned index, int channels, uint8_t *to)
{
    const GifColorType *c = map && index < (unsigned)map->ColorCount ? &map->Colors[index] : NULL;
    const uint8_t rgb[3] = { c ? c->Red : 0, c ? c->Green : 0, c ? c->Blue : 0 };

    if (channels == 1)
        image_to_grey(rgb, 1, to);
    else
        memcpy(to, rgb, 3);
}

static void put_row(const struct GifFileType *gif, const uint8_t *indices, int y, struct image *out)
{
    const GifImageDesc *d = &gif->Image;
    const ColorMapObject *map = d->ColorMap ? d->ColorMap : gif->SColorMap;
    uint8_t *to = out->pixels + ((size_t)(d->Top + y) * (size_t)out->width + (size_t)d->Left) * (size_t)out->channels;

    for (int x = 0; x < d->Width; x++, to += out->channels)
        put_color(map, indices[x], out->channels, to);
}

/* Interlaced pictures come as four passes. */
static int read_picture(GifFileType *gif, struct image *out, struct err *err)
{
    static const int starts[] = { 0, 4, 2, 1 }, steps[] = { 8, 8, 4, 2 };
    CLEANUP(freep) uint8_t *indices = xcalloc((size_t)gif->Image.Width, 1);
    int passes = gif->Image.Interlace ? 4 : 1;

    for (int pass = 0; pass < passes; pass++)
        for (int y = starts[pass]; y < gif->Image.Height; y += passes == 1 ? 1 : steps[pass]) {
            if (DGifGetLine(gif, indices, gif->Image.Width) == GIF_ERROR)
                return damaged(err);
            put_row(gif, indices, y, out);
        }
    return 0;
}

static int gif_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                      struct err *err)
{
    struct source s = { .at = data, .left = len };
    CLEANUP(gif_closep) GifFileType *gif = DGifOpen(&s, on_read, NULL);

    (void)min_width;
    (void)min_height;
    if (!gif || find_picture(gif, err) < 0)
        return damaged(err);
    if (gif->Image.Left < 0 || gif->Image.Top < 0 || gif->Image.Width < 1 || gif->Image.Height < 1 ||
        gif->Image.Left + gif->Image.Width > gif->SWidth || gif->Image.Top + gif->Image.Height > gif->SHeight)
        return err_set(err, ERR_BAD_INPUT, "is a GIF file whose picture is larger than it says");

    image_make(out, gif->SWidth, gif->SHeight, channels);
    if (gif->Image.Width < gif->SWidth || gif->Image.Height < gif->SHeight)
        for (size_t i = 0; i < (size_t)gif->SWidth * (size_t)gif->SHeight; i++)
            put_color(gif->SColorMap, (unsigned)gif->SBackGroundColor, channels, out->pixels + i * (size_t)channels);
    return read_picture(gif, out, err);
}

const struct codec gif_codec = {
    .format = "gif",
    .is = gif_is,
    .info = gif_info,
    .whole = gif_whole,
    .decode = gif_decode,
};
