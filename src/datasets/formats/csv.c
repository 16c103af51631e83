// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/csv.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 };           /* bytes read at once */

/* --- rows --- */

/* Past the plain bytes of a cell: most of any file. */
static size_t plain_end(const char *data, size_t i, size_t len)
{
    while (i < len && data[i] != ',' && data[i] != '\n' && data[i] != '\r')
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
        if (s->state == CSV_PLAIN && s->filled && !s->done)
            i = plain_end(data, i, len);
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
    char *path;
    char *data;                     /* bytes start to end wait to be read */
    size_t start, end, cap;
    int64_t offset;                 /* of data[start] in the file */
    int64_t line;
    bool at_end;
};

static int fill(struct csv_reader *r, struct err *err)
{
    ssize_t n;

    if (r->start > 0) {
        memmove(r->data, r->data + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->end > CSV_ROW_MAX)
        return err_set(err, ERR_BAD_INPUT, "%s: the row in line %lld is longer than %d MiB; a quote may be missing", r->path,
                       (long long)r->line, CSV_ROW_MAX >> 20);
    if (r->cap - r->end < PIECE) {
        r->cap = r->end + 2 * PIECE;
        r->data = xrealloc(r->data, r->cap);
    }

    do {
        n = read(r->fd, r->data + r->end, PIECE);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", r->path);
    if (memchr(r->data + r->end, '\0', (size_t)n))
        return err_set(err, ERR_BAD_INPUT, "%s holds NUL bytes: it is not a text in UTF-8", r->path);
    r->at_end = n == 0;
    r->end += (size_t)n;
    return 0;
}

struct csv_reader *csv_open(const char *path, struct err *err)
{
    CLEANUP(csv_reader_freep) struct csv_reader *r = xcalloc(1, sizeof *r);

    r->path = xstrdup(path);
    r->line = 1;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
        return NULL;
    }
    while (r->end < 3 && !r->at_end)
        if (fill(r, err) < 0)
            return NULL;
    if (r->end >= 3 && memcmp(r->data, "\xef\xbb\xbf", 3) == 0)
        r->start = 3;
    r->offset = (int64_t)r->start;
    return TAKE(r);
}

void csv_reader_free(struct csv_reader *r)
{
    if (!r)
        return;
    fd_closep(&r->fd);
    free(r->path);
    free(r->data);
    free(r);
}

/* One line or row, blank or not: its bytes, 0 at the end of the file. */
static int64_t take_row(struct csv_reader *r, struct csv_scan *s, struct err *err)
{
    size_t len = 0;

    for (;;) {
        len += csv_scan(s, r->data + r->start + len, r->end - r->start - len);
        if (s->done)
            break;
        if (fill(r, err) < 0)
            return -1;
        if (r->at_end)
            break;
    }
    if (!s->done && s->state == CSV_QUOTED)
        return err_set(err, ERR_BAD_INPUT, "%s: a quote in line %lld is never closed", r->path, (long long)r->line);
    return (int64_t)len;
}

int csv_next(struct csv_reader *r, struct csv_row *ret, struct err *err)
{
    for (;;) {
        struct csv_scan s = {0};
        int64_t len = take_row(r, &s, err);

        if (len <= 0)
            return (int)len;
        r->offset += len;
        *ret = (struct csv_row){ .data = r->data + r->start, .len = without_end(r->data + r->start, (size_t)len),
                                 .n_cells = s.n_commas + 1, .line = r->line, .end = r->offset };
        r->start += (size_t)len;
        r->line += 1 + (int64_t)s.n_breaks;
        if (s.filled)
            return 1;
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

    for (size_t i = 1; i + 1 < quoted; i++) {
        text_add_char(out, data[i]);
        i += data[i] == '"';            /* the second of two */
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

/* The next cell, which begins at *at, in place of `out`; false: there is none left. */
static bool next_cell(const struct csv_row *row, size_t *at, struct text *out)
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

const char *const csv_class_names[] = { "label", "class", "target", "y", NULL };

bool csv_find_column(const struct csv_row *header, const char *const *names, size_t *ret)
{
    struct text name = {0};
    bool found = false;

    for (int k = 0; names[k] && !found; k++) {
        size_t at = 0;

        for (size_t i = 0; !found && next_cell(header, &at, &name); i++) {
            found = text_same(name.data, names[k]);
            if (found)
                *ret = i;
        }
    }
    text_done(&name);
    return found;
}

static bool is_number_or_empty(const char *s)
{
    char *end;

    s += strspn(s, " \t");
    if (*s == '\0')
        return true;
    if (!strchr("+-.0123456789", *s))
        return false;
    strtod(s, &end);
    return end > s && end[strspn(end, " \t")] == '\0';
}

bool csv_is_header(const struct csv_row *row)
{
    struct text cell = {0};
    size_t at = 0;
    bool named = false;

    while (!named && next_cell(row, &at, &cell))
        named = !is_number_or_empty(cell.data);
    text_done(&cell);
    return named;
}
