// SPDX-License-Identifier: Apache-2.0
/* Any file read as TFRecords ends, or is refused naming the record; both ways of computing the checksum agree. */
#include "datasets/formats/tfrecord.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "datasets/formats/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0 at the end of the file, -1 when it is refused; counts records. */
static int read_all(const char *path, int64_t *ret_n, struct err *err)
{
    struct tfrecord_reader *r = tfrecord_open(path, err);
    const uint8_t *record;
    int more = 1;
    size_t len;

    for (*ret_n = -1; more == 1; ++*ret_n)
        more = tfrecord_next(r, &record, &len, err);
    tfrecord_reader_free(r);
    return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(fd_closep) int fd = memfd_create("records", MFD_CLOEXEC);
    CLEANUP(freep) uint8_t *framed = calloc(1, TFRECORD_BEFORE + size + TFRECORD_AFTER);
    struct err err = {0};
    char path[32];
    int64_t n;

    if (crc32c(data, size) != crc32c_by_table(data, size))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write(fd, data, size) != (ssize_t)size)
        return 0;
    if (read_all(path, &n, &err) < 0 && (err.kind != ERR_BAD_INPUT || !err.text[0]))
        abort();

    for (size_t i = 0; i < size; i++)
        framed[TFRECORD_BEFORE + i] = data[i];
    tfrecord_frame(framed, size);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, framed, TFRECORD_BEFORE + size + TFRECORD_AFTER, 0) < 0)
        return 0;
    if (read_all(path, &n, &err) != 0 || n != 1)
        abort();
    return 0;
}
