// SPDX-License-Identifier: Apache-2.0
#include "base/csv.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 256 << 10 };         /* bytes read at once */

/* --- rows --- */

/* Past the bytes that change nothing, most of any file, to the first of three that do. */
static inline size_t plain_end(const char *data, size_t i, size_t len, char a, char b, char c)
{
    while (i < len && data[i] != a && data[i] != b && data[i] != c)
        i++;
    return i;
}

/* A byte outside of quotes, `at_start` of its cell or not. */
static void scan_plain(struct csv_scan *s, char c, bool at_start)
{
    if (c == '"' && at_start)
        s->state = CSV_QUOTED;
    else if (c == ',')
        s->state = CSV_CELL, s->n_commas++;
    else if (c == '\r')
        s->state = CSV_CR;
    else if (c == '\n')
        s->done = true;
    else
        s->state = CSV_PLAIN;
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
        s->filled = true;
}

static void scan_quoted(struct csv_scan *s, char c)
{
    if (c == '"')
        s->state = CSV_QUOTE;
    else if (c == '\n')
        s->n_breaks++;
}

size_t csv_scan(struct csv_scan *s, const char *data, size_t len)
{
    size_t i = 0;

    while (i < len && !s->done) {
        char c = data[i];

        if (s->state == CSV_CR && c != '\n') {
            s->done = true;
            break;
        }
        if (s->state == CSV_QUOTED)
            scan_quoted(s, c);
        else if (s->state == CSV_QUOTE && c == '"')
            s->state = CSV_QUOTED;
        else
            scan_plain(s, c, s->state == CSV_CELL);
        i++;
        if (s->state == CSV_QUOTED)
            i = plain_end(data, i, len, '"', '\n', '\n');
        else if (s->state == CSV_PLAIN && s->filled && !s->done)
            i = plain_end(data, i, len, ',', '\n', '\r');
    }
    return i;
}

static size_t without_end(const char *data, size_t len)
{
    if (len > 0 && data[len - 1] == '\n')
        len--;
    if (len > 0 && data[len - 1] == '\r')
        len--;
    return len;
}

/* --- reader --- */

struct csv_reader {
    int fd;
    char *name;
    char *data;                     /* bytes start to end wait to be read */
    size_t start, end, cap;
    int64_t offset;                 /* of data[start] in the file */
    int64_t line;                   /* 0: not known */
    bool at_end;
};

/* Where the next row begins, for a person. */
static const char *place(const struct csv_reader *r, char buf[40])
{
    snprintf(buf, 40, r->line > 0 ? "in line %lld" : "at byte %lld", (long long)(r->line > 0 ? r->line : r->offset));
    return buf;
}

