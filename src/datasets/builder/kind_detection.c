// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_detection.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/broken.h"
#include "datasets/builder/build.h"
#include "datasets/builder/content.h"
#include "datasets/builder/image_stats.h"
#include "datasets/builder/label_names.h"
#include "datasets/builder/objects_index.h"
#include "datasets/builder/voc_tree.h"
#include "datasets/formats/names.h"
#include "datasets/formats/voc.h"
#include "datasets/images/image.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct detection {
    struct build *b;
    struct voc_sources sources;
    struct names *labels;
    bool labels_given;              /* by a file: others are broken */
    int64_t (*counts)[N_SPLITS];    /* [labels] objects in each part; malloc */
    size_t cap;                     /* of counts */
    int64_t n_read, n_cut;          /* images; sides of boxes that lay outside of theirs */
    struct text file;               /* the image that is read */
    struct contents *contents;
    struct image_sizes *sizes;
    int64_t records[N_SPLITS], bytes[N_SPLITS];
    struct text lists[N_SPLITS];
    FILE *index;
};

/* One image with what its annotation says; valid until the next one. */
struct image_file {
    const char *stem, *path, *annotation;       /* links resolved */
    int width, height;
    struct voc voc;
};

/* --- labels --- */

/* The count of a label in a part; NULL: the labels file does not have it. */
static int64_t *count_of(struct detection *d, const char *label, enum split split)
{
    int64_t number = d->labels_given ? names_find(d->labels, label, strlen(label)) : (int64_t)names_add(d->labels, label, strlen(label));

    if (number < 0)
        return NULL;
    while (d->cap < names_count(d->labels)) {
        size_t cap = d->cap * 2 + 64;

        d->counts = xrealloc(d->counts, cap * sizeof *d->counts);
        memset(d->counts + d->cap, 0, (cap - d->cap) * sizeof *d->counts);
        d->cap = cap;
    }
    return &d->counts[number][split];
}

/* --- one image --- */

/* A file of a tree with its links resolved, or NULL with the reason why it cannot be used. */
static const char *find_file(const struct detection *d, struct mem *mem, const char *path, struct err *err)
{
    CLEANUP(freep) char *plain = realpath(path, NULL);
    struct stat st;

    if (!plain || stat(plain, &st) < 0 || !S_ISREG(st.st_mode)) {
        err_set(err, ERR_BAD_INPUT, "has no file %s", path);
        return NULL;
    }
    if (!build_allows(d->b, plain)) {
        err_set(err, ERR_BAD_INPUT, "has a link that leads out of the data folders: %s", path);
        return NULL;
    }
    return mem_strdup(mem, plain);
}

static int check_boxes(struct detection *d, const struct image_file *f, struct err *err)
{
    const struct voc *v = &f->voc;

    if (v->width && v->height && (v->width != f->width || v->height != f->height))
        return err_set(err, ERR_BAD_INPUT, "has %d x %d pixels, but an annotation for %d x %d", f->width, f->height, v->width,
                       v->height);
    for (size_t i = 0; i < v->n; i++) {
        const struct voc_box *box = &v->boxes[i];

        if (strpbrk(box->label, ",;"))
            return err_set(err, ERR_BAD_INPUT, "has an object whose name holds a comma or a semicolon (%s)", box->label);
        if (box->xmin >= f->width || box->ymin >= f->height || box->xmax <= 0 || box->ymax <= 0)
            return err_set(err, ERR_BAD_INPUT, "has a box outside of the image (%s: %g,%g to %g,%g in %d x %d pixels)", box->label,
                           box->xmin, box->ymin, box->xmax, box->ymax, f->width, f->height);
        if (d->labels_given && names_find(d->labels, box->label, strlen(box->label)) < 0)
            return err_set(err, ERR_BAD_INPUT, "has an object that the labels do not name (%s)", box->label);
    }
    return 0;
}

/* Whether the file is a whole image, and its size; leaves its bytes in d->file. */
static int look_at_image(struct detection *d, struct image_file *f, struct err *err)
{
    const uint8_t *data;
    struct image_info info;

    text_clear(&d->file);
    if (file_read(f->path, IMAGE_FILE_MAX, &d->file, err) < 0)
        return -1;
    data = (const uint8_t *)d->file.data;
    if (image_info(data, d->file.len, &info, err) < 0 || image_whole(data, d->file.len, err) < 0)
        return -1;
    f->width = info.width;
    f->height = info.height;
    return 0;
}

static int read_image(struct detection *d, const struct voc_item *item, struct mem *mem, struct image_file *ret, struct err *err)
{
    const struct voc_tree *tree = &d->sources.trees[item->tree];
    CLEANUP(text_done) struct text xml = {0};

    ret->stem = item->stem;
    ret->path = find_file(d, mem, mem_printf(mem, "%s/%s.jpg", tree->images, item->stem), err);
    if (!ret->path || look_at_image(d, ret, err) < 0)
        return -1;
    ret->annotation = find_file(d, mem, mem_printf(mem, "%s/%s.xml", tree->annotations, item->stem), err);
    if (!ret->annotation || file_read(ret->annotation, VOC_FILE_MAX, &xml, err) < 0)
        return -1;
    if (voc_parse(xml.data, xml.len, mem, &ret->voc, err) < 0)
        return err_wrap(err, "has an annotation that cannot be used, as it");
    return check_boxes(d, ret, err);
}

