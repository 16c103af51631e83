// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_records.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/lines.h"
#include "datasets/formats/datum.h"
#include "datasets/formats/example.h"
#include "datasets/formats/lmdb_file.h"
#include "datasets/formats/tfrecord.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What is known of the records of one split. */
struct part {
    const char *source;             /* NULL: no such split */
    int64_t records, bytes;
    int64_t *per_label;             /* [n_labels], malloc */
    size_t n_labels, cap;
    int64_t unknown;                /* records that are no images with a label */
};

struct import {
    struct build *b;
    enum split split;
    struct part parts[N_SPLITS];
    int64_t height, width, channels;        /* of all records; 0: none yet, INT_UNSET: not all the same */
    struct labels labels;
};

/* --- what records say --- */

static void agree(int64_t *all, int64_t v)
{
    if (*all == 0)
        *all = v;
    else if (*all != v)
        *all = INT_UNSET;
}

static void count_label(struct part *p, int64_t label)
{
    if (label < 0 || label >= LABELS_MAX) {
        p->unknown++;
        return;
    }
    if ((size_t)label >= p->cap) {
        size_t cap = ((size_t)label + 1) * 2;

        p->per_label = xrealloc(p->per_label, cap * sizeof *p->per_label);
        memset(p->per_label + p->cap, 0, (cap - p->cap) * sizeof *p->per_label);
        p->cap = cap;
    }
    p->per_label[label]++;
    if ((size_t)label >= p->n_labels)
        p->n_labels = (size_t)label + 1;
}

static void take_image(struct import *m, int64_t height, int64_t width, int64_t channels, int64_t label)
{
    agree(&m->height, height);
    agree(&m->width, width);
    agree(&m->channels, channels);
    count_label(&m->parts[m->split], label);
}

static void take_datum(struct import *m, const uint8_t *data, size_t len)
{
    struct datum d;

    if (datum_read(data, len, &d) && d.data)
        take_image(m, d.height, d.width, d.channels, d.label);
    else
        m->parts[m->split].unknown++;
}

static void take_example(struct import *m, const uint8_t *data, size_t len)
{
    struct example e;

    if (example_read(data, len, &e) && e.data)
        take_image(m, e.height, e.width, e.depth, e.label);
    else
        m->parts[m->split].unknown++;
}

/* --- LMDB --- */

static int read_lmdb(struct import *m, struct lmdb_reader *r, struct err *err)
{
    struct part *p = &m->parts[m->split];
    const uint8_t *key, *data;
    size_t n_key, len;
    int more;

    for (;;) {
        more = lmdb_next(r, &key, &n_key, &data, &len, err);
        if (more <= 0)
            return more;
        p->records++;
        p->bytes += (int64_t)len;
        take_datum(m, data, len);
        progress_add(&m->b->progress, split_names[m->split], 1);
    }
}

static int copy_lmdb(struct import *m, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *to = mem_printf(mem, "%s/%s_db", m->b->orders->target, split_names[m->split]);

    if (file_mkdirs(to, 0755, err) < 0)
        return -1;
    return file_copy(mem_printf(mem, "%s/data.mdb", m->parts[m->split].source), mem_printf(mem, "%s/data.mdb", to), err);
}

static int import_lmdb(struct import *m, struct err *err)
{
    int64_t total = 0;

    for (int i = 0; i < N_SPLITS; i++) {
        struct lmdb_reader *r = m->parts[i].source ? lmdb_open(m->parts[i].source, err) : NULL;

        if (m->parts[i].source && !r)
            return -1;
        total += r ? lmdb_count(r) : 0;
        lmdb_reader_free(r);
    }
    progress_start(&m->b->progress, "records", total);
    for (m->split = 0; m->split < N_SPLITS; m->split++) {
        struct lmdb_reader *r;
        int result;

        if (!m->parts[m->split].source)
            continue;
        r = lmdb_open(m->parts[m->split].source, err);
        if (!r)
            return -1;
        report_split(&m->b->report, m->split, m->parts[m->split].source);
        result = read_lmdb(m, r, err);
        lmdb_reader_free(r);
        if (result < 0 || (m->b->orders->copy && copy_lmdb(m, err) < 0))
            return -1;
    }
    return 0;
}

