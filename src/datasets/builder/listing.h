// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The images of a dataset and their classes, found as the orders say: a folder for each class, or text lists with a path
 * and a label a line. Nothing is read but names. */

#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/build.h"
#include "datasets/builder/lines.h"

struct item {
    const char *path;                   /* absolute, or below folders[source] */
    int32_t label;
    uint8_t split;                      /* enum split */
    uint8_t source;                     /* the split whose folder it was found in */
};

struct listing {
    struct item *items;                 /* malloc; by source, then in the order found */
    size_t n, cap;
    const char *folders[N_SPLITS];      /* NULL: no such source */
    struct labels labels;
    bool unchecked;                     /* paths come from a text: links were not resolved yet */
};

/* Fills in all of it; percentages are taken from the training images. Broken links and files that lie outside of the class
 * folders are told to b->report. ERR_BAD_INPUT when a source is missing, no image is found, a class is not known or a line
 * of a list cannot be understood. */
int listing_make(struct build *b, struct listing *ret, struct err *err);
void listing_done(struct listing *l);

/* The file of an item, in `mem`; NULL when it leads out of the data folders or nowhere (ERR_BAD_INPUT with a phrase that
 * follows its name). */
const char *listing_path(const struct build *b, const struct listing *l, const struct item *item, struct mem *mem,
                         struct err *err);

/* "train/cat/1.jpg": how the report calls it. */
const char *listing_name(const struct listing *l, const struct item *item, struct mem *mem);
