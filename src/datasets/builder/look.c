// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/look.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/kind.h"
#include "datasets/formats/datum.h"
#include "datasets/formats/example.h"
#include "datasets/formats/lmdb_file.h"
#include "datasets/formats/tfrecord.h"
#include "datasets/images/image.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { HEAD = 32 };                     /* bytes of a file that tell whether it is an image */

/* --- the report --- */

static const char *text_member(const json_t *object, const char *name, struct mem *mem)
{
    return mem_strdup(mem, json_string_value(json_object_get(object, name)));
}

static const char **texts(const json_t *list, size_t *ret_n, struct mem *mem)
{
    const char **all = mem_alloc(mem, (json_array_size(list) + 1) * sizeof *all);

    *ret_n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)))
            all[(*ret_n)++] = mem_strdup(mem, json_string_value(json_array_get(list, i)));
    return all;
}

static const json_t *find_split(const json_t *report, const char *name)
{
    const json_t *splits = json_object_get(report, "splits");

    for (size_t i = 0; i < json_array_size(splits); i++) {
        const json_t *split = json_array_get(splits, i);
        const char *this = json_string_value(json_object_get(split, "name"));

        if (this && strcmp(this, name) == 0)
            return split;
    }
    return NULL;
}

static int read_report(const json_t *report, struct look *l, struct err *err)
{
    const char *kind = text_member(report, "kind", l->mem), *path;
    const json_t *split = find_split(report, l->split);

    l->kind = kind ? kind_find(kind) : NULL;
    l->backend = text_member(report, "backend", l->mem);
    if (!l->kind || !l->backend || !json_is_true(json_object_get(report, "ok")))
        return err_set(err, ERR_BAD_INPUT, "%s holds no dataset that was built", l->dir);
    if (!split)
        return err_set(err, ERR_NOT_FOUND, "the dataset has no %s data", l->split);
    path = text_member(split, "path", l->mem);
    l->path = !path ? l->dir : path[0] == '/' ? path : mem_printf(l->mem, "%s/%s", l->dir, path);
    l->files = texts(json_object_get(split, "files"), &l->n_files, l->mem);
    l->labels = texts(json_object_get(report, "labels"), &l->n_labels, l->mem);
    return 0;
}

int look_open(const char *dir, const char *split, struct mem *mem, struct look *ret, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    json_t *report;
    int result;

    *ret = (struct look){ .mem = mem, .dir = dir, .split = split };
    if (file_read(mem_printf(mem, "%s/" REPORT_FILE, dir), READER_SIZE_MAX, &text, err) < 0)
        return -1;
    report = reader_parse_object(text.data, text.len, err);
    if (!report)
        return -1;
    result = read_report(report, ret, err);
    json_decref(report);
    return result;
}

const char *look_label(const struct look *l, int64_t label, char number[24])
{
    snprintf(number, 24, "%" PRId64, label);
    return label >= 0 && (uint64_t)label < l->n_labels ? l->labels[label] : number;
}

/* --- LMDB --- */

/* Keys that we wrote begin with the number of the record; 1 when the reader stands on record `from` thanks to that. */
static int jump(struct lmdb_reader *r, int64_t from, struct err *err)
{
    const uint8_t *found, *data;
    size_t n_found, len;
    char key[24];
    int n = snprintf(key, sizeof key, "%08" PRId64 "_", from);
    int result = lmdb_seek(r, key, (size_t)n, err);

    if (result > 0)
        result = lmdb_next(r, &found, &n_found, &data, &len, err);
    if (result <= 0)
        return result;
    if (n_found < (size_t)n || memcmp(found, key, (size_t)n) != 0)
        return 0;
    return lmdb_seek(r, key, (size_t)n, err);
}

/* "cat/1.jpg" of "00000042_cat/1.jpg", or the whole key; NULL when it is no text. */
static const char *name_of(struct mem *mem, const uint8_t *key, size_t n)
{
    const char *text = mem_strndup(mem, (const char *)key, n);
    size_t digits = strspn(text, "0123456789");

    if (strlen(text) != n || !text_is_utf8(text, n))
        return NULL;
    return digits >= 8 && text[digits] == '_' ? text + digits + 1 : text;
}

static int tell_datum(const struct look *l, int64_t index, const uint8_t *key, size_t n_key, const uint8_t *data, size_t len,
                      sample_fn *fn, void *arg, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct sample s = { .index = index, .path = name_of(mem, key, n_key) };
    char number[24];
    struct datum d;

    if (!datum_read(data, len, &d) || !d.data)
        return fn(arg, &s, err);
    s.label = look_label(l, d.label, number);
    s.data = d.data;
    s.len = d.n_data;
    s.form = d.encoded ? SAMPLE_ENCODED : SAMPLE_PLANES;
    s.width = d.width, s.height = d.height, s.channels = d.channels;
    return fn(arg, &s, err);
}

