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

#include <assert.h>
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
    FILE_AT = 256,                      /* where a file is read to that becomes a record as it is: a record's head fits before */
    FILE_AFTER = 32,                    /* bytes that a record may have after its data */
};

static pthread_mutex_t large = PTHREAD_MUTEX_INITIALIZER;

struct image_worker {
    const struct image_plan *plan;
    struct workbench *bench;
    uint8_t *file;                      /* room for the bytes of a file */
    size_t file_cap;
    struct text encoded;
    struct image_stats stats;
};

/* What a record is made of. */
struct content_of {
    const uint8_t *data;                /* NULL: they are in the record already, at FILE_AT */
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

struct image_stats *image_worker_stats(struct image_worker *w) { return &w->stats; }

void image_record_done(struct image_record *r) { free(r->bytes); }

/* Room for n bytes, whose values are lost. */
static void make_room(uint8_t **bytes, size_t *cap, size_t n)
{
    if (n <= *cap && (*cap <= KEEP_BYTES || n > KEEP_BYTES))
        return;
    free(*bytes);
    *cap = n + n / 8;
    *bytes = xrealloc(NULL, *cap);
}

/* Opens a file and says how large it is. */
static int open_file(const char *path, size_t *ret_size, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, ERR_BAD_INPUT, "cannot be read");
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_BAD_INPUT, "is not a file");
    if (st.st_size > IMAGE_FILE_MAX)
        return err_set(err, ERR_BAD_INPUT, "is a file of more than %d MiB", IMAGE_FILE_MAX >> 20);
    *ret_size = (size_t)st.st_size;
    return TAKE_FD(fd);
}

/* Reads a file to where it is used: into the worker's own room, or that of the record. Returns its bytes. */
static const uint8_t *read_file(struct image_worker *w, const char *path, struct image_record *r, size_t *ret_len, struct err *err)
{
    size_t size = 0, len = 0;
    CLEANUP(fd_closep) int fd = open_file(path, &size, err);
    uint8_t *to;

    if (fd < 0)
        return NULL;
    if (w->plan->as_they_are)
        make_room(&r->bytes, &r->cap, FILE_AT + size + FILE_AFTER);
    else
        make_room(&w->file, &w->file_cap, size + 1);    /* also of an empty file there is an address */
    to = w->plan->as_they_are ? r->bytes + FILE_AT : w->file;
    while (len < size) {
        ssize_t n = read(fd, to + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, ERR_BAD_INPUT, "cannot be read");
            return NULL;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret_len = len;
    return to;
}

/* --- packing --- */

/* Where a message of `size` bytes is written, of which `before` stand before the data. */
static uint8_t *place(struct image_record *r, const struct content_of *c, size_t before, size_t size)
{
    uint8_t *message;

    if (c->data || c->image) {
        make_room(&r->bytes, &r->cap, TFRECORD_BEFORE + size + TFRECORD_AFTER);
        message = r->bytes + TFRECORD_BEFORE;
    } else {
        assert(TFRECORD_BEFORE + before <= FILE_AT && size - before - c->len + TFRECORD_AFTER <= FILE_AFTER);
        message = r->bytes + FILE_AT - before;
    }
    r->framed = message - TFRECORD_BEFORE;
    r->len = size;
    return message;
}

static void pack_datum(const struct image_plan *plan, const struct content_of *c, int label, struct image_record *r)
{
    struct datum d = { .channels = plan->transform.channels, .height = c->height, .width = c->width, .data = c->data,
                       .n_data = c->len, .label = label, .encoded = plan->encoded };
    uint8_t *data = datum_pack(&d, place(r, c, datum_size_before(&d), datum_size(&d)));

    if (c->image)
        image_to_planes(c->image, data);
}

static void pack_example(const struct image_plan *plan, const struct content_of *c, int label, struct image_record *r)
{
    struct example e = { .height = c->height, .width = c->width, .depth = plan->transform.channels, .label = label,
                         .format = plan->encoded ? c->format : NULL, .data = c->data, .n_data = c->len };
    uint8_t *message = place(r, c, example_size_before(&e), example_size(&e)), *data = example_pack(&e, message);

    if (c->image)
        memcpy(data, c->image->pixels, c->len);
    tfrecord_frame(message - TFRECORD_BEFORE, r->len);
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

static int work_decoded(struct image_worker *w, const struct item *item, bool count, const uint8_t *file, size_t len,
                        struct image_record *r, struct err *err)
{
    struct image_info info = {0};
    const struct image *image = transform(w->bench, &w->plan->transform, file, len, &info, err);
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

static int work_bytes(struct image_worker *w, const struct item *item, bool count, const uint8_t *file, size_t len,
                      struct image_record *r, struct err *err)
{
    struct image_info info;
    bool is_large;
    int result;

    if (image_info(file, len, &info, err) < 0)
        return -1;
    r->width = info.width;
    r->height = info.height;
    if (w->plan->as_they_are) {
        struct content_of c = { .len = len, .width = info.width, .height = info.height, .format = info.format };

        if (image_whole(file, len, err) < 0)
            return -1;
        pack(w->plan, &c, item->label, r);
        return 0;
    }
    is_large = (int64_t)info.width * info.height > LARGE_PIXELS;
    if (is_large)
        pthread_mutex_lock(&large);
    result = work_decoded(w, item, count, file, len, r, err);
    if (is_large)
        pthread_mutex_unlock(&large);
    return result;
}

static int work_file(struct image_worker *w, const struct item *item, bool count, struct image_record *r, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = listing_path(w->plan->build, w->plan->listing, item, mem, err);
    const uint8_t *file;
    size_t len = 0;

    if (!path)
        return -1;
    file = read_file(w, path, r, &len, err);
    if (!file)
        return -1;
    r->fingerprint = content_fingerprint(file, len);
    return work_bytes(w, item, count, file, len, r, err);
}

void image_work(struct image_worker *w, const struct item *item, bool count, struct image_record *r)
{
    struct err err = {0};

    r->broken = work_file(w, item, count, r, &err) < 0;
    if (r->broken)
        snprintf(r->reason, sizeof r->reason, "%.199s", err.text);
}
