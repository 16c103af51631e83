// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/codec.h"
#include "datasets/images/image.h"

#include "base/err.h"

#include <string.h>

#include <webp/decode.h>

static bool webp_is(const uint8_t *data, size_t len)
{
    return len >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0;
}

static int webp_info(const uint8_t *data, size_t len, struct image_info *ret, struct err *err)
{
    WebPBitstreamFeatures f;

    if (WebPGetFeatures(data, len, &f) != VP8_STATUS_OK)
        return err_set(err, ERR_BAD_INPUT, "is a WebP file without a picture");
    if (f.has_animation)
        return err_set(err, ERR_BAD_INPUT, "is a WebP animation, which is not read");
    ret->width = f.width;
    ret->height = f.height;
    return 0;
}

static int webp_whole(const uint8_t *data, size_t len, struct err *err)
{
    if (codec_u32le(data + 4) > len - 8)
        return err_set(err, ERR_BAD_INPUT, "is a WebP file that is cut off");
    return 0;
}

static int webp_decode(const uint8_t *data, size_t len, int channels, int min_width, int min_height, struct image *out,
                       struct err *err)
{
    struct image_info info = {0};
    size_t size;

    (void)min_width;
    (void)min_height;
    if (webp_info(data, len, &info, err) < 0)
        return -1;
    image_make(out, info.width, info.height, 3);
    size = (size_t)info.width * (size_t)info.height * 3;
    if (!WebPDecodeRGBInto(data, len, out->pixels, size, info.width * 3))
        return err_set(err, ERR_BAD_INPUT, "is a WebP file that is damaged or cut off");
    if (channels == 1)
        image_to_grey(out->pixels, size / 3, out->pixels);
    out->channels = channels;
    return 0;
}

const struct codec webp_codec = {
    .format = "webp",
    .is = webp_is,
    .info = webp_info,
    .whole = webp_whole,
    .decode = webp_decode,
};