static int fill(struct csv_reader *r, struct err *err)
{
    ssize_t n;

    if (r->start > 0) {
        memmove(r->data, r->data + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->cap - r->end < PIECE) {
        r->cap = r->end + 2 * PIECE;
        r->data = xrealloc(r->data, r->cap);
    }

    do {
        n = read(r->fd, r->data + r->end, PIECE);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be read", r->name);
    if (memchr(r->data + r->end, '\0', (size_t)n))
        return err_set(err, ERR_BAD_INPUT, "%s holds NUL bytes: it is not a text in UTF-8", r->name);
    r->at_end = n == 0;
    r->end += (size_t)n;
    return 0;
}

static int skip_mark(struct csv_reader *r, struct err *err)
{
    while (r->end - r->start < 3 && !r->at_end)
        if (fill(r, err) < 0)
            return -1;
    if (r->end - r->start >= 3 && memcmp(r->data + r->start, "\xef\xbb\xbf", 3) == 0) {
        r->start += 3;
        r->offset = 3;
    }
    return 0;
}

struct csv_reader *csv_reader_new(int fd, const char *name)
{
    struct csv_reader *r = xcalloc(1, sizeof *r);

    r->fd = fd;
    r->name = xstrdup(name);
    r->line = 1;
    r->cap = 2 * PIECE;
    r->data = xrealloc(NULL, r->cap);
    return r;
}

struct csv_reader *csv_open(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
        return NULL;
    }
    return csv_reader_new(fd, path);
}

void csv_reader_free(struct csv_reader *r)
{
    if (!r)
        return;
    fd_closep(&r->fd);
    free(r->name);
    free(r->data);
    free(r);
}

int csv_seek(struct csv_reader *r, int64_t offset, struct err *err)
{
    if (lseek(r->fd, offset, SEEK_SET) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be read", r->name);
    r->start = r->end = 0;
    r->offset = offset;
    r->line = offset == 0;
    r->at_end = false;
    return 0;
}

/* One line or row, blank or not: its bytes, 0 at the end of the file. */
static int64_t take_row(struct csv_reader *r, struct csv_scan *s, struct err *err)
{
    size_t len = 0;
    char buf[40];

    for (;;) {
        len += csv_scan(s, r->data + r->start + len, r->end - r->start - len);
        if (len > CSV_ROW_MAX)
            return err_set(err, ERR_BAD_INPUT, "%s: the row %s is longer than %d MiB; a quote may be missing", r->name, place(r, buf),
                           CSV_ROW_MAX >> 20);
        if (s->done)
            break;
        if (fill(r, err) < 0)
            return -1;
        if (r->at_end)
            break;
    }
    if (!s->done && s->state == CSV_QUOTED)
        return err_set(err, ERR_BAD_INPUT, "%s: a quote %s is never closed", r->name, place(r, buf));
    return (int64_t)len;
}

int csv_next(struct csv_reader *r, struct csv_row *ret, struct err *err)
{
    if (r->offset == 0 && skip_mark(r, err) < 0)
        return -1;
    for (;;) {
        struct csv_scan s = {0};
        int64_t len = take_row(r, &s, err), line = r->line;
        const char *data = r->data + r->start;

        if (len <= 0)
            return (int)len;
        r->start += (size_t)len;
        r->offset += len;
        if (line > 0)
            r->line += 1 + (int64_t)s.n_breaks;
        if (s.filled) {
            *ret = (struct csv_row){ .data = data, .len = without_end(data, (size_t)len), .n_cells = s.n_commas + 1,
                                     .line = line, .end = r->offset };
            return 1;
        }
    }
}

/* --- cells --- */

/* Past the quote that ends the quoted text at data[0], or the end of the row. */
static size_t quoted_end(const char *data, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const char *quote = memchr(data + i, '"', len - i);

        if (!quote)
            break;
        i = (size_t)(quote - data) + 1;
        if (i >= len || data[i] != '"')
            return i;
    }
    return len;
}

/* The bytes of a cell with its quotes, its comma excluded. */
static size_t cell_end(const char *data, size_t len)
{
    size_t quoted = len > 0 && data[0] == '"' ? quoted_end(data, len) : 0;
    const char *comma = quoted < len ? memchr(data + quoted, ',', len - quoted) : NULL;

    return comma ? (size_t)(comma - data) : len;
}

/* Appends what a cell says. */
static void add_cell(const char *data, size_t len, struct text *out)
{
    size_t quoted = len > 0 && data[0] == '"' ? quoted_end(data, len) : 0;

    for (size_t i = 1, n; i + 1 < quoted; i += n) {
        const char *quote = memchr(data + i, '"', quoted - 1 - i);

        n = quote ? (size_t)(quote - data) + 1 - i : quoted - 1 - i;
        text_add_n(out, data + i, n);
        n += quote != NULL;             /* the second of two */
    }
    text_add_n(out, data + quoted, len - quoted);
}

void csv_cell(const struct csv_row *row, size_t column, struct text *out)
{
    const char *data = row->data, *end = row->data + row->len;
    size_t len = cell_end(data, row->len);

    assert(column < row->n_cells);
    for (size_t i = 0; i < column; i++) {
        data += len + 1;
        len = cell_end(data, (size_t)(end - data));
    }
    add_cell(data, len, out);
}

bool csv_next_cell(const struct csv_row *row, size_t *at, struct text *out)
{
    size_t len;

    text_clear(out);
    if (*at > row->len)
        return false;
    len = cell_end(row->data + *at, row->len - *at);
    add_cell(row->data + *at, len, out);
    *at += len + 1;
    return true;
}

bool csv_find_column(const struct csv_row *header, const char *const *names, size_t *ret)
{
    struct text name = {0};
    bool found = false;

    for (int k = 0; names[k] && !found; k++) {
        size_t at = 0;

        for (size_t i = 0; !found && csv_next_cell(header, &at, &name); i++) {
            found = text_same(name.data, names[k]);
            if (found)
                *ret = i;
        }
    }
    text_done(&name);
    return found;
}

bool csv_number(const char *text, double *ret)
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

bool csv_is_header(const struct csv_row *row)
{
    struct text cell = {0};
    size_t at = 0;
    double value;
    bool named = false;

    while (!named && csv_next_cell(row, &at, &cell))
        named = cell.data[strspn(cell.data, " \t")] && !csv_number(cell.data, &value);
    text_done(&cell);
    return named;
}
