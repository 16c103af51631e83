// SPDX-License-Identifier: Apache-2.0
#include "datasets/csv_page.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, COLUMNS_MAX = 100000 };

const struct field csv_page_fields[] = {
    { "columns",    LIST_OF(struct csv_page, columns, FIELD_TEXT), .doc = "names; numbers from 0 for a file without a header" },
    { "index",      LIST_OF(struct csv_page, index, FIELD_TEXT),   .doc = "numbers of the rows" },
    { "data",       LIST_OF_LISTS(struct csv_page, data, FIELD_REAL), .schema = "DoubleSet", .format = "double",
      .doc = "cells; 0 for what is no number" },
    { "JSONString", TEXT(struct csv_page, json), .doc = "the same as JSON text, with texts as they are" },
    { .type = FIELD_END },
};

/* --- rows --- */

struct reader {
    int fd;
    off_t offset;               /* of what comes after the buffer */
    char *buf;
    size_t at, len;
    bool failed;                /* the disk refused to be read */
    int64_t n_row, n_page;      /* bytes of this row, and of the cells kept */
};

struct cells {
    struct mem *mem;
    const char **items;
    size_t n, cap;
    struct text cell;           /* the one being read */
};

/* The next byte without taking it; -1 at the end. */
static int peek(struct reader *r)
{
    ssize_t n;

    if (r->at < r->len)
        return (unsigned char)r->buf[r->at];
    n = pread(r->fd, r->buf, BUFFER, r->offset);
    r->failed |= n < 0;
    r->at = 0;
    r->len = n > 0 ? (size_t)n : 0;
    r->offset += n > 0 ? n : 0;
    return n > 0 ? (unsigned char)r->buf[0] : -1;
}

static int take(struct reader *r)
{
    int c = peek(r);

    if (c >= 0) {
        r->at++;
        r->n_row++;
    }
    return c;
}

static void seek(struct reader *r, off_t offset)
{
    r->offset = offset;
    r->at = r->len = 0;
}

/* A file may begin with a byte order mark. */
static void skip_mark(struct reader *r)
{
    if (peek(r) >= 0 && r->len - r->at >= 3 && memcmp(r->buf + r->at, "\xEF\xBB\xBF", 3) == 0)
        r->at += 3;
}

static void put(struct cells *to, int c)
{
    if (to)
        text_add_char(&to->cell, (char)c);
}

static void end_cell(struct reader *r, struct cells *to)
{
    if (!to || to->n == COLUMNS_MAX)
        return;
    if (to->n == to->cap) {
        const char **more = mem_alloc(to->mem, (to->cap = to->cap * 2 + 16) * sizeof *more);

        if (to->n > 0)
            memcpy(more, to->items, to->n * sizeof *more);
        to->items = more;
    }
    to->items[to->n++] = mem_strndup(to->mem, to->cell.data ? to->cell.data : "", to->cell.len);
    r->n_page += (int64_t)to->cell.len + 1;
    text_clear(&to->cell);
}

/* The rest of a cell behind its opening quote. */
static void read_quoted(struct reader *r, struct cells *to)
{
    int c;

    while ((c = take(r)) >= 0 && r->n_row <= CSV_ROW_MAX) {
        if (c == '"') {
            if (peek(r) != '"')
                return;
            take(r);
        }
        put(to, c);
    }
}

/* Up to the comma or the end of the row, which is not taken. */
static bool read_cell(struct reader *r, struct cells *to)
{
    bool filled = false;
    int c;

    if (peek(r) == '"') {
        take(r);
        read_quoted(r, to);
        filled = true;
    }
    while ((c = peek(r)) >= 0 && c != ',' && c != '\n' && c != '\r' && r->n_row <= CSV_ROW_MAX) {
        put(to, c);
        filled |= c != ' ' && c != '\t';
        take(r);
    }
    return filled;
}

static bool read_line(struct reader *r, struct cells *to)
{
    bool filled;
    int c;

    if (to) {
        to->n = 0;
        to->items = NULL;
        to->cap = 0;
        text_clear(&to->cell);
    }
    filled = read_cell(r, to);
    while (peek(r) == ',' && r->n_row <= CSV_ROW_MAX) {
        end_cell(r, to);
        take(r);
        read_cell(r, to);
        filled = true;
    }
    end_cell(r, to);
    c = take(r);
    if (c == '\r' && peek(r) == '\n')
        take(r);
    return filled;
}

