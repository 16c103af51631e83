// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes a JPEG file has: what jpeg_codes.h reads is what the library reads, or it refuses. */
#include "datasets/images/image.h"
#include "datasets/images/jpeg_codes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../jpeg_reference.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIXELS_MAX = 1 << 16 };      /* larger ones are right, but take the time of thousands of small ones */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_info info = {0};
    struct err err = {0};
    struct reference ours, library;

    if (image_info(data, size, &info, &err) < 0 || strcmp(info.format, "jpeg") != 0 ||
        (int64_t)info.width * info.height > PIXELS_MAX)
        return 0;
    if (!reference_decode(&ours, data, size, 1, jpeg_codes_attach))
        return 0;
    if (!reference_decode(&library, data, size, 1, NULL) || ours.n != library.n ||
        memcmp(ours.pixels, library.pixels, library.n) != 0)
        abort();
    free(ours.pixels);
    free(library.pixels);
    return 0;
}