/* A side of a box within the image. */
static int cut(struct detection *d, double at, int side)
{
    if (at < 0 || at > side)
        d->n_cut++;
    return at < 0 ? 0 : at > side ? side : (int)lround(at);
}

static void add_index_line(struct detection *d, enum split split, const struct image_file *f, struct text *line)
{
    const struct voc *v = &f->voc;

    text_addf(line, "%s\t%s\t" VOC_IMAGES "/%s.jpg\t%d\t%d\t%zu\t", split_names[split], f->stem, f->stem, f->width, f->height, v->n);
    for (size_t i = 0; i < v->n; i++) {
        const struct voc_box *box = &v->boxes[i];

        text_addf(line, "%s%s,%d,%d,%d,%d", i ? ";" : "", box->label, cut(d, box->xmin, f->width), cut(d, box->ymin, f->height),
                  cut(d, box->xmax, f->width), cut(d, box->ymax, f->height));
    }
    text_add_char(line, '\n');
}

static int take_image(struct detection *d, enum split split, size_t number, const struct image_file *f, struct mem *mem,
                      struct err *err)
{
    CLEANUP(text_done) struct text line = {0};

    if (d->b->orders->copy &&
        (file_copy(f->path, build_target(d->b, mem_printf(mem, VOC_IMAGES "/%s.jpg", f->stem)), err) < 0 ||
         file_copy(f->annotation, build_target(d->b, mem_printf(mem, VOC_ANNOTATIONS "/%s.xml", f->stem)), err) < 0))
        return -1;
    add_index_line(d, split, f, &line);
    if (fwrite(line.data, 1, line.len, d->index) != line.len)
        return err_errno(err, ERR_INTERNAL, OBJECTS_INDEX " cannot be written");
    text_addf(&d->lists[split], "%s\n", f->stem);
    for (size_t i = 0; i < f->voc.n; i++)
        ++*count_of(d, f->voc.boxes[i].label, split);
    d->records[split]++;
    d->bytes[split] += (int64_t)d->file.len;
    image_sizes_add(d->sizes, f->width, f->height);
    return contents_add(d->contents, split, (int64_t)number, content_fingerprint((const uint8_t *)d->file.data, d->file.len), err);
}

static int take_part(struct detection *d, enum split split, struct err *err)
{
    const struct voc_part *p = &d->sources.parts[split];

    for (size_t i = 0; i < p->n; i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct image_file f = {0};
        struct err broken = {0};
        int result;

        d->n_read++;
        if (read_image(d, &p->items[i], mem, &f, &broken) < 0)
            result = broken_add(d->b, mem_printf(mem, "%s/%s", split_names[split], p->items[i].stem), broken.text, err);
        else
            result = take_image(d, split, i, &f, mem, err);
        if (result < 0)
            return -1;
        progress_add(&d->b->progress, split_names[split], 1);
    }
    return 0;
}

/* --- the tree --- */

static int make_folders(struct detection *d, struct err *err)
{
    const struct voc_sources *s = &d->sources;
    const char *images = build_target(d->b, VOC_IMAGES), *annotations = build_target(d->b, VOC_ANNOTATIONS);

    if (file_mkdirs(build_target(d->b, VOC_LISTS), 0755, err) < 0)
        return -1;
    if (d->b->orders->copy)
        return file_mkdirs(images, 0755, err) < 0 || file_mkdirs(annotations, 0755, err) < 0 ? -1 : 0;
    if (s->n_trees > 1)
        return err_field(err, "copy", "true, or parts of one folder of Pascal VOC",
                         "parts of different folders of Pascal VOC can only be copied together");
    if (symlink(s->trees[0].images, images) < 0 || symlink(s->trees[0].annotations, annotations) < 0)
        return err_errno(err, ERR_INTERNAL, "a link to %s cannot be made", s->trees[0].images);
    return 0;
}

/* Copies of one name would replace each other. */
static int check_names(const struct detection *d, struct err *err)
{
    CLEANUP(names_freep) struct names *seen = names_new();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct voc_sources *s = &d->sources;
    size_t cap = s->parts[0].n + s->parts[1].n + s->parts[2].n, n = 0;
    int *trees = mem_alloc(mem, (cap + 1) * sizeof *trees);

    for (int i = 0; s->n_trees > 1 && i < N_SPLITS; i++) {
        for (size_t k = 0; k < s->parts[i].n; k++) {
            const struct voc_item *item = &s->parts[i].items[k];
            size_t number = names_add(seen, item->stem, strlen(item->stem));

            if (number == n)
                trees[n++] = item->tree;
            else if (trees[number] != item->tree)
                return err_set(err, ERR_BAD_INPUT, "%s and %s have different images of the name %s", s->trees[trees[number]].images,
                               s->trees[item->tree].images, item->stem);
        }
    }
    return 0;
}

