// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Tables in text files, read as RFC 4180 and pandas have it: cells between commas, a row a line. A cell that begins with a
 * double quote ends at the next one that is not doubled, and may hold commas and line ends. A quote elsewhere is a
 * character like others. Rows end with LF, CR LF or CR; lines of nothing but blanks are no rows; a byte order mark is
 * passed over. A file with NUL bytes is no table. One thread for each reader. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct err;
struct text;

enum { CSV_ROW_MAX = 16 << 20 };    /* bytes with the line end; longer ones come from a quote that was forgotten */

/* Finds where a row ends, piece by piece; begins as {0}. */
struct csv_scan {
    enum { CSV_CELL, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE, CSV_CR } state;     /* CSV_CELL: before a cell's first byte */
    bool done;                      /* the end was found */
    bool filled;                    /* there is more than blanks */
    size_t n_commas, n_breaks;      /* between cells; line breaks within quotes */
};

/* Goes on at `data`; how many bytes belong to the row, its line end included: fewer than `len`, or all, once the scan is
 * done, otherwise all. */
size_t csv_scan(struct csv_scan *s, const char *data, size_t len);

/* A row without its line end; `data` is valid until the next one is read. */
struct csv_row {
    const char *data;
    size_t len, n_cells;
    int64_t line;                   /* in the file, from 1, where the row begins; 0 after csv_seek(): not known */
    int64_t end;                    /* bytes of the file up to and with the row's end */
};

struct csv_reader;

/* Reads a file from its start, where `fd` stands, and owns that; `name` begins what is said of it. */
struct csv_reader *csv_reader_new(int fd, const char *name);
struct csv_reader *csv_open(const char *path, struct err *err);     /* ERR_BAD_INPUT when it cannot be opened */
void csv_reader_free(struct csv_reader *r);
DEFINE_FREEP(csv_reader)

/* The row that begins at `offset` is the next one. ERR_INTERNAL when the file has no such places. */
int csv_seek(struct csv_reader *r, int64_t offset, struct err *err);

/* The next row: 1, or 0 at the end. ERR_BAD_INPUT: a quote that is never closed, a row above CSV_ROW_MAX, NUL bytes. Reads
 * ahead; blocks on disk. */
int csv_next(struct csv_reader *r, struct csv_row *ret, struct err *err);

/* Appends the text of a cell, from 0 on, without its quotes. `column` must be less than the row's cells. */
void csv_cell(const struct csv_row *row, size_t column, struct text *out);

/* The text of the cell at *at, 0 for the first, in place of `out`, and *at of the one behind it; false: there is none left. */
bool csv_next_cell(const struct csv_row *row, size_t *at, struct text *out);

/* The first column of a header that has one of these names (NULL-ended; case is ignored), the first name first; false: none
 * has. */
bool csv_find_column(const struct csv_row *header, const char *const *names, size_t *ret);

/* A finite decimal number, blanks around it allowed; *ret is 0 for anything else. */
bool csv_number(const char *text, double *ret);

/* Whether a table's first row names columns: unless all of its cells are numbers or blank. */
bool csv_is_header(const struct csv_row *row);
