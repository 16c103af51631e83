// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A page of a CSV file as base/csv.h reads it, found through the index that its builder left beside it (<file>.index, laid
 * out as datasets/formats/csv_index.h says). Both files are a user's, so nothing in them is believed. */

#include "base/field.h"

struct err;
struct mem;

enum {
    CSV_LENGTH_MAX = 10000,             /* rows of a page */
    CSV_PAGE_MAX = 64 << 20,            /* bytes of a page's cells */
    CSV_SCAN_MAX = 1 << 30,             /* bytes that are walked through when the index does not help */
};

struct csv_page {
    struct list columns;                /* const char *: the header; numbers from 0 for a file without one */
    struct list index;                  /* const char *: number of each row, from 0 */
    struct list data;                   /* struct list of double; 0 for what is no number */
    const char *json;                   /* the same with texts as they are: columns, index, data */
};

extern const struct field csv_page_fields[];        /* csvDetail */

/* Rows `start` to `start` + `length`, as many as there are. `index_fd` -1: there is no index. ERR_BAD_INPUT for what
 * csv_next() refuses, for a page that is too long, and for a file that is too large to be walked through without an index
 * that fits it. Lives in `mem`. Moves the offset of `csv_fd`; blocks on disk. */
int csv_page_read(int csv_fd, int index_fd, int64_t start, int64_t length, struct mem *mem, struct csv_page *ret,
                  struct err *err);
