// SPDX-License-Identifier: Apache-2.0
#pragma once
/* From an image file to a record: what the threads do. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/content.h"
#include "datasets/builder/image_stats.h"
#include "datasets/builder/listing.h"
#include "datasets/images/transform.h"

struct image_plan {
    const struct build *build;
    const struct listing *listing;
    struct transform transform;
    bool datum;                         /* records are Datum; else Example */
    bool encoded;                       /* with the bytes of image files; else with pixels */
    bool as_they_are;                   /* with the bytes as they were found: sizes are kept, nothing is decoded */
};

/* What became of one file. */
struct image_record {
    bool broken;
    char reason[200];                   /* why it is broken */
    struct fingerprint fingerprint;
    int width, height;                  /* of the file */
    int out_width, out_height;          /* of the record */
    const uint8_t *framed;              /* within `bytes`: TFRECORD_BEFORE bytes, the message, TFRECORD_AFTER bytes */
    size_t len;                         /* of the message */
    uint8_t *bytes;                     /* malloc */
    size_t cap;
};

void image_record_done(struct image_record *r);

struct image_worker;    /* what one thread keeps */

struct image_worker *image_worker_new(const struct image_plan *plan);
void image_worker_free(struct image_worker *w);
struct image_stats *image_worker_stats(struct image_worker *w);

/* Reads, transforms and packs one file. `count` says whether it belongs to the statistics. */
void image_work(struct image_worker *w, const struct item *item, bool count, struct image_record *r);
