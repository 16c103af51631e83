// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The wire format of protocol buffers, as far as Datum, BlobProto and Example need it. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proto_type { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

/* --- writing; the caller has made room --- */

size_t proto_varint_size(uint64_t v);                       /* 1 to 10 bytes */
uint8_t *proto_put_varint(uint8_t *to, uint64_t v);         /* all return what comes after */
uint8_t *proto_put_int(uint8_t *to, int field, int64_t v);
uint8_t *proto_put_head(uint8_t *to, int field, size_t len);        /* of PROTO_BYTES: key and length */
uint8_t *proto_put_bytes(uint8_t *to, int field, const void *data, size_t len);
size_t proto_int_size(int field, int64_t v);
size_t proto_head_size(int field, size_t len);
size_t proto_bytes_size(int field, size_t len);             /* with key and length */

/* --- reading --- */

struct proto_reader {
    const uint8_t *at, *end;
    bool damaged;
};

struct proto_field {
    int field;
    enum proto_type type;
    uint64_t value;                 /* VARINT, and the bits of FIXED32 and FIXED64 */
    const uint8_t *data;            /* BYTES, borrowed */
    size_t len;
};

/* The next field of a message; false at its end, and where it is damaged: then r->damaged is set. Groups are damage. */
bool proto_next(struct proto_reader *r, struct proto_field *ret);

/* The next of packed varints. */
bool proto_next_varint(struct proto_reader *r, uint64_t *ret);

static inline struct proto_reader proto_read(const uint8_t *data, size_t len)
{
    return (struct proto_reader){ .at = data, .end = data + len };
}
