// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes an image file has: it is refused with a reason, or gives the pixels that it announced. */
#include "datasets/images/image.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIXELS_MAX = 1 << 18 };      /* larger ones are right, but take the time of thousands of small ones */

static void decode(const uint8_t *data, size_t size, int channels, int min, const struct image_info *info)
{
    CLEANUP(image_done) struct image image = {0};
    struct err err = {0};
    unsigned sum = 0;

    if (image_decode(data, size, channels, min, min, &image, &err) < 0) {
        if (err.kind != ERR_BAD_INPUT || !err.text[0])
            abort();
        return;
    }
    if (image.channels != channels || image.width > info->width || image.height > info->height || image.width < 1 ||
        image.height < 1)
        abort();
    if (!min && (image.width != info->width || image.height != info->height))
        abort();
    for (size_t i = 0; i < (size_t)image.width * (size_t)image.height * (size_t)channels; i++)
        sum += image.pixels[i];
    if (sum == 1)
        __asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_info info = {0};
    struct err err = {0};

    if (image_info(data, size, &info, &err) < 0 && (err.kind != ERR_BAD_INPUT || !err.text[0]))
        abort();
    if (image_whole(data, size, &err) < 0 && err.kind != ERR_BAD_INPUT)
        abort();
    if (info.width < 1 || (int64_t)info.width * info.height > PIXELS_MAX)
        return 0;
    decode(data, size, 3, 0, &info);
    decode(data, size, 1, 4, &info);
    return 0;
}