/* The next row, kept in `to` unless that is NULL: 1, or 0 at the end. */
static int read_row(struct reader *r, struct cells *to, struct err *err)
{
    while (peek(r) >= 0) {
        r->n_row = 0;
        if (!read_line(r, to))
            continue;
        if (r->n_row > CSV_ROW_MAX)
            return err_set(err, ERR_BAD_INPUT, "a row is longer than %d bytes: a quote may be missing", CSV_ROW_MAX);
        if (r->n_page > CSV_PAGE_MAX)
            return err_field(err, "length", "fewer rows", "the page is longer than %d bytes", CSV_PAGE_MAX);
        return 1;
    }
    return r->failed ? err_set(err, ERR_INTERNAL, "the file cannot be read") : 0;
}

/* --- where the page begins --- */

struct place {
    bool header;
    off_t offset;               /* of row `row`; 0 and row 0 without an index: behind the header */
    int64_t row;
    bool indexed;
};

static bool read_numbers(int fd, uint64_t *to, size_t n, off_t offset)
{
    if (pread(fd, to, n * sizeof *to, offset) != (ssize_t)(n * sizeof *to))
        return false;
    for (size_t i = 0; i < n; i++)
        to[i] = le64toh(to[i]);
    return true;
}

/* What the index says, if it is about the file as it is now. */
static struct place look_up(int csv_fd, int index_fd, int64_t start)
{
    enum { ROWS, STRIDE, SIZE, MTIME, N_NUMBERS, MAGIC = 8 };
    const off_t offsets = MAGIC + N_NUMBERS * 8;
    struct place p = { .header = true };
    uint64_t n[N_NUMBERS], first, near;
    char magic[MAGIC];
    struct stat st;

    if (index_fd < 0 || fstat(csv_fd, &st) < 0 || pread(index_fd, magic, MAGIC, 0) != MAGIC ||
        memcmp(magic, "TYCSVIX1", MAGIC) != 0 || !read_numbers(index_fd, n, N_NUMBERS, MAGIC) ||
        n[SIZE] != (uint64_t)st.st_size ||
        n[MTIME] != (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec || n[STRIDE] == 0 ||
        !read_numbers(index_fd, &first, 1, offsets))
        return p;
    p.header = first != 0;
    if ((uint64_t)start >= n[ROWS])     /* beyond the end: nothing is to be read */
        return (struct place){ .header = p.header, .offset = st.st_size, .row = start, .indexed = true };
    if (!read_numbers(index_fd, &near, 1, offsets + (off_t)((uint64_t)start / n[STRIDE] * 8)) || near > n[SIZE])
        return p;
    return (struct place){ .header = p.header, .offset = (off_t)near, .indexed = true,
                           .row = start - (int64_t)((uint64_t)start % n[STRIDE]) };
}

static int skip_rows(struct reader *r, int64_t n, bool indexed, struct err *err)
{
    for (int64_t i = 0; i < n; i++) {
        int rc = read_row(r, NULL, err);

        if (rc <= 0)
            return rc;
        if (!indexed && r->offset > CSV_SCAN_MAX)
            return err_set(err, ERR_BAD_INPUT, "the file has changed since the dataset was built, and row %" PRId64
                           " is too far from its start; build the dataset again", n);
    }
    return 0;
}

/* --- the page --- */

/* A decimal number, blanks around it allowed; 0 for anything else. */
static bool number_of(const char *text, double *ret)
{
    char *end;

    *ret = 0;
    text += strspn(text, " \t");
    if (!*text || text[strspn(text, "0123456789+-.eE \t")])
        return false;
    *ret = strtod(text, &end);
    if (end == text || end[strspn(end, " \t")] || !isfinite(*ret)) {
        *ret = 0;
        return false;
    }
    return true;
}

/* A whole number of more digits is not one of 64 bits, and few read it. */
static bool is_json_number(const char *s)
{
    enum { DIGITS_MAX = 18 };

    if (strlen(s) > DIGITS_MAX)
        return false;
    s += *s == '-';
    if (*s == '0')
        s++;
    else if (*s >= '1' && *s <= '9')
        s += strspn(s, "0123456789");
    else
        return false;
    if (*s == '.') {
        size_t digits = strspn(s + 1, "0123456789");

        if (digits == 0)
            return false;
        s += 1 + digits;
    }
    return *s == '\0';
}

static void add_cell(struct text *json, const char *cell, bool is_number, double value)
{
    if (!*cell)
        text_add(json, "null");
    else if (!is_number)
        text_add_json(json, cell);
    else if (is_json_number(cell))
        text_add(json, cell);
    else
        text_add_real(json, value);
}

static struct list read_values(const struct cells *row, struct mem *mem, struct text *json)
{
    double *values = mem_alloc(mem, (row->n + 1) * sizeof *values);

