// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/lines.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { LINES_BYTES_MAX = 1 << 30 };

int lines_read(const struct build *b, const char *field, const char *path, struct text *ret, struct err *err)
{
    const char *plain = build_source(b, field, path, err);

    if (!plain || file_read(plain, LINES_BYTES_MAX, ret, err) < 0)
        return -1;
    if (memchr(ret->data, 0, ret->len) || !text_is_utf8(ret->data, ret->len))
        return err_field(err, field, "a text file in UTF-8", "%s is not a text file", path);
    return 0;
}

const char *lines_next(const char **at, size_t *ret_len)
{
    const char *line = *at, *end;

    if (!*line)
        return NULL;
    end = strchrnul(line, '\n');
    *at = *end ? end + 1 : end;
    line += strspn(line, " \t");
    while (end > line && strchr(" \t\r", end[-1]))
        end--;
    *ret_len = end > line ? (size_t)(end - line) : 0;
    return line;
}

int labels_add(const struct build *b, struct labels *labels, const char *name, size_t len, struct err *err)
{
    if (labels->n == LABELS_MAX)
        return err_set(err, ERR_BAD_INPUT, "there are more than %d classes", LABELS_MAX);
    if (labels->n == labels->cap) {
        const char **old = labels->names;

        labels->cap = labels->cap ? labels->cap * 2 : 64;
        labels->names = mem_alloc(b->mem, labels->cap * sizeof *labels->names);
        if (old)
            memcpy(labels->names, old, labels->n * sizeof *labels->names);
    }
    labels->names[labels->n++] = mem_strndup(b->mem, name, len);
    return 0;
}

int labels_read(const struct build *b, const char *field, const char *path, struct labels *ret, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *at, *line;
    size_t len;

    if (lines_read(b, field, path, &text, err) < 0)
        return -1;
    at = text.data;
    for (line = lines_next(&at, &len); line; line = lines_next(&at, &len))
        if (len > 0 && labels_add(b, ret, line, len, err) < 0)
            return -1;
    return 0;
}

int labels_write(const struct build *b, const struct labels *labels, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};

    text_add(&text, "");
    for (size_t i = 0; i < labels->n; i++)
        text_addf(&text, "%s\n", labels->names[i]);
    return file_write(build_target(b, "labels.txt"), text.data, text.len, 0644, err);
}
