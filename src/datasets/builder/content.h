// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Records of the same content: a fingerprint of each is kept with where it stands, and all are compared at the end. In bounded
 * memory, whatever their number: when there are more than are kept, sorted runs of them go into a file, 16 bytes a record, which
 * are merged at the end; time grows as n log n. The file has no name, so that no end of the program leaves it behind. One
 * thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "datasets/builder/orders.h"

struct err;
struct mem;
struct report;

struct fingerprint {
    uint64_t a, b;
};

struct fingerprint content_fingerprint(const uint8_t *data, size_t len);

enum {
    CONTENTS_FAN = 128,                 /* runs that are merged at a time */
    CONTENTS_KEPT = 1 << 18,            /* records: 4 MiB, and as much again while they are sorted or merged */
};

/* Records of a part: 2^38. */
#define CONTENTS_NUMBER_MAX ((INT64_C(1) << 38) - 1)

struct contents;

/* `folder` is where the file is made, when it is; n_kept is a multiple of CONTENTS_FAN. */
struct contents *contents_new(const char *folder, size_t n_kept);
void contents_free(struct contents *c);
DEFINE_FREEP(contents)

/* `number` is the record's own within its part. ERR_NO_SPACE when the disk is full, ERR_BAD_INPUT above CONTENTS_NUMBER_MAX. */
int contents_add(struct contents *c, enum split split, int64_t number, struct fingerprint f, struct err *err);

/* What a record is called, in `mem`. */
typedef const char *content_name_fn(void *arg, enum split split, int64_t number, struct mem *mem);

/* Tells the report about each record whose content another one has before it, in the order of parts and numbers: how many stand in
 * the part of the first one with it, and how many in another part; the latter by name, both of them, as far as the report names
 * duplicates. Compares 88 bits: a billion records have a wrong pair by chance once in a billion times. Only once. */
int contents_report(struct contents *c, struct report *r, content_name_fn *name, void *arg, struct err *err);
