// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Where the rows of a CSV file begin, beside it as <file>.index, so that any page of a long table is found at once. Binary,
 * little endian:
 *
 *     8 bytes  "TYCSVIX1"
 *     u64      rows, without the header
 *     u64      stride S
 *     u64      bytes of the CSV file, and
 *     u64      its time of change in ns since 1970: when these differ the index is out of date
 *     u64 ...  where rows 0, S, 2S, ... begin, in bytes from the start of the file
 *
 * Row 0 beginning at 0 means that the table has no header. */

#include <stdint.h>

#include "base/text.h"

struct err;

enum { CSV_INDEX_STRIDE = 256 };    /* rows that are skipped at most to reach one; 31 KiB a million rows */

struct csv_index {
    int64_t n_rows;
    struct text offsets;            /* as in the file */
};

void csv_index_done(struct csv_index *ix);

/* The next row begins at `offset`. */
void csv_index_add(struct csv_index *ix, int64_t offset);

/* Writes <csv_path>.index for the file as it is now. */
int csv_index_write(const struct csv_index *ix, const char *csv_path, struct err *err);
