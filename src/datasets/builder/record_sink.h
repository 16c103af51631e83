// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Where the records of one split are written: an LMDB environment <split>_db, or TFRecord files in the folder <split>_db:
 * train-00000-of-00004.tfrecords, or by class train-cat.tfrecords. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/build.h"

struct record_sink;

struct record_sink_plan {
    enum split split;
    bool lmdb, by_class;
    int64_t n;                          /* records that are to come, at most */
    int64_t shards;
    const char *const *labels;          /* [n_labels] */
};

/* Adds the split to b->report, which says what was written once the sink is closed. */
struct record_sink *record_sink_open(struct build *b, const struct record_sink_plan *plan, struct err *err);

/* Writes what was made for item i of n, whose name becomes part of the LMDB key; by class, items come class by class.
 * `framed` is laid out as for tfrecord_write(), len is the message's alone. */
int record_sink_write(struct record_sink *s, int64_t i, int32_t label, const char *name, const uint8_t *framed, size_t len,
                      struct err *err);

int record_sink_close(struct record_sink *s, struct err *err);     /* frees s, also when it fails */
void record_sink_abandon(struct record_sink *s);                   /* frees s; NULL is fine */
