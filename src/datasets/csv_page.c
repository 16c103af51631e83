// SPDX-License-Identifier: Apache-2.0
#include "datasets/csv_page.h"

#include "base/cleanup.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS_MAX = 100000 };

const struct field csv_page_fields[] = {
    { "columns",    LIST_OF(struct csv_page, columns, FIELD_TEXT), .doc = "names; numbers from 0 for a file without a header" },
    { "index",      LIST_OF(struct csv_page, index, FIELD_TEXT),   .doc = "numbers of the rows" },
    { "data",       LIST_OF_LISTS(struct csv_page, data, FIELD_REAL), .schema = "DoubleSet", .format = "double",
      .doc = "cells; 0 for what is no number" },
    { "JSONString", TEXT(struct csv_page, json), .doc = "the same as JSON text, with texts as they are" },
    { .type = FIELD_END },
};

/* --- where the page begins --- */

struct place {
    bool header;
    off_t offset;               /* of row `row` */
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
    struct place p = {0};
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

static int skip_rows(struct csv_reader *csv, int64_t n, bool indexed, struct err *err)
{
    struct csv_row row;

    for (int64_t i = 0; i < n; i++) {
        int rc = csv_next(csv, &row, err);

        if (rc <= 0)
            return rc;
        if (!indexed && row.end > CSV_SCAN_MAX)
            return err_set(err, ERR_BAD_INPUT, "the file has changed since the dataset was built, and row %" PRId64
                           " is too far from its start; build the dataset again", n);
    }
    return 0;
}

/* --- the page --- */

struct page_reader {
    struct csv_reader *csv;
    struct mem *mem;
    struct text cell;
    int64_t bytes;              /* of the cells so far */
};

static void read_cell(struct page_reader *r, const struct csv_row *row, size_t *at)
{
    csv_next_cell(row, at, &r->cell);
    r->bytes += (int64_t)r->cell.len + 1;
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

static size_t count_columns(const struct csv_row *row) { return row->n_cells < COLUMNS_MAX ? row->n_cells : COLUMNS_MAX; }

static struct list read_names(struct page_reader *r, const struct csv_row *row, bool header)
{
    size_t n = count_columns(row), at = 0;
    const char **names = mem_alloc(r->mem, (n + 1) * sizeof *names);

    for (size_t i = 0; i < n; i++) {
        if (header)
            read_cell(r, row, &at);
        names[i] = header ? mem_strdup(r->mem, r->cell.data) : mem_printf(r->mem, "%zu", i);
    }
    return (struct list){ names, n };
}

static struct list read_values(struct page_reader *r, const struct csv_row *row, struct text *json)
{
    size_t n = count_columns(row), at = 0;
    double *values = mem_alloc(r->mem, (n + 1) * sizeof *values);

    text_add_char(json, '[');
    for (size_t i = 0; i < n; i++) {
        bool is_number;

        read_cell(r, row, &at);
        is_number = csv_number(r->cell.data, &values[i]);
        text_add(json, i ? "," : "");
        add_cell(json, r->cell.data, is_number, values[i]);
    }
    text_add_char(json, ']');
    return (struct list){ values, n };
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

/* Passes over what stands before the page. */
static int go_to_page(struct page_reader *r, struct place *p, int64_t start, struct csv_page *page, struct err *err)
{
    struct csv_row row = {0};
    int more = csv_next(r->csv, &row, err);

    if (more < 0)
        return -1;
    if (!p->indexed)
        p->header = more && csv_is_header(&row);
    page->columns = read_names(r, &row, p->header);
    if ((p->indexed || !p->header) && csv_seek(r->csv, p->offset, err) < 0)
        return -1;
    return skip_rows(r->csv, start - p->row, p->indexed, err);
}

static int read_page(struct page_reader *r, int64_t start, int64_t length, struct csv_page *page, struct err *err)
{
    CLEANUP(text_done) struct text rows = {0};
    const char **index = mem_alloc(r->mem, ((size_t)length + 1) * sizeof *index);
    struct list *data = mem_alloc(r->mem, ((size_t)length + 1) * sizeof *data);
    struct csv_row row;
    int64_t n = 0;
    int more = 0;

    for (; n < length && (more = csv_next(r->csv, &row, err)) > 0; n++) {
        text_add(&rows, n ? "," : "");
        data[n] = read_values(r, &row, &rows);
        index[n] = mem_printf(r->mem, "%" PRId64, start + n);
        if (r->bytes > CSV_PAGE_MAX)
            return err_field(err, "length", "fewer rows", "the page is longer than %d bytes", CSV_PAGE_MAX);
    }
    if (more < 0)
        return -1;
    page->index = (struct list){ index, (size_t)n };
    page->data = (struct list){ data, (size_t)n };
    write_json(page, start, &rows, r->mem);
    return 0;
}

int csv_page_read(int csv_fd, int index_fd, int64_t start, int64_t length, struct mem *mem, struct csv_page *ret,
                  struct err *err)
{
    CLEANUP(csv_reader_freep) struct csv_reader *csv = csv_reader_new(fcntl(csv_fd, F_DUPFD_CLOEXEC, 0), "the table");
    struct place place = look_up(csv_fd, index_fd, start);
    struct page_reader r = { .csv = csv, .mem = mem };
    int rc;

    fields_init(csv_page_fields, ret);
    rc = csv_seek(csv, 0, err);
    if (rc == 0)
        rc = go_to_page(&r, &place, start, ret, err);
    if (rc == 0)
        rc = read_page(&r, start, length, ret, err);
    text_done(&r.cell);
    return rc;
}