    text_add_char(json, '[');
    for (size_t i = 0; i < row->n; i++) {
        bool is_number = number_of(row->items[i], &values[i]);

        text_add(json, i ? "," : "");
        add_cell(json, row->items[i], is_number, values[i]);
    }
    text_add_char(json, ']');
    return (struct list){ values, row->n };
}

static void count_columns(size_t n, struct mem *mem, struct list *ret)
{
    const char **names = mem_alloc(mem, (n + 1) * sizeof *names);

    for (size_t i = 0; i < n; i++)
        names[i] = mem_printf(mem, "%zu", i);
    *ret = (struct list){ names, n };
}

static void write_json(struct csv_page *page, int64_t start, const struct text *rows, struct mem *mem)
{
    CLEANUP(text_done) struct text json = {0};
    const char *const *names = page->columns.items;

    text_add(&json, "{\"columns\":[");
    for (size_t i = 0; i < page->columns.n; i++) {
        text_add(&json, i ? "," : "");
        text_add_json(&json, names[i]);
    }
    text_add(&json, "],\"index\":[");
    for (size_t i = 0; i < page->index.n; i++)
        text_addf(&json, "%s%" PRId64, i ? "," : "", start + (int64_t)i);
    text_add(&json, "],\"data\":[");
    if (rows->len)
        text_add_n(&json, rows->data, rows->len);
    text_add(&json, "]}");
    page->json = mem_strndup(mem, json.data, json.len);
}

static int read_page(struct reader *r, const struct place *p, struct cells *row, int64_t start, int64_t length,
                     struct csv_page *page, struct err *err)
{
    struct mem *mem = row->mem;
    CLEANUP(text_done) struct text rows = {0};
    const char **index = mem_alloc(mem, ((size_t)length + 1) * sizeof *index);
    struct list *data = mem_alloc(mem, ((size_t)length + 1) * sizeof *data);
    int64_t n = 0;
    int rc = 1;

    skip_mark(r);
    if (p->header) {
        rc = read_row(r, row, err);
        if (rc < 0)
            return -1;
        page->columns = (struct list){ row->items, rc ? row->n : 0 };
    }
    if (p->indexed)
        seek(r, p->offset);
    if (rc > 0 && skip_rows(r, start - p->row, p->indexed, err) < 0)
        return -1;
    for (; n < length && (rc = read_row(r, row, err)) > 0; n++) {
        if (!p->header && n == 0)
            count_columns(row->n, mem, &page->columns);
        text_add(&rows, n ? "," : "");
        data[n] = read_values(row, mem, &rows);
        index[n] = mem_printf(mem, "%" PRId64, start + n);
    }
    if (rc < 0)
        return -1;
    page->index = (struct list){ index, (size_t)n };
    page->data = (struct list){ data, (size_t)n };
    if (!page->columns.items)
        count_columns(0, mem, &page->columns);
    write_json(page, start, &rows, mem);
    return 0;
}

int csv_page_read(int csv_fd, int index_fd, int64_t start, int64_t length, struct mem *mem, struct csv_page *ret,
                  struct err *err)
{
    CLEANUP(freep) char *buf = xcalloc(1, BUFFER);
    const struct place place = look_up(csv_fd, index_fd, start);
    struct reader r = { .fd = csv_fd, .buf = buf };
    struct cells row = { .mem = mem };
    int rc;

    fields_init(csv_page_fields, ret);
    rc = read_page(&r, &place, &row, start, length, ret, err);
    text_done(&row.cell);
    return rc;
}
