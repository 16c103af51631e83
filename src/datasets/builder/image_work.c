// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/image_work.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/formats/datum.h"
#include "datasets/formats/example.h"
#include "datasets/formats/tfrecord.h"
#include "datasets/images/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LARGE_PIXELS = 8 << 20,             /* images above are decoded one at a time, whatever the number of threads */
    KEEP_BYTES = 8 << 20,               /* a record's memory above is given back */
};

static pthread_mutex_t large = PTHREAD_MUTEX_INITIALIZER;

struct image_worker {
    const struct image_plan *plan;
    struct workbench *bench;
    uint8_t *file;                      /* the bytes of the file */
    size_t file_cap;
    struct text encoded;
    struct image_stats stats;
};

/* What a record is made of. */
struct content_of {
    const uint8_t *data;
    size_t len;
    const struct image *image;          /* pixels instead */
    int width, height;
    const char *format;                 /* of encoded data */
};

struct image_worker *image_worker_new(const struct image_plan *plan)
{
    struct image_worker *w = xcalloc(1, sizeof *w);

    w->plan = plan;
    w->bench = workbench_new();
    return w;
}

void image_worker_free(struct image_worker *w)
{
    workbench_free(w->bench);
    free(w->file);
    text_done(&w->encoded);
    image_stats_done(&w->stats);
    free(w);
}

const struct image_stats *image_worker_stats(const struct image_worker *w) { return &w->stats; }

void image_record_done(struct image_record *r) { free(r->framed); }

static int read_file(struct image_worker *w, const char *path, size_t *ret_len, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t len = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, ERR_BAD_INPUT, "cannot be read");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_BAD_INPUT, "is not a file");
    if (st.st_size > IMAGE_FILE_MAX)
        return err_set(err, ERR_BAD_INPUT, "is a file of more than %d MiB", IMAGE_FILE_MAX >> 20);
    if ((size_t)st.st_size > w->file_cap) {
        free(w->file);
        w->file_cap = (size_t)st.st_size + (size_t)st.st_size / 4;
        w->file = xrealloc(NULL, w->file_cap);
    }
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, w->file + len, (size_t)st.st_size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_BAD_INPUT, "cannot be read");
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

/* --- packing --- */

/* Planes in the order blue, green, red. */
static void to_planes(const struct image *image, uint8_t *to)
{
    size_t n = (size_t)image->width * (size_t)image->height;
    const uint8_t *from = image->pixels;

    if (image->channels == 1) {
        memcpy(to, from, n);
        return;
    }
    for (size_t i = 0; i < n; i++, from += 3) {
        to[i] = from[2];
        to[n + i] = from[1];
        to[2 * n + i] = from[0];
    }
}

static uint8_t *make_room(struct image_record *r, size_t len)
{
    size_t size = TFRECORD_BEFORE + len + TFRECORD_AFTER;

    if (size > r->cap || (r->cap > KEEP_BYTES && size <= KEEP_BYTES)) {
        free(r->framed);
        r->cap = size + size / 8;
        r->framed = xrealloc(NULL, r->cap);
    }
    r->len = len;
    return r->framed + TFRECORD_BEFORE;
}

static void pack_datum(const struct image_plan *plan, const struct content_of *c, int label, struct image_record *r)
{
    struct datum d = { .channels = plan->transform.channels, .height = c->height, .width = c->width, .data = c->data,
                       .n_data = c->len, .label = label, .encoded = plan->encoded };
    uint8_t *data = datum_pack(&d, make_room(r, datum_size(&d)));

    if (c->image)
        to_planes(c->image, data);
}

static void pack_example(const struct image_plan *plan, const struct content_of *c, int label, struct image_record *r)
{
    struct example e = { .height = c->height, .width = c->width, .depth = plan->transform.channels, .label = label,
                         .format = plan->encoded ? c->format : NULL, .data = c->data, .n_data = c->len };
    uint8_t *data = example_pack(&e, make_room(r, example_size(&e)));

    if (c->image)
        memcpy(data, c->image->pixels, c->len);
    tfrecord_frame(r->framed, r->len);
}

static void pack(const struct image_plan *plan, const struct content_of *c, int label, struct image_record *r)
{
    r->out_width = c->width;
    r->out_height = c->height;
    if (plan->datum)
        pack_datum(plan, c, label, r);
    else
        pack_example(plan, c, label, r);
}

/* --- one file --- */

/* Bytes of a file for the image that was made; the ones that were read when it was not changed. */
static int encode(struct image_worker *w, const struct image *image, const struct image_info *info, size_t len,
                  struct content_of *ret, struct err *err)
{
    bool lossy = strcmp(info->format, "jpeg") == 0 || strcmp(info->format, "webp") == 0;
    int result;

    if (image->channels == 3 && image->width == info->width && image->height == info->height) {
        ret->data = w->file;
        ret->len = len;
        ret->format = info->format;
        return 0;
    }
    text_clear(&w->encoded);
    result = lossy ? image_to_jpeg(image, JPEG_QUALITY, &w->encoded, err) : image_to_png(image, &w->encoded, err);
    ret->data = (const uint8_t *)w->encoded.data;
    ret->len = w->encoded.len;
    ret->format = lossy ? "jpeg" : "png";
    return result;
}

static int work_decoded(struct image_worker *w, const struct item *item, bool count, size_t len, struct image_record *r,
                        struct err *err)
{
    struct image_info info = {0};
    const struct image *image = transform(w->bench, &w->plan->transform, w->file, len, &info, err);
    struct content_of c = { .image = image };

    if (!image)
        return -1;
    if (count)
        image_stats_add(&w->stats, image);
    c.width = image->width;
    c.height = image->height;
    c.len = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    if (w->plan->encoded) {
        c.image = NULL;
        if (encode(w, image, &info, len, &c, err) < 0)
            return -1;
    }
    pack(w->plan, &c, item->label, r);
    return 0;
}

static int work_bytes(struct image_worker *w, const struct item *item, bool count, size_t len, struct image_record *r,
                      struct err *err)
{
    struct image_info info;
    bool is_large;
    int result;

    if (image_info(w->file, len, &info, err) < 0)
        return -1;
    r->width = info.width;
    r->height = info.height;
    if (w->plan->as_they_are) {
        struct content_of c = { .data = w->file, .len = len, .width = info.width, .height = info.height, .format = info.format };

        if (image_whole(w->file, len, err) < 0)
            return -1;
        pack(w->plan, &c, item->label, r);
        return 0;
    }
    is_large = (int64_t)info.width * info.height > LARGE_PIXELS;
    if (is_large)
        pthread_mutex_lock(&large);
    result = work_decoded(w, item, count, len, r, err);
    if (is_large)
        pthread_mutex_unlock(&large);
    return result;
}

static int work_file(struct image_worker *w, const struct item *item, bool count, struct image_record *r, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = listing_path(w->plan->build, w->plan->listing, item, mem, err);
    size_t len = 0;

    if (!path || read_file(w, path, &len, err) < 0)
        return -1;
    r->fingerprint = content_fingerprint(w->file, len);
    return work_bytes(w, item, count, len, r, err);
}

void image_work(struct image_worker *w, const struct item *item, bool count, struct image_record *r)
{
    struct err err = {0};

    r->broken = work_file(w, item, count, r, &err) < 0;
    if (r->broken)
        snprintf(r->reason, sizeof r->reason, "%.199s", err.text);
}
