// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/labelled.h"

#include "base/csv.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- a folder of folders --- */

struct folder {
    const char *path;
    labelled_fn *fn;
    void *arg;
    struct text text;
    int64_t bytes;
};

static const char *read_text(const struct found *f, const char *path, struct text *text)
{
    struct err err = {0};

    if (f->refused)
        return f->refused;
    if (file_read(path, LABELLED_TEXT_MAX, text, &err) == 0)
        return text->len > strlen(text->data) ? "holds NUL bytes" : NULL;
    return err.kind == ERR_TOO_LARGE ? "is too large for one text" : "cannot be read";
}

static bool is_hidden(const char *path) { return path[0] == '.' || strstr(path, "/."); }

static int take_file(void *arg, const struct found *f, struct err *err)
{
    struct folder *folder = arg;
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = f->link ? f->link : mem_printf(mem, "%s/%s", folder->path, f->path);
    struct labelled l = { .where = mem_printf(mem, "%s/%s", folder->path, f->path) };

    folder->bytes += f->bytes;
    if (is_hidden(f->path))
        return 0;
    text_clear(&folder->text);
    l.beside = !f->refused && !strchr(f->path, '/');
    if (!l.beside)
        l.broken = read_text(f, path, &folder->text);
    l.label = mem_strndup(mem, f->path, strcspn(f->path, "/"));
    l.text = folder->text.data ? folder->text.data : "";
    l.len = folder->text.len;
    l.end = folder->bytes;
    return folder->fn(folder->arg, &l, err);
}

static int add_bytes(void *arg, const struct found *f, struct err *err)
{
    int64_t *bytes = arg;

    (void)err;
    *bytes += f->bytes;
    return 0;
}

int labelled_bytes(const struct build *b, const char *path, int64_t *ret, struct err *err)
{
    int64_t bytes = 0;
    struct stat st;

    if (file_is_dir(path)) {
        if (build_walk(b, path, add_bytes, &bytes, err) < 0)
            return -1;
    } else if (stat(path, &st) < 0) {
        return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
    } else {
        bytes = st.st_size;
    }
    *ret = bytes;
    return 0;
}

/* --- a table --- */

const char *const labelled_columns[] = { "label", "class", "target", "y", NULL };

/* Whether the file is one, by its first row. */
static bool is_table(const char *path, size_t *ret_label, size_t *ret_text)
{
    struct err err = {0};
    CLEANUP(csv_reader_freep) struct csv_reader *r = csv_open(path, &err);
    struct csv_row row;

    return r && csv_next(r, &row, &err) > 0 && csv_find_column(&row, labelled_columns, ret_label) &&
           csv_find_column(&row, (const char *const[]){ "text", NULL }, ret_text);
}

static int each_row(const char *path, size_t label_column, size_t text_column, labelled_fn *fn, void *arg, struct err *err)
{
    CLEANUP(csv_reader_freep) struct csv_reader *r = csv_open(path, err);
    CLEANUP(text_done) struct text label = {0}, text = {0};
    struct csv_row row;
    size_t n_columns = 0;
    int more;

    if (!r)
        return -1;
    while ((more = csv_next(r, &row, err)) > 0) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct labelled l = { .where = mem_printf(mem, "%s, line %lld", path, (long long)row.line), .end = row.end };

        if (n_columns == 0) {
            n_columns = row.n_cells;
            continue;
        }
        text_clear(&label);
        text_clear(&text);
        if (row.n_cells == n_columns) {
            csv_cell(&row, label_column, &label);
            csv_cell(&row, text_column, &text);
        } else {
            l.broken = "has another number of cells than the header";
        }
        l.label = label.data ? label.data : "";
        l.text = text.data ? text.data : "";
        l.len = text.len;
        if (fn(arg, &l, err) < 0)
            return -1;
    }
    return more;
}

/* --- lines --- */

static void closep(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* A line with its end: how many bytes it has in the file, 0 at its end. Of one that is too long the rest is dropped. */
static int64_t read_line(FILE *file, struct text *line)
{
    int64_t n = 0;
    int c;

    text_clear(line);
    while ((c = getc_unlocked(file)) != EOF) {
        if (n++ <= LABELLED_TEXT_MAX)
            text_add_char(line, (char)c);
        if (c == '\n')
            break;
    }
    return n;
}

/* Ends the label in place. */
static void cut_line(char *line, size_t len, struct labelled *ret)
{
    size_t label_len = strcspn(line, "\\\t");

    if (len > LABELLED_TEXT_MAX)
        ret->broken = "is too long for one text";
    else if (strlen(line) < len)
        ret->broken = "holds NUL bytes";
    else if (label_len == len)
        ret->broken = "has no backslash or tab between a class and a text";
    if (ret->broken)
        return;
    line[label_len] = '\0';
    ret->label = line;
    ret->text = line + label_len + 1;
    ret->len = len - label_len - 1;
}

static int each_line(const char *path, labelled_fn *fn, void *arg, struct err *err)
{
    CLEANUP(closep) FILE *file = fopen(path, "re");
    CLEANUP(text_done) struct text line = {0};
    int64_t number = 0, end = 0, bytes;

    if (!file)
        return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
    while ((bytes = read_line(file, &line)) > 0) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct labelled l = { .where = mem_printf(mem, "%s, line %lld", path, (long long)++number), .end = end + bytes,
                              .label = "", .text = "" };
        char *start = line.data + (number == 1 && text_starts(line.data, "\xef\xbb\xbf") ? 3 : 0);

        end += bytes;
        while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
            line.data[--line.len] = '\0';
        if (start[strspn(start, " \t")] == '\0')
            continue;
        cut_line(start, line.len - (size_t)(start - line.data), &l);
        if (fn(arg, &l, err) < 0)
            return -1;
    }
    return ferror(file) ? err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path) : 0;
}

int labelled_each(const struct build *b, const char *path, labelled_fn *fn, void *arg, struct err *err)
{
    size_t label_column, text_column;

    if (file_is_dir(path)) {
        struct folder folder = { .path = path, .fn = fn, .arg = arg };
        int result = build_walk(b, path, take_file, &folder, err);

        text_done(&folder.text);
        return result;
    }
    if (is_table(path, &label_column, &text_column))
        return each_row(path, label_column, text_column, fn, arg, err);
    return each_line(path, fn, arg, err);
}