/* --- TFRecord files --- */

struct record_files {
    struct import *m;
    const char *folder;
    bool counting;
    int64_t bytes;
};

static int read_tfrecords(struct import *m, const char *path, struct err *err)
{
    struct part *p = &m->parts[m->split];
    struct tfrecord_reader *r = tfrecord_open(path, err);
    int64_t before = p->bytes;
    const uint8_t *data;
    size_t len;
    int more = r ? 1 : -1;

    while (more > 0) {
        more = tfrecord_next(r, &data, &len, err);
        if (more <= 0)
            break;
        p->records++;
        p->bytes += (int64_t)len + TFRECORD_BEFORE + TFRECORD_AFTER;
        take_example(m, data, len);
        progress_add(&m->b->progress, split_names[m->split], (p->bytes >> 20) - (before >> 20));
        before = p->bytes;
    }
    tfrecord_reader_free(r);
    if (more < 0 && err->kind == ERR_BAD_INPUT && !err->field[0])
        snprintf(err->field, sizeof err->field, "%s", split_names[m->split]);
    return more;
}

/* What Spark and others leave beside the records. */
static bool is_beside(const char *path)
{
    static const char *const endings[] = { ".txt", ".json", ".pbtxt", ".csv", ".md" };
    const char *name = path_base(path);
    size_t len = strlen(name);

    if (name[0] == '.' || name[0] == '_')
        return true;
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (len > strlen(endings[i]) && text_same(name + len - strlen(endings[i]), endings[i]))
            return true;
    return false;
}

static int take_file(void *arg, const struct found *f, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct record_files *files = arg;
    struct import *m = files->m;
    const char *path = f->link ? f->link : mem_printf(mem, "%s/%s", files->folder, f->path);
    char *to;

    if (is_beside(f->path))
        return 0;
    if (f->refused)
        return err_field(err, split_names[m->split], "links that stay within the data folders", "%s/%s %s", files->folder,
                         f->path, f->refused);
    files->bytes += f->bytes;
    if (files->counting)
        return 0;
    report_file(&m->b->report.splits[m->split], f->path);
    if (read_tfrecords(m, path, err) < 0)
        return -1;
    if (!m->b->orders->copy)
        return 0;
    to = mem_printf(mem, "%s/%s_db/%s", m->b->orders->target, split_names[m->split], f->path);
    *strrchr(to, '/') = '\0';
    if (file_mkdirs(to, 0755, err) < 0)
        return -1;
    to[strlen(to)] = '/';
    return file_copy(path, to, err);
}

/* A folder of files, or a single one. */
static int each_file(struct record_files *files, struct err *err)
{
    struct import *m = files->m;
    const char *source = m->parts[m->split].source;
    struct found one = { .path = path_base(source) };
    struct stat st;

    if (file_is_dir(source)) {
        files->folder = source;
        return build_walk(m->b, source, take_file, files, err);
    }
    if (stat(source, &st) < 0)
        return err_errno(err, ERR_BAD_INPUT, "%s cannot be read", source);
    one.bytes = st.st_size;
    files->folder = mem_strndup(m->b->mem, source, (size_t)(one.path - source) - 1);
    return take_file(files, &one, err);
}

static int import_tfrecords(struct import *m, struct err *err)
{
    struct record_files files = { .m = m, .counting = true };

    for (m->split = 0; m->split < N_SPLITS; m->split++)
        if (m->parts[m->split].source && each_file(&files, err) < 0)
            return -1;
    progress_start(&m->b->progress, "MiB", files.bytes >> 20);
    files.counting = false;
    for (m->split = 0; m->split < N_SPLITS; m->split++) {
        if (!m->parts[m->split].source)
            continue;
        report_split(&m->b->report, m->split, "");
        if (each_file(&files, err) < 0)
            return -1;
        m->parts[m->split].source = files.folder;
    }
    return 0;
}

/* --- both --- */

