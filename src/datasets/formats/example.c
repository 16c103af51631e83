// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/example.h"

#include "base/cleanup.h"
#include "datasets/formats/proto.h"

#include <string.h>

enum { EXAMPLE_FEATURES = 1, FEATURES_ENTRY = 1, ENTRY_KEY = 1, ENTRY_VALUE, FEATURE_BYTES = 1, FEATURE_INTS = 3, LIST_VALUE = 1 };

/* --- writing: sizes from the inside out, then the same from the outside in --- */

static size_t entry_size(const char *key, size_t feature)
{
    return proto_bytes_size(ENTRY_KEY, strlen(key)) + proto_bytes_size(ENTRY_VALUE, feature);
}

static uint8_t *put_entry(uint8_t *to, const char *key, size_t feature)
{
    to = proto_put_head(to, FEATURES_ENTRY, entry_size(key, feature));
    to = proto_put_bytes(to, ENTRY_KEY, key, strlen(key));
    return proto_put_head(to, ENTRY_VALUE, feature);
}

/* Int64List is packed: the list's one field holds the varint. */
static size_t int_list_size(int64_t v) { return proto_bytes_size(LIST_VALUE, proto_varint_size((uint64_t)v)); }

static size_t int_size(const char *key, int64_t v)
{
    return proto_bytes_size(FEATURES_ENTRY, entry_size(key, proto_bytes_size(FEATURE_INTS, int_list_size(v))));
}

static uint8_t *put_int(uint8_t *to, const char *key, int64_t v)
{
    to = put_entry(to, key, proto_bytes_size(FEATURE_INTS, int_list_size(v)));
    to = proto_put_head(to, FEATURE_INTS, int_list_size(v));
    to = proto_put_head(to, LIST_VALUE, proto_varint_size((uint64_t)v));
    return proto_put_varint(to, (uint64_t)v);
}

static size_t bytes_size(const char *key, size_t len)
{
    return proto_bytes_size(FEATURES_ENTRY, entry_size(key, proto_bytes_size(FEATURE_BYTES, proto_bytes_size(LIST_VALUE, len))));
}

/* Returns where the bytes belong. */
static uint8_t *put_bytes(uint8_t *to, const char *key, size_t len)
{
    to = put_entry(to, key, proto_bytes_size(FEATURE_BYTES, proto_bytes_size(LIST_VALUE, len)));
    to = proto_put_head(to, FEATURE_BYTES, proto_bytes_size(LIST_VALUE, len));
    return proto_put_head(to, LIST_VALUE, len);
}

static size_t features_size(const struct example *e)
{
    size_t ints = int_size("depth", e->depth) + int_size("height", e->height) + int_size("label", e->label) +
                  int_size("width", e->width);

    if (!e->format)
        return ints + bytes_size("image_raw", e->n_data);
    return ints + bytes_size("image/encoded", e->n_data) + bytes_size("image/format", strlen(e->format));
}

size_t example_size(const struct example *e) { return proto_bytes_size(EXAMPLE_FEATURES, features_size(e)); }

size_t example_size_before(const struct example *e) { return example_size(e) - e->n_data; }

uint8_t *example_pack(const struct example *e, uint8_t *to)
{
    uint8_t *data;

    to = proto_put_head(to, EXAMPLE_FEATURES, features_size(e));
    to = put_int(to, "depth", e->depth);
    to = put_int(to, "height", e->height);
    to = put_int(to, "label", e->label);
    to = put_int(to, "width", e->width);
    if (e->format) {
        to = put_bytes(to, "image/format", strlen(e->format));
        memcpy(to, e->format, strlen(e->format));
        to += strlen(e->format);
    }
    data = put_bytes(to, e->format ? "image/encoded" : "image_raw", e->n_data);
    if (e->data)
        memcpy(data, e->data, e->n_data);
    return data;
}

/* --- reading --- */

/* The first value of a list of either kind; packed or not. */
static bool read_list(const struct proto_field *list, struct proto_field *ret)
{
    struct proto_reader r = proto_read(list->data, list->len);
    struct proto_field f;

    *ret = (struct proto_field){0};
    while (proto_next(&r, &f)) {
        struct proto_reader packed;

        if (f.field != LIST_VALUE || ret->field)
            continue;
        *ret = f;
        if (list->field != FEATURE_INTS || f.type != PROTO_BYTES)
            continue;
        packed = proto_read(f.data, f.len);
        if (!proto_next_varint(&packed, &ret->value))
            return false;
        ret->type = PROTO_VARINT;
    }
    return !r.damaged;
}

static bool is_key(const struct proto_field *key, const char *a, const char *b)
{
    return (key->len == strlen(a) && memcmp(key->data, a, key->len) == 0) ||
           (key->len == strlen(b) && memcmp(key->data, b, key->len) == 0);
}

static void take_feature(const struct proto_field *key, const struct proto_field *value, struct example *e)
{
    const struct { const char *a, *b; int64_t *to; } ints[] = {
        { "height", "image/height", &e->height },
        { "width", "image/width", &e->width },
        { "depth", "image/channels", &e->depth },
        { "label", "image/class/label", &e->label },
    };

    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        if (value->type == PROTO_VARINT && value->field && is_key(key, ints[i].a, ints[i].b))
            *ints[i].to = (int64_t)value->value;
    if (value->type == PROTO_BYTES && is_key(key, "image_raw", "image/encoded")) {
        e->encoded = key->len == strlen("image/encoded");
        e->data = value->data;
        e->n_data = value->len;
    }
}

static bool read_feature(const struct proto_field *feature, struct proto_field *ret)
{
    struct proto_reader r = proto_read(feature->data, feature->len);
    struct proto_field list;

    *ret = (struct proto_field){0};
    while (proto_next(&r, &list))
        if (list.type == PROTO_BYTES && (list.field == FEATURE_BYTES || list.field == FEATURE_INTS) && !read_list(&list, ret))
            return false;
    return !r.damaged;
}

static bool read_entry(const struct proto_field *entry, struct example *e)
{
    struct proto_reader r = proto_read(entry->data, entry->len);
    struct proto_field f, key = {0}, value = {0};

    while (proto_next(&r, &f)) {
        if (f.type == PROTO_BYTES && f.field == ENTRY_KEY)
            key = f;
        else if (f.type == PROTO_BYTES && f.field == ENTRY_VALUE && !read_feature(&f, &value))
            return false;
    }
    if (r.damaged)
        return false;
    if (key.data)
        take_feature(&key, &value, e);
    return true;
}

static bool read_features(const struct proto_field *features, struct example *e)
{
    struct proto_reader r = proto_read(features->data, features->len);
    struct proto_field f;

    while (proto_next(&r, &f))
        if (f.type == PROTO_BYTES && f.field == FEATURES_ENTRY && !read_entry(&f, e))
            return false;
    return !r.damaged;
}

bool example_read(const uint8_t *message, size_t len, struct example *ret)
{
    struct proto_reader r = proto_read(message, len);
    struct example e = {0};
    struct proto_field f;

    while (proto_next(&r, &f))
        if (f.type == PROTO_BYTES && f.field == EXAMPLE_FEATURES && !read_features(&f, &e))
            return false;
    if (r.damaged)
        return false;
    *ret = e;
    return true;
}
