// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/vector_list.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/broken.h"
#include "datasets/builder/build.h"
#include "datasets/builder/dealing.h"
#include "datasets/builder/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const list_fields[N_SPLITS] = { "image.trainText", "image.valText", "image.testText" };
static const char *const folder_fields[N_SPLITS] = { "image.trainImages", "image.valImages", "image.testImages" };

/* --- a line --- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool is_number(const char *word)
{
    char *end;
    double v;

    if (!strchr("+-.0123456789", *word))
        return false;
    v = strtod(word, &end);
    return end > word && *end == '\0' && isfinite(v);
}

/* From the right: numbers, then what is left is the path. */
size_t vector_line_read(const char *line, size_t len, struct mem *mem, const char **ret_path, const char **ret_values)
{
    char *text = mem_strndup(mem, line, len), *values = mem_alloc(mem, len + 2), *at = values + len + 1;
    size_t end = len, n = 0;

    for (;;) {
        size_t word = end, before;

        while (word > 0 && !is_blank(text[word - 1]))
            word--;
        text[end] = '\0';
        if (word == 0 || !is_number(text + word))
            break;
        if (n++ > 0)
            *--at = ' ';
        at -= end - word;
        memcpy(at, text + word, end - word);
        for (before = word; before > 0 && is_blank(text[before - 1]);)
            before--;
        end = before;
    }
    *ret_path = text;
    *ret_values = at;
    return end > 0 ? n : 0;
}

/* --- lists --- */

void vector_list_done(struct vector_list *l) { free(l->items); }

static void add_item(struct vector_list *l, struct vector_item item)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->items = xrealloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->n++] = item;
}

static int take_line(struct build *b, struct vector_list *l, enum split split, const char *line, size_t len, const char *where,
                     struct err *err)
{
    struct vector_item item = { .source = (uint8_t)split, .split = (uint8_t)split };
    size_t n = vector_line_read(line, len, b->mem, &item.path, &item.values);

    l->n_lines++;
    if (n > 0 && l->n_values == 0)
        l->n_values = n;
    if (n == 0)
        return broken_add(b, where, "has no path with numbers after it", err);
    if (n != l->n_values)
        return broken_add(b, where, mem_printf(b->mem, "has %zu numbers where the first line has %zu", n, l->n_values), err);
    add_item(l, item);
    return 0;
}

static const char *list_of(const struct orders *o, enum split split, const char **ret_field)
{
    *ret_field = orders_list(o, split) ? list_fields[split] : split_names[split];
    return orders_list(o, split) ? orders_list(o, split) : orders_source(o, split);
}

/* The part's own folder of images, that of the training images, or the one that the list lies in. */
static int find_folder(struct build *b, struct vector_list *l, enum split split, const char *list, const char *field,
                       struct err *err)
{
    const struct orders *o = b->orders;

    if (orders_images(o, split))
        l->folders[split] = build_source(b, folder_fields[split], orders_images(o, split), err);
    else if (orders_images(o, SPLIT_TRAIN))
        l->folders[split] = build_source(b, folder_fields[SPLIT_TRAIN], orders_images(o, SPLIT_TRAIN), err);
    else
        l->folders[split] = build_source(b, field, mem_strndup(b->mem, list, (size_t)(path_base(list) - list)), err);
    return l->folders[split] ? 0 : -1;
}

static int read_list(struct build *b, struct vector_list *l, enum split split, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *field, *path = list_of(b->orders, split, &field), *at, *line;
    int64_t number = 0;
    size_t len;

    if (!path)
        return 0;
    if (lines_read(b, field, path, &text, err) < 0 || find_folder(b, l, split, path, field, err) < 0)
        return -1;
    at = text.data;
    for (line = lines_next(&at, &len); line; line = lines_next(&at, &len)) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();

        number++;
        if (len > 0 && take_line(b, l, split, line, len, mem_printf(mem, "%s, line %lld", path, (long long)number), err) < 0)
            return -1;
    }
    return 0;
}

static void deal_out(const struct build *b, struct vector_list *l)
{
    struct dealing dealing;
    struct share share;
    size_t n = 0;

    while (n < l->n && l->items[n].source == SPLIT_TRAIN)
        n++;
    dealing_init(&dealing, b->orders);
    share = dealing_share(&dealing, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        l->items[i].split = (uint8_t)dealing_next(&dealing, &share);
}

int vector_list_make(struct build *b, struct vector_list *ret, struct err *err)
{
    const char *field, *list = list_of(b->orders, SPLIT_TRAIN, &field);

    *ret = (struct vector_list){0};
    if (!list)
        return err_field(err, list_fields[SPLIT_TRAIN], "a text list with a path and numbers on each line",
                         "the list of training images is missing");
    for (int i = 0; i < N_SPLITS; i++)
        if (read_list(b, ret, i, err) < 0)
            return -1;
    deal_out(b, ret);
    for (size_t i = 0; i < ret->n; i++)
        if (ret->items[i].split == SPLIT_TRAIN)
            return 0;
    return err_field(err, field, "a text list with a path and numbers on each line", "%s leaves no images for training", list);
}

const char *vector_list_file(const struct build *b, const struct vector_list *l, const struct vector_item *item, struct mem *mem,
                             struct err *err)
{
    const char *path = item->path[0] == '/' ? item->path : mem_printf(mem, "%s/%s", l->folders[item->source], item->path);
    CLEANUP(freep) char *plain = realpath(path, NULL);

    if (!plain) {
        err_errno(err, ERR_BAD_INPUT, "cannot be read");
        return NULL;
    }
    if (!build_allows(b, plain)) {
        err_set(err, ERR_BAD_INPUT, "lies outside of the data folders");
        return NULL;
    }
    return mem_strdup(mem, plain);
}
