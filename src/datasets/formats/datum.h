// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Caffe's two messages: Datum, a record of an image in LMDB, and BlobProto, the mean image of mean.binaryproto. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

/* Pixels are `channels` planes of height x width bytes, colours in the order blue, green, red; or the bytes of an image
 * file when `encoded`. */
struct datum {
    int channels, height, width;
    const uint8_t *data;            /* borrowed; NULL while packing: the caller writes the bytes itself */
    size_t n_data;
    int label;
    bool encoded;
};

size_t datum_size(const struct datum *d);
size_t datum_size_before(const struct datum *d);        /* of what stands before the data */

/* Writes datum_size() bytes; returns where the n_data bytes of the data belong, already there unless d->data is NULL. */
uint8_t *datum_pack(const struct datum *d, uint8_t *to);

/* Reads one; false for damaged messages, and raw ones whose data are not as long as their sides say. Members that are
 * missing are 0, false, or NULL. */
bool datum_read(const uint8_t *message, size_t len, struct datum *ret);

/* Appends a BlobProto of 1 x channels x height x width values. */
void blob_write(int channels, int height, int width, const float *values, struct text *out);
