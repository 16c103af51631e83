// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a dataset is to be built from, as the server wrote it (docs/guide/datasets.md has the members). Plain
 * data; everything is owned by the `mem` it was read into. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/field.h"

struct err;
struct mem;

#define ORDERS_VERSION_READ 1       /* the only one that this program reads */

enum split { SPLIT_TRAIN, SPLIT_VAL, SPLIT_TEST, N_SPLITS };

extern const char *const split_names[N_SPLITS];         /* "train", "val", "test" */

struct image_orders {
    bool text;                      /* listed in text files, else a folder per class */
    const char *train_text, *val_text, *test_text;      /* lists; NULL: none */
    const char *label_text;                             /* a label a line; NULL: none */
    const char *train_images, *val_images, *test_images;        /* folders; NULL: none */
    const char *type;               /* "color", "grayscale" */
    int64_t height, width;          /* pixels; INT_UNSET keeps what each image has */
    const char *resize;             /* "squash", "crop", "fill", "half_crop" */
    int64_t val_percentage, test_percentage;            /* of the training images */
    const char *split;              /* "hold-out", "random", "sequential", "stratified" */
};

struct orders {
    int64_t version;
    const char *name, *kind, *backend;
    const char *target;             /* the folder to build in; empty, ours */
    struct list roots;              /* const char *: sources lie within one of these */
    const char *train, *val, *test, *meanfile, *labels, *plugin;        /* NULL: none */
    struct image_orders image;
    int64_t shards;
    bool byclass, encoded, copy;
    int64_t seed;
    double max_broken;              /* share of the images that may be broken, 0 to 1 */
    int64_t threads;                /* INT_UNSET: one for each processor */
    const char *python;
};

/* Reads the document. Members that were left out or are null get their defaults: color, squash, hold-out, no
 * percentages, one shard, seed 1, no broken image allowed. What does not fit is ERR_BAD_INPUT naming the member; so is a
 * percentage for a part that has a source, a list or a folder of images. */
int orders_read(const char *text, size_t len, struct mem *mem, struct orders *ret, struct err *err);

/* The source of a split: .train, .val, .test; .image.train_text and so on; .image.train_images and so on. */
const char *orders_source(const struct orders *o, enum split split);
const char *orders_list(const struct orders *o, enum split split);
const char *orders_images(const struct orders *o, enum split split);
