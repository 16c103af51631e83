// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Pictures into files, appended to `out`. Any thread. A side above 65,535 pixels is ERR_BAD_INPUT for JPEG. */

struct err;
struct image;
struct text;

enum { JPEG_QUALITY = 95 };             /* of what is stored in datasets */

int image_to_jpeg(const struct image *image, int quality, struct text *out, struct err *err);
int image_to_png(const struct image *image, struct text *out, struct err *err);     /* without loss */
