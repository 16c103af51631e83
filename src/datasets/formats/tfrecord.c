// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/tfrecord.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "datasets/formats/crc32c.h"
#include "datasets/formats/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AHEAD = 1 << 20 };               /* bytes read at a time, at least */

struct tfrecord_writer {
    struct out_file file;
};

struct tfrecord_reader {
    int fd;
    char *path;
    int64_t size, at, n;                /* at: of the next record; n: its number */
    uint8_t *buffer;                    /* bytes of the file from `begin` on */
    int64_t begin;
    size_t filled, cap;
};

static void put_le(uint8_t *to, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_le(const uint8_t *from, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v |= (uint64_t)from[i] << 8 * i;
    return v;
}

void tfrecord_frame(uint8_t *framed, size_t len)
{
    put_le(framed, len, 8);
    put_le(framed + 8, crc32c_masked(framed, 8), 4);
    put_le(framed + TFRECORD_BEFORE + len, crc32c_masked(framed + TFRECORD_BEFORE, len), 4);
}

/* --- writing --- */

struct tfrecord_writer *tfrecord_create(const char *path, struct err *err)
{
    struct tfrecord_writer *w = xcalloc(1, sizeof *w);

    if (out_file_create(&w->file, path, err) < 0) {
        free(w);
        return NULL;
    }
    return w;
}

void tfrecord_abandon(struct tfrecord_writer *w)
{
    if (!w)
        return;
    out_file_abandon(&w->file);
    free(w);
}

int tfrecord_write(struct tfrecord_writer *w, const uint8_t *framed, size_t len, struct err *err)
{
    return out_file_append(&w->file, &(struct iovec){ (void *)framed, len }, 1, err);
}

int tfrecord_close(struct tfrecord_writer *w, struct err *err)
{
    int result = out_file_close(&w->file, err);

    tfrecord_abandon(w);
    return result;
}

/* --- reading --- */

struct tfrecord_reader *tfrecord_open(const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct tfrecord_reader *r;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        err_errno(err, ERR_BAD_INPUT, "%s cannot be read", path);
        return NULL;
    }
    r = xcalloc(1, sizeof *r);
    *r = (struct tfrecord_reader){ .fd = TAKE_FD(fd), .path = xstrdup(path), .size = st.st_size };
    return r;
}

void tfrecord_reader_free(struct tfrecord_reader *r)
{
    if (!r)
        return;
    close(r->fd);
    free(r->path);
    free(r->buffer);
    free(r);
}

/* The n bytes at `offset`, which lie within the file; reads ahead. NULL when the file has become shorter. */
static const uint8_t *bytes_at(struct tfrecord_reader *r, int64_t offset, size_t n, struct err *err)
{
    size_t want = n > AHEAD ? n : AHEAD;

    if (r->buffer && offset >= r->begin && offset + (int64_t)n <= r->begin + (int64_t)r->filled)
        return r->buffer + (offset - r->begin);
    if (want > r->cap) {
        free(r->buffer);
        r->buffer = xrealloc(NULL, want);
        r->cap = want;
    }
    r->begin = offset;
    r->filled = 0;
    while (r->filled < n) {
        ssize_t got = pread(r->fd, r->buffer + r->filled, want - r->filled, offset + (int64_t)r->filled);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            err_errno(err, ERR_BAD_INPUT, "%s cannot be read", r->path);
            return NULL;
        }
        r->filled += (size_t)got;
    }
    return r->buffer;
}

static int bad_record(const struct tfrecord_reader *r, const char *what, struct err *err)
{
    return err_set(err, ERR_BAD_INPUT, "%s: record %" PRId64 " %s", r->path, r->n, what);
}

/* 1 with the length of the next record, 0 at the end. */
static int next_length(struct tfrecord_reader *r, size_t *ret, struct err *err)
{
    const uint8_t *head;
    uint64_t len;

    if (r->at == r->size)
        return 0;
    if (r->size - r->at < TFRECORD_BEFORE + TFRECORD_AFTER)
        return bad_record(r, "is cut off", err);
    head = bytes_at(r, r->at, TFRECORD_BEFORE, err);
    if (!head)
        return -1;
    len = get_le(head, 8);
    if (crc32c_masked(head, 8) != get_le(head + 8, 4))
        return bad_record(r, r->n == 0 ? "has a wrong checksum: is it a TFRecord file without compression?"
                                       : "has a wrong checksum", err);
    if (len > TFRECORD_MAX)
        return bad_record(r, "is larger than 512 MiB", err);
    if ((int64_t)len > r->size - r->at - TFRECORD_BEFORE - TFRECORD_AFTER)
        return bad_record(r, "is cut off", err);
    *ret = (size_t)len;
    return 1;
}

static void advance(struct tfrecord_reader *r, size_t len)
{
    r->at += (int64_t)len + TFRECORD_BEFORE + TFRECORD_AFTER;
    r->n++;
}

int tfrecord_next(struct tfrecord_reader *r, const uint8_t **ret_data, size_t *ret_len, struct err *err)
{
    const uint8_t *data;
    size_t len = 0;
    int more = next_length(r, &len, err);

    if (more <= 0)
        return more;
    data = bytes_at(r, r->at + TFRECORD_BEFORE, len + TFRECORD_AFTER, err);
    if (!data)
        return -1;
    if (crc32c_masked(data, len) != get_le(data + len, 4))
        return bad_record(r, "has a wrong checksum", err);
    advance(r, len);
    *ret_data = data;
    *ret_len = len;
    return 1;
}

int tfrecord_skip(struct tfrecord_reader *r, struct err *err)
{
    size_t len = 0;
    int more = next_length(r, &len, err);

    if (more > 0)
        advance(r, len);
    return more;
}
