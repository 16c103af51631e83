// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/objects_index.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 1 << 20 };        /* pixels; no image is larger */

static void closep(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* The text up to `end`, which is cut off; NULL when that does not come. */
static char *take(char **at, char end)
{
    char *word = *at, *found = strchr(word, end);

    if (!found)
        return NULL;
    *found = '\0';
    *at = found + 1;
    return word;
}

static bool read_number(const char *word, int *ret)
{
    char *end;
    long v;

    if (!word || *word < '0' || *word > '9')
        return false;
    v = strtol(word, &end, 10);
    *ret = (int)v;
    return *end == '\0' && v <= SIDE_MAX;
}

/* "<label>,<xmin>,<ymin>,<xmax>,<ymax>". */
static bool read_box(char *text, struct box *ret)
{
    int sides[4];

    ret->label = take(&text, ',');
    for (int i = 0; i < 4; i++)
        if (!read_number(i < 3 ? take(&text, ',') : text, &sides[i]))
            return false;
    ret->left = sides[0] > 0 ? sides[0] - 1 : 0;
    ret->top = sides[1] > 0 ? sides[1] - 1 : 0;
    ret->right = sides[2] > 0 ? sides[2] - 1 : 0;
    ret->bottom = sides[3] > 0 ? sides[3] - 1 : 0;
    return ret->label && ret->label[0];
}

static bool read_boxes(char *text, size_t n, struct mem *mem, struct objects_line *ret)
{
    size_t there = text[0] != '\0';

    for (const char *c = text; *c; c++)
        there += *c == ';';
    if (there != n)
        return false;
    ret->boxes = mem_alloc(mem, (n + 1) * sizeof *ret->boxes);
    for (ret->n_boxes = 0; ret->n_boxes < n; ret->n_boxes++)
        if (!read_box(ret->n_boxes + 1 < n ? take(&text, ';') : text, &ret->boxes[ret->n_boxes]))
            return false;
    return true;
}

int objects_line_read(const char *line, size_t len, struct mem *mem, struct objects_line *ret, struct err *err)
{
    char *at = mem_strndup(mem, line, len);
    struct objects_line l = {0};
    bool ok;
    int n;

    l.split = take(&at, '\t');
    l.stem = take(&at, '\t');
    l.path = take(&at, '\t');
    ok = read_number(take(&at, '\t'), &l.width) && read_number(take(&at, '\t'), &l.height) &&
         read_number(take(&at, '\t'), &n) && read_boxes(at, (size_t)n, mem, &l);
    if (!ok || l.width < 1 || l.height < 1 || !path_inside(l.path))
        return err_set(err, ERR_BAD_INPUT, "is not a line of " OBJECTS_INDEX);
    *ret = l;
    return 0;
}

static int tell_line(const struct look *l, int64_t index, const char *line, size_t len, sample_fn *fn, void *arg, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct objects_line o;
    struct sample s = { .index = index };

    if (objects_line_read(line, len, mem, &o, err) < 0)
        return err_wrap(err, "the line of sample %lld", (long long)index);
    s.path = o.path;
    s.file = mem_printf(mem, "%s/%s", l->dir, o.path);
    s.boxes = o.boxes;
    s.n_boxes = o.n_boxes;
    return fn(arg, &s, err);
}

int look_objects(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err)
{
    CLEANUP(closep) FILE *file = fopen(mem_printf(l->mem, "%s/" OBJECTS_INDEX, l->dir), "re");
    CLEANUP(freep) char *line = NULL;
    size_t cap = 0, n_split = strlen(l->split);
    int64_t index = 0;
    int result = 0;
    ssize_t len;

    if (!file)
        return err_errno(err, ERR_BAD_INPUT, "%s/" OBJECTS_INDEX " cannot be read", l->dir);
    while (result == 0 && (len = getline(&line, &cap, file)) > 0) {
        if (strncmp(line, l->split, n_split) != 0 || line[n_split] != '\t')
            continue;
        if (index >= from)
            result = tell_line(l, index, line, (size_t)len - (line[len - 1] == '\n'), fn, arg, err);
        index++;
    }
    return result < 0 ? -1 : 0;
}
