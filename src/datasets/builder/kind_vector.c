// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_vector.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/broken.h"
#include "datasets/builder/build.h"
#include "datasets/builder/content.h"
#include "datasets/builder/image_stats.h"
#include "datasets/builder/look.h"
#include "datasets/builder/ordered.h"
#include "datasets/builder/vector_list.h"
#include "datasets/images/encode.h"
#include "datasets/images/transform.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LARGE_PIXELS = 8 << 20 };    /* images above are decoded one at a time, whatever the number of threads */

static pthread_mutex_t large = PTHREAD_MUTEX_INITIALIZER;

struct vectors {
    struct build *b;
    struct vector_list list;
    struct transform transform;
    bool as_they_are;               /* copied byte by byte */
    struct contents *contents;
    struct image_sizes *sizes;
    struct image_stats stats;       /* of the training images */
    int width, height;              /* of what is written; 0: nothing yet, -1: not all the same */
    enum split split;               /* that is written */
    size_t *order;                  /* [n] its items */
    size_t n;
    struct text lines;              /* <split>.txt */
    int64_t bytes, records;
};

/* What one thread keeps. */
struct worker {
    struct workbench *bench;
    struct text file, encoded;
    struct image_stats stats;
};

/* What became of one image. */
struct done_image {
    bool broken, unwritten;         /* unwritten: the target takes no more */
    struct err err;
    struct fingerprint fingerprint;
    int width, height, out_width, out_height;
    int64_t bytes;
    char name[64];                  /* "train/00000012.jpg" */
};

/* --- on the threads --- */

static void *start(void *arg)
{
    struct worker *w = xcalloc(1, sizeof *w);

    (void)arg;
    w->bench = workbench_new();
    return w;
}

static int write_file(const char *path, const struct text *data, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || file_write_all(fd, data->data, data->len) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be written", path);
    return 0;
}

/* Decodes, transforms and encodes w->file into w->encoded. */
static int remake(struct vectors *v, struct worker *w, struct done_image *out, const char **ret_suffix)
{
    struct image_info info = {0};
    struct image *image = transform(w->bench, &v->transform, (const uint8_t *)w->file.data, w->file.len, &info, &out->err);
    bool lossy;

    if (!image)
        return -1;
    if (v->split == SPLIT_TRAIN)
        image_stats_add(&w->stats, image);
    out->out_width = image->width;
    out->out_height = image->height;
    lossy = strcmp(info.format, "jpeg") == 0 || strcmp(info.format, "webp") == 0;
    *ret_suffix = lossy ? "jpg" : "png";
    text_clear(&w->encoded);
    return lossy ? image_to_jpeg(image, JPEG_QUALITY, &w->encoded, &out->err) : image_to_png(image, &w->encoded, &out->err);
}

static int remake_alone(struct vectors *v, struct worker *w, struct done_image *out, const char **ret_suffix)
{
    int result;

    pthread_mutex_lock(&large);
    result = remake(v, w, out, ret_suffix);
    pthread_mutex_unlock(&large);
    return result;
}

static int make(struct vectors *v, struct worker *w, const struct vector_item *item, struct done_image *out, const char **ret_suffix)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = vector_list_file(v->b, &v->list, item, mem, &out->err);
    const uint8_t *data;
    struct image_info info;

    text_clear(&w->file);
    if (!path || file_read(path, IMAGE_FILE_MAX, &w->file, &out->err) < 0)
        return -1;
    data = (const uint8_t *)w->file.data;
    out->fingerprint = content_fingerprint(data, w->file.len);
    if (image_info(data, w->file.len, &info, &out->err) < 0)
        return -1;
    out->width = out->out_width = info.width;
    out->height = out->out_height = info.height;
    if (!v->as_they_are)
        return (int64_t)info.width * info.height > LARGE_PIXELS ? remake_alone(v, w, out, ret_suffix) : remake(v, w, out, ret_suffix);
    *ret_suffix = strcmp(info.format, "jpeg") == 0 ? "jpg" : info.format;
    return image_whole(data, w->file.len, &out->err);
}

static size_t work(void *arg, void *kept, int64_t i, void *slot)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct vectors *v = arg;
    struct worker *w = kept;
    struct done_image *out = slot;
    const struct text *data = v->as_they_are ? &w->file : &w->encoded;
    const char *suffix = "";

    *out = (struct done_image){0};
    out->broken = make(v, w, &v->list.items[v->order[i]], out, &suffix) < 0;
    if (out->broken)
        return sizeof *out;
    snprintf(out->name, sizeof out->name, "%s/%08lld.%s", split_names[v->split], (long long)i, suffix);
    out->unwritten = write_file(mem_printf(mem, "%s/%s", v->b->orders->target, out->name), data, &out->err) < 0;
    out->bytes = (int64_t)data->len;
    return sizeof *out;
}

static void end(void *arg, void *kept)
{
    struct vectors *v = arg;
    struct worker *w = kept;

    image_stats_merge(&v->stats, &w->stats);
    image_stats_done(&w->stats);
    workbench_free(w->bench);
    text_done(&w->file);
    text_done(&w->encoded);
    free(w);
}

static void slot_done(void *slot) { (void)slot; }

/* --- on ours --- */

