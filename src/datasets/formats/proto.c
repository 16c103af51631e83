// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/proto.h"

#include <string.h>

enum { TYPE_BITS = 3, FIELD_MAX = (1 << 29) - 1 };

size_t proto_varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

uint8_t *proto_put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint64_t key_of(int field, enum proto_type type) { return (uint64_t)field << TYPE_BITS | type; }

uint8_t *proto_put_int(uint8_t *to, int field, int64_t v)
{
    return proto_put_varint(proto_put_varint(to, key_of(field, PROTO_VARINT)), (uint64_t)v);
}

uint8_t *proto_put_head(uint8_t *to, int field, size_t len)
{
    return proto_put_varint(proto_put_varint(to, key_of(field, PROTO_BYTES)), len);
}

uint8_t *proto_put_bytes(uint8_t *to, int field, const void *data, size_t len)
{
    to = proto_put_head(to, field, len);
    memcpy(to, data, len);
    return to + len;
}

size_t proto_int_size(int field, int64_t v)
{
    return proto_varint_size(key_of(field, PROTO_VARINT)) + proto_varint_size((uint64_t)v);
}

size_t proto_head_size(int field, size_t len)
{
    return proto_varint_size(key_of(field, PROTO_BYTES)) + proto_varint_size(len);
}

size_t proto_bytes_size(int field, size_t len) { return proto_head_size(field, len) + len; }

/* --- reading --- */

static bool damaged(struct proto_reader *r)
{
    r->damaged = true;
    return false;
}

bool proto_next_varint(struct proto_reader *r, uint64_t *ret)
{
    uint64_t v = 0;

    if (r->at == r->end)
        return false;
    for (int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t b = *r->at++;

        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) {
            *ret = v;
            return true;
        }
    }
    return damaged(r);
}

static bool next_fixed(struct proto_reader *r, size_t n, uint64_t *ret)
{
    if ((size_t)(r->end - r->at) < n)
        return damaged(r);
    *ret = 0;
    for (size_t i = 0; i < n; i++)
        *ret |= (uint64_t)r->at[i] << 8 * i;
    r->at += n;
    return true;
}

static bool next_bytes(struct proto_reader *r, struct proto_field *ret)
{
    uint64_t len;

    if (!proto_next_varint(r, &len) || len > (uint64_t)(r->end - r->at))
        return damaged(r);
    ret->data = r->at;
    ret->len = (size_t)len;
    r->at += len;
    return true;
}

bool proto_next(struct proto_reader *r, struct proto_field *ret)
{
    uint64_t key;

    if (!proto_next_varint(r, &key))
        return false;
    if (key >> TYPE_BITS == 0 || key >> TYPE_BITS > FIELD_MAX)
        return damaged(r);
    *ret = (struct proto_field){ .field = (int)(key >> TYPE_BITS), .type = key & ((1 << TYPE_BITS) - 1) };
    switch (ret->type) {
    case PROTO_VARINT:
        return proto_next_varint(r, &ret->value) || damaged(r);
    case PROTO_FIXED64:
        return next_fixed(r, 8, &ret->value);
    case PROTO_FIXED32:
        return next_fixed(r, 4, &ret->value);
    case PROTO_BYTES:
        return next_bytes(r, ret);
    default:
        return damaged(r);
    }
}