static int look_lmdb(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err)
{
    struct lmdb_reader *r = lmdb_open(l->path, err);
    int64_t index = 0;
    int result;

    if (!r)
        return -1;
    result = from > 0 ? jump(r, from, err) : 0;
    if (result > 0) {
        index = from;
    } else if (result == 0) {           /* the keys do not say: from the beginning */
        lmdb_reader_free(r);
        r = lmdb_open(l->path, err);
    }
    for (result = result < 0 || !r ? -1 : 0; result == 0; index++) {
        const uint8_t *key, *data;
        size_t n_key, len;
        int more = lmdb_next(r, &key, &n_key, &data, &len, err);

        if (more <= 0) {
            result = more < 0 ? -1 : 1;
            break;
        }
        if (index >= from)
            result = tell_datum(l, index, key, n_key, data, len, fn, arg, err);
    }
    lmdb_reader_free(r);
    return result < 0 ? -1 : 0;
}

/* --- TFRecord files --- */

static int tell_example(const struct look *l, int64_t index, const char *file, const uint8_t *data, size_t len, sample_fn *fn,
                        void *arg, struct err *err)
{
    struct sample s = { .index = index, .path = file };
    char number[24];
    struct example e;

    if (!example_read(data, len, &e) || !e.data)
        return fn(arg, &s, err);
    s.label = look_label(l, e.label, number);
    s.data = e.data;
    s.len = e.n_data;
    s.form = e.encoded ? SAMPLE_ENCODED : SAMPLE_ROWS;
    s.width = e.width, s.height = e.height, s.channels = e.depth;
    return fn(arg, &s, err);
}

/* 1 when fn has enough. */
static int look_file(const struct look *l, const char *file, int64_t *index, int64_t from, sample_fn *fn, void *arg,
                     struct err *err)
{
    struct tfrecord_reader *r = tfrecord_open(mem_printf(l->mem, "%s/%s", l->path, file), err);
    const uint8_t *data;
    int result = 0;
    int more = r ? 1 : -1;
    size_t len;

    while (more > 0 && result == 0) {
        if (*index < from) {
            more = tfrecord_skip(r, err);
        } else {
            more = tfrecord_next(r, &data, &len, err);
            if (more > 0)
                result = tell_example(l, *index, file, data, len, fn, arg, err);
        }
        *index += more > 0;
    }
    tfrecord_reader_free(r);
    return more < 0 ? -1 : result;
}

int look_records(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err)
{
    int64_t index = 0;
    int result = 0;

    if (text_same(l->backend, "LMDB"))
        return look_lmdb(l, from, fn, arg, err);
    for (size_t i = 0; i < l->n_files && result == 0; i++)
        result = look_file(l, l->files[i], &index, from, fn, arg, err);
    return result < 0 ? -1 : 0;
}

/* --- folders --- */

struct browsing {
    const struct look *l;
    int64_t index, from;
    sample_fn *fn;
    void *arg;
    bool enough;
};

static bool is_image(const char *path)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t head[HEAD];
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);

    return n > 0 && image_is(head, (size_t)n);
}

static int browse(void *arg, const struct found *f, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct browsing *b = arg;
    const char *slash = strchr(f->path, '/');
    struct sample s = { .index = b->index, .path = f->path };
    int result;

    s.file = f->link ? f->link : mem_printf(mem, "%s/%s", b->l->path, f->path);
    if (f->refused || !is_image(s.file))
        return 0;
    if (b->index++ < b->from)
        return 0;
    s.label = slash ? mem_strndup(mem, f->path, (size_t)(slash - f->path)) : NULL;
    result = b->fn(b->arg, &s, err);
    b->enough = result == 1;
    return result ? -1 : 0;             /* ends the walk either way */
}

int look_folder(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err)
{
    const char *root = l->path;
    struct build b = { .mem = l->mem, .roots = &root, .n_roots = 1 };
    struct browsing browsing = { .l = l, .from = from, .fn = fn, .arg = arg };

    if (!file_is_dir(l->path))
        return err_set(err, ERR_BAD_INPUT, "%s is not a folder with samples", l->path);
    if (build_walk(&b, l->path, browse, &browsing, err) < 0 && !browsing.enough)
        return -1;
    return 0;
}
