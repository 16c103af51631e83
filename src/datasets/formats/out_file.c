// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/out_file.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GATHERED = 256 << 10,               /* bytes gathered before they are written */
    LARGE = 16 << 10,                   /* bytes above which copying them costs more than a call of the kernel */
    SEND = 8 << 20,                     /* bytes that are sent to the disk at a time */
    PARTS_MAX = 4,
};

static int fail(const struct out_file *f, struct err *err) { return err_errno(err, ERR_INTERNAL, "%s cannot be written", f->path); }

int out_file_create(struct out_file *f, const char *path, struct err *err)
{
    *f = (struct out_file){ .fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) };
    if (f->fd < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be created", path);
    f->path = xstrdup(path);
    f->gathered = xrealloc(NULL, GATHERED);
    return 0;
}

static int write_all(struct out_file *f, struct iovec *parts, int n, struct err *err)
{
    while (n > 0) {
        ssize_t written = writev(f->fd, parts, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(f, err);
        f->written += written;
        for (; n > 0 && (size_t)written >= parts->iov_len; parts++, n--)
            written -= (ssize_t)parts->iov_len;
        if (n > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    return 0;
}

/* The disk begins with what was written: else it would have nothing to do until the kernel holds gigabytes, or the file ends.
 * Whether it can is known when the file is closed. */
static void send_to_disk(struct out_file *f)
{
    if (f->written - f->sent < SEND)
        return;
    sync_file_range(f->fd, f->sent, f->written - f->sent, SYNC_FILE_RANGE_WRITE);
    f->sent = f->written;
}

static int flush(struct out_file *f, struct err *err)
{
    struct iovec gathered = { f->gathered, f->used };

    f->used = 0;
    return write_all(f, &gathered, 1, err);
}

static void gather(struct out_file *f, const struct iovec *parts, int n)
{
    for (int i = 0; i < n; i++) {
        memcpy(f->gathered + f->used, parts[i].iov_base, parts[i].iov_len);
        f->used += parts[i].iov_len;
    }
}

int out_file_append(struct out_file *f, const struct iovec *parts, int n, struct err *err)
{
    struct iovec all[1 + PARTS_MAX] = { { f->gathered, f->used } };
    size_t len = 0;

    assert(n <= PARTS_MAX);
    for (int i = 0; i < n; i++) {
        all[1 + i] = parts[i];
        len += parts[i].iov_len;
    }
    if (len <= LARGE && len <= GATHERED - f->used) {
        gather(f, parts, n);
        return 0;
    }
    f->used = 0;
    if (write_all(f, all, 1 + n, err) < 0)
        return -1;
    send_to_disk(f);
    return 0;
}

int out_file_replace(struct out_file *f, off_t at, const void *data, size_t len, struct err *err)
{
    if (flush(f, err) < 0)
        return -1;
    return pwrite(f->fd, data, len, at) == (ssize_t)len ? 0 : fail(f, err);
}

int out_file_close(struct out_file *f, struct err *err)
{
    int result = flush(f, err);

    if (result == 0 && fdatasync(f->fd) < 0)
        result = fail(f, err);
    out_file_abandon(f);
    return result;
}

void out_file_abandon(struct out_file *f)
{
    fd_closep(&f->fd);
    free(f->path);
    free(f->gathered);
    *f = (struct out_file){ .fd = -1 };
}