static int find_sources(struct import *m, struct err *err)
{
    if (!m->b->orders->train)
        return err_field(err, "train", "a folder with the training records", "the training records are missing");
    for (int i = 0; i < N_SPLITS; i++) {
        const char *source = orders_source(m->b->orders, i);

        m->parts[i].source = source ? build_source(m->b, split_names[i], source, err) : NULL;
        if (source && !m->parts[i].source)
            return -1;
    }
    return 0;
}

/* Classes that have no name in the labels file are called by their numbers. */
static int find_labels(struct import *m, struct err *err)
{
    const char *path = m->b->orders->labels;
    size_t n = 0;

    if (path && labels_read(m->b, "labels", path, &m->labels, err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++)
        if (m->parts[i].n_labels > n)
            n = m->parts[i].n_labels;
    if (path && n > m->labels.n)
        report_warn(&m->b->report, "there are labels up to %zu, and %zu names in the labels file", n - 1, m->labels.n);
    while (m->labels.n < n) {
        char name[24];

        snprintf(name, sizeof name, "%zu", m->labels.n);
        if (labels_add(m->b, &m->labels, name, strlen(name), err) < 0)
            return -1;
    }
    m->b->report.labels = m->labels.names;
    m->b->report.n_labels = m->labels.n;
    return m->labels.n ? labels_write(m->b, &m->labels, err) : 0;
}

static int take_mean(struct import *m, struct err *err)
{
    const struct orders *o = m->b->orders;
    const char *source;

    if (!o->meanfile)
        return 0;
    source = build_source(m->b, "meanfile", o->meanfile, err);
    if (!source)
        return -1;
    m->b->report.meanfile = o->copy ? "mean.binaryproto" : source;
    return o->copy ? file_copy(source, build_target(m->b, "mean.binaryproto"), err) : 0;
}

static int64_t known(int64_t v) { return v > 0 ? v : INT_UNSET; }

static int tell(struct import *m, struct err *err)
{
    struct report *r = &m->b->report;

    for (int i = 0; i < N_SPLITS; i++) {
        const struct part *p = &m->parts[i];
        struct report_split *s = &r->splits[i];

        if (!p->source)
            continue;
        if (p->records == 0)
            return err_field(err, split_names[i], "records", "there are no records in %s", p->source);
        s->path = m->b->orders->copy ? mem_printf(m->b->mem, "%s_db", split_names[i]) : p->source;
        s->records = p->records;
        s->bytes = p->bytes;
        s->per_label = mem_alloc(m->b->mem, (r->n_labels + 1) * sizeof *s->per_label);
        if (p->n_labels)
            memcpy(s->per_label, p->per_label, p->n_labels * sizeof *s->per_label);
        if (p->unknown)
            report_warn(r, "%s: %" PRId64 " of %" PRId64 " records are no images with a label", split_names[i], p->unknown,
                        p->records);
    }
    r->height = known(m->height);
    r->width = known(m->width);
    r->channels = known(m->channels);
    return 0;
}

static int import(struct build *b, int (*fn)(struct import *m, struct err *err), struct err *err)
{
    struct import m = { .b = b };
    int result = -1;

    if (find_sources(&m, err) == 0 && fn(&m, err) == 0 && find_labels(&m, err) == 0 && take_mean(&m, err) == 0)
        result = tell(&m, err);
    progress_end(&b->progress);
    for (int i = 0; i < N_SPLITS; i++)
        free(m.parts[i].per_label);
    return result;
}

static int build_lmdb(struct build *b, struct err *err) { return import(b, import_lmdb, err); }
static int build_tfrecords(struct build *b, struct err *err) { return import(b, import_tfrecords, err); }

static const char *const lmdb_backends[] = { "LMDB", NULL };
static const char *const tfrecords_backends[] = { "TFrecords", NULL };

const struct kind lmdb_kind = { .name = "LMDB", .backends = lmdb_backends, .build = build_lmdb, .each = look_records };
const struct kind tfrecords_kind = { .name = "TFRECORDS", .backends = tfrecords_backends, .build = build_tfrecords, .each = look_records };