static int take(void *arg, int64_t i, void *slot, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct vectors *v = arg;
    const struct vector_item *item = &v->list.items[v->order[i]];
    const struct done_image *done = slot;

    progress_add(&v->b->progress, split_names[v->split], 1);
    if (done->unwritten) {
        *err = done->err;
        return -1;
    }
    if (done->broken)
        return broken_add(v->b, mem_printf(mem, "%s/%s", split_names[v->split], item->path), done->err.text, err);
    if (contents_add(v->contents, v->split, (int64_t)v->order[i], done->fingerprint, err) < 0)
        return -1;
    image_sizes_add(v->sizes, done->width, done->height);
    if (v->width == 0)
        v->width = done->out_width, v->height = done->out_height;
    else if (v->width != done->out_width || v->height != done->out_height)
        v->width = v->height = -1;
    text_addf(&v->lines, "%s %s\n", done->name, item->values);
    v->bytes += done->bytes;
    v->records++;
    return 0;
}

static int build_part(struct vectors *v, struct err *err)
{
    const struct orders *o = v->b->orders;
    const char *name = split_names[v->split];
    struct ordered all = { .n_threads = o->threads == INT_UNSET ? ordered_processors() : (int)o->threads,
                           .slot_size = sizeof(struct done_image), .arg = v, .start = start, .work = work, .take = take,
                           .end = end, .slot_done = slot_done };
    struct report_split *s;

    v->n = 0;
    for (size_t i = 0; i < v->list.n; i++)
        if (v->list.items[i].split == v->split)
            v->order[v->n++] = i;
    if (v->n == 0)
        return 0;
    all.n = (int64_t)v->n;
    v->bytes = v->records = 0;
    text_clear(&v->lines);
    if (file_mkdirs(build_target(v->b, name), 0755, err) < 0 || ordered_run(&all, err) < 0)
        return -1;

    if (file_write(build_target(v->b, mem_printf(v->b->mem, "%s.txt", name)), v->lines.data ? v->lines.data : "", v->lines.len,
                   0644, err) < 0)
        return -1;
    s = report_split(&v->b->report, v->split, mem_printf(v->b->mem, "%s.txt", name));
    s->records = v->records;
    s->bytes = v->bytes;
    return 0;
}

static const char *name_of(void *arg, enum split split, int64_t number, struct mem *mem)
{
    const struct vectors *v = arg;

    return mem_printf(mem, "%s/%s", split_names[split], v->list.items[number].path);
}

static int tell(struct vectors *v, struct err *err)
{
    struct report *r = &v->b->report;

    if (contents_report(v->contents, r, name_of, v, err) < 0)
        return -1;
    image_sizes_report(v->sizes, r);
    if (!v->as_they_are)
        image_stats_report(&v->stats, r);
    r->width = v->width > 0 ? v->width : INT_UNSET;
    r->height = v->height > 0 ? v->height : INT_UNSET;
    r->channels = v->transform.channels;
    r->images = v->b->progress.done;
    return 0;
}

static void make_transform(struct vectors *v)
{
    const struct image_orders *o = &v->b->orders->image;
    struct transform *t = &v->transform;

    t->channels = strcmp(o->type, "grayscale") == 0 ? 1 : 3;
    t->width = o->width == INT_UNSET ? 0 : (int)o->width;
    t->height = o->height == INT_UNSET ? 0 : (int)o->height;
    t->fit = (enum fit)fit_of(o->resize);
    v->as_they_are = t->channels == 3 && !t->width && !t->height;
}

static int build_parts(struct vectors *v, struct err *err)
{
    struct build *b = v->b;

    if (vector_list_make(b, &v->list, err) < 0)
        return -1;
    make_transform(v);
    v->order = xcalloc(v->list.n, sizeof *v->order);
    progress_start(&b->progress, "images", (int64_t)v->list.n);
    for (int i = 0; i < N_SPLITS; i++) {
        v->split = i;
        if (build_part(v, err) < 0)
            return -1;
    }
    if (broken_check(b, v->list.n_lines, "lines", err) < 0)
        return -1;
    if (b->report.splits[SPLIT_TRAIN].records == 0)
        return err_field(err, "maxBroken", "", "none of the images for train can be read");
    progress_end(&b->progress);
    return tell(v, err);
}

static int build_vectors(struct build *b, struct err *err)
{
    CLEANUP(freep) struct image_sizes *sizes = xcalloc(1, sizeof *sizes);
    CLEANUP(contents_freep) struct contents *contents = contents_new(b->orders->target, CONTENTS_KEPT);
    struct vectors v = { .b = b, .contents = contents, .sizes = sizes };
    int result = build_parts(&v, err);

    vector_list_done(&v.list);
    image_stats_done(&v.stats);
    text_done(&v.lines);
    free(v.order);
    return result;
}

/* --- looking --- */

static void closep(FILE **file)
{
    if (*file)
        fclose(*file);
}

static int look_vectors(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err)
{
    CLEANUP(closep) FILE *file = fopen(mem_printf(l->mem, "%s/%s.txt", l->dir, l->split), "re");
    CLEANUP(freep) char *line = NULL;
    int64_t index = 0;
    size_t cap = 0;
    int result = 0;

    if (!file)
        return err_errno(err, ERR_BAD_INPUT, "%s/%s.txt cannot be read", l->dir, l->split);
    for (; result == 0 && getline(&line, &cap, file) > 0; index++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct sample s = { .index = index };

        if (index < from)
            continue;
        s.path = mem_strndup(mem, line, strcspn(line, " \n"));
        s.file = mem_printf(mem, "%s/%s", l->dir, s.path);
        if (!path_inside(s.path))
            return err_set(err, ERR_BAD_INPUT, "%s.txt names %s, which is no file of the dataset", l->split, s.path);
        result = fn(arg, &s, err);
    }
    return result < 0 ? -1 : 0;
}

static const char *const vector_backends[] = { "ImageVector", NULL };

const struct kind vector_kind = { .name = "IMGTOVECTOR", .backends = vector_backends, .build = build_vectors, .each = look_vectors };
