// SPDX-License-Identifier: Apache-2.0
#pragma once
/* objects.index, as kind_detection.h describes it. */

#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/look.h"

struct err;
struct mem;

#define OBJECTS_INDEX "objects.index"

struct objects_line {
    const char *split, *stem, *path;            /* path: relative, below the dataset */
    int width, height;
    struct box *boxes;              /* [n_boxes]; from 0, where the file counts from 1 */
    size_t n_boxes;
};

/* Reads a line without its end; text lies in `mem`. ERR_BAD_INPUT with a phrase when it is not one. */
int objects_line_read(const char *line, size_t len, struct mem *mem, struct objects_line *ret, struct err *err);

/* struct kind's each(): images with their boxes. */
int look_objects(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err);
