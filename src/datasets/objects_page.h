// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A page of the images of an object-detection dataset, from the index that its builder left (objects.index): a line per
 * image, in the order of the lists,
 *
 *   split TAB stem TAB path TAB width TAB height TAB n TAB label,xmin,ymin,xmax,ymax;label,...
 *
 * It is a user's file, so lines of another form are passed over. */

#include "base/field.h"

struct err;
struct mem;

enum { OBJECTS_LINE_MAX = 1 << 20 /* bytes */, OBJECTS_LENGTH_MAX = 10000 };

struct picture {
    const char *name;           /* stem of the file */
    const char *path;
    const char *labels;         /* of its objects, comma separated, in the order of the annotation */
};

extern const struct field picture_fields[];         /* Pictures */

/* Images `start` to `start` + `length` of a split ("train"); struct picture in `mem`. Paths that are relative are below
 * `dir`. Blocks on disk. */
int objects_page_read(int fd, const char *dir, const char *split, int64_t start, int64_t length, struct mem *mem,
                      struct list *ret, struct err *err);
