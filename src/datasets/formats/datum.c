// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/datum.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/formats/proto.h"

#include <string.h>

enum { DATUM_CHANNELS = 1, DATUM_HEIGHT, DATUM_WIDTH, DATUM_DATA, DATUM_LABEL, DATUM_FLOATS, DATUM_ENCODED };
enum { BLOB_NUM = 1, BLOB_CHANNELS, BLOB_HEIGHT, BLOB_WIDTH, BLOB_DATA };

size_t datum_size_before(const struct datum *d)
{
    return proto_int_size(DATUM_CHANNELS, d->channels) + proto_int_size(DATUM_HEIGHT, d->height) +
           proto_int_size(DATUM_WIDTH, d->width) + proto_head_size(DATUM_DATA, d->n_data);
}

size_t datum_size(const struct datum *d)
{
    return datum_size_before(d) + d->n_data + proto_int_size(DATUM_LABEL, d->label) +
           (d->encoded ? proto_int_size(DATUM_ENCODED, 1) : 0);
}

uint8_t *datum_pack(const struct datum *d, uint8_t *to)
{
    uint8_t *data;

    to = proto_put_int(to, DATUM_CHANNELS, d->channels);
    to = proto_put_int(to, DATUM_HEIGHT, d->height);
    to = proto_put_int(to, DATUM_WIDTH, d->width);
    data = proto_put_head(to, DATUM_DATA, d->n_data);
    if (d->data)
        memcpy(data, d->data, d->n_data);
    to = proto_put_int(data + d->n_data, DATUM_LABEL, d->label);
    if (d->encoded)
        proto_put_int(to, DATUM_ENCODED, 1);
    return data;
}

static bool is_consistent(const struct datum *d)
{
    if (d->channels < 0 || d->height < 0 || d->width < 0)
        return false;
    if (d->encoded || !d->data)
        return true;
    return (__int128)d->channels * d->height * d->width == (__int128)d->n_data;
}

bool datum_read(const uint8_t *message, size_t len, struct datum *ret)
{
    struct proto_reader r = proto_read(message, len);
    struct datum d = {0};
    struct proto_field f;

    while (proto_next(&r, &f)) {
        if (f.type == PROTO_VARINT && f.field == DATUM_CHANNELS)
            d.channels = (int)f.value;
        else if (f.type == PROTO_VARINT && f.field == DATUM_HEIGHT)
            d.height = (int)f.value;
        else if (f.type == PROTO_VARINT && f.field == DATUM_WIDTH)
            d.width = (int)f.value;
        else if (f.type == PROTO_VARINT && f.field == DATUM_LABEL)
            d.label = (int)f.value;
        else if (f.type == PROTO_VARINT && f.field == DATUM_ENCODED)
            d.encoded = f.value != 0;
        else if (f.type == PROTO_BYTES && f.field == DATUM_DATA)
            d.data = f.data, d.n_data = f.len;
    }
    if (r.damaged || !is_consistent(&d))
        return false;
    *ret = d;
    return true;
}

/* The file's floats are little-endian, as the processors that this is built for. */
void blob_write(int channels, int height, int width, const float *values, struct text *out)
{
    size_t n = (size_t)channels * (size_t)height * (size_t)width * sizeof *values;
    size_t size = proto_int_size(BLOB_NUM, 1) + proto_int_size(BLOB_CHANNELS, channels) +
                  proto_int_size(BLOB_HEIGHT, height) + proto_int_size(BLOB_WIDTH, width) + proto_bytes_size(BLOB_DATA, n);
    CLEANUP(freep) uint8_t *message = xrealloc(NULL, size);
    uint8_t *to = message;

    to = proto_put_int(to, BLOB_NUM, 1);
    to = proto_put_int(to, BLOB_CHANNELS, channels);
    to = proto_put_int(to, BLOB_HEIGHT, height);
    to = proto_put_int(to, BLOB_WIDTH, width);
    proto_put_bytes(to, BLOB_DATA, values, n);
    text_add_n(out, (const char *)message, size);
}