static int write_text(struct detection *d, const char *name, const struct text *t, struct err *err)
{
    return file_write(build_target(d->b, name), t->len ? t->data : "", t->len, 0644, err);
}

/* At the top and beside the lists: programs look for them at both. */
static int write_labels(struct detection *d, struct err *err)
{
    struct report *r = &d->b->report;

    if (label_names_write(d->b, d->labels, d->labels_given, err) < 0)
        return -1;
    for (size_t i = 0; i < r->n_labels; i++)
        if (!*count_of(d, r->labels[i], SPLIT_TRAIN))
            report_warn(r, "no training image shows an object of the class %s", r->labels[i]);
    return file_copy(build_target(d->b, "labels.txt"), build_target(d->b, VOC_LISTS "/labels.txt"), err);
}

static int end_part(struct detection *d, enum split split, struct err *err)
{
    const char *name = mem_printf(d->b->mem, VOC_LISTS "/%s.txt", split_names[split]);
    struct report_split *s;

    if (!d->sources.parts[split].n)
        return 0;
    if (write_text(d, name, &d->lists[split], err) < 0)
        return -1;
    s = report_split(&d->b->report, split, name);
    s->records = d->records[split];
    s->bytes = d->bytes[split];
    for (size_t i = 0; i < d->b->report.n_labels; i++)
        s->per_label[i] = *count_of(d, d->b->report.labels[i], split);
    return 0;
}

static const char *name_of(void *arg, enum split split, int64_t number, struct mem *mem)
{
    const struct detection *d = arg;

    return mem_printf(mem, "%s/%s", split_names[split], d->sources.parts[split].items[number].stem);
}

/* --- all of it --- */

static int open_index(struct detection *d, struct err *err)
{
    const char *path = build_target(d->b, OBJECTS_INDEX);

    d->index = fopen(path, "wxe");
    return d->index ? 0 : err_errno(err, ERR_INTERNAL, "%s cannot be written", path);
}

static int close_index(struct detection *d, struct err *err)
{
    FILE *index = TAKE(d->index);
    bool ok = fflush(index) == 0 && fdatasync(fileno(index)) == 0;

    if (fclose(index) != 0 || !ok)
        return err_errno(err, ERR_INTERNAL, OBJECTS_INDEX " cannot be written");
    return 0;
}

static int take_parts(struct detection *d, struct err *err)
{
    struct build *b = d->b;
    int64_t n = 0;

    if (voc_sources_find(b, &d->sources, err) < 0 || label_names_read(b, d->labels, &d->labels_given, err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++)
        n += (int64_t)d->sources.parts[i].n;
    if (make_folders(d, err) < 0 || check_names(d, err) < 0 || open_index(d, err) < 0)
        return -1;
    progress_start(&b->progress, "images", n);
    for (int i = 0; i < N_SPLITS; i++)
        if (take_part(d, i, err) < 0)
            return -1;
    b->report.images = d->n_read;
    if (contents_report(d->contents, &b->report, name_of, d, err) < 0)
        return -1;
    image_sizes_report(d->sizes, &b->report);

    if (close_index(d, err) < 0 || broken_check(b, d->n_read, "images", err) < 0)
        return -1;
    if (d->records[SPLIT_TRAIN] == 0)
        return err_field(err, "train", "annotated images", "no images are left for training");
    if (d->n_cut)
        report_warn(&b->report, "%lld sides of boxes lie outside of their image and were cut in " OBJECTS_INDEX, (long long)d->n_cut);
    if (write_labels(d, err) < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++)
        if (end_part(d, i, err) < 0)
            return -1;
    progress_end(&b->progress);
    return 0;
}

static int build_detection(struct build *b, struct err *err)
{
    CLEANUP(names_freep) struct names *labels = names_new();
    CLEANUP(freep) struct image_sizes *sizes = xcalloc(1, sizeof *sizes);
    CLEANUP(contents_freep) struct contents *contents = contents_new(b->orders->target, CONTENTS_KEPT);
    struct detection d = { .b = b, .labels = labels, .contents = contents, .sizes = sizes };
    int result = take_parts(&d, err);

    if (d.index)
        fclose(d.index);
    for (int i = 0; i < N_SPLITS; i++)
        text_done(&d.lists[i]);
    text_done(&d.file);
    free(d.counts);
    voc_sources_done(&d.sources);
    return result;
}

static const char *const detection_backends[] = { "ObjectDetection", NULL };

const struct kind detection_kind = { .name = "IMAGEFOROBJECTDETECTION", .backends = detection_backends, .build = build_detection,
                                      .each = look_objects };
