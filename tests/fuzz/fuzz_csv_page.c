// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a CSV file, with an index of any bytes beside it: pages hold as many rows as were asked for at most, and
 * their JSON parses. The first byte says how much of the input is the index, the second which page is read. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "datasets/csv_page.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    assert(write(fd, data, len) == (ssize_t)len);
    return fd;
}

/* The index with the true size and time, so that what follows them is looked at. */
static int index_of(const uint8_t *data, size_t len, int csv)
{
    uint8_t bytes[8 + 255];
    struct stat st;
    uint64_t mtime;

    assert(fstat(csv, &st) == 0);
    mtime = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    memcpy(bytes, "TYCSVIX1", 8);
    memcpy(bytes + 8, data, len);
    if (len >= 32) {
        memcpy(bytes + 24, &st.st_size, 8);
        memcpy(bytes + 32, &mtime, 8);
    }
    return file_of(bytes, 8 + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(fd_closep) int csv = -1;
    CLEANUP(fd_closep) int index = -1;
    struct csv_page page;
    struct err err = {0};
    json_t *json;
    size_t n;

    if (size < 2)
        return 0;
    n = data[0] < size - 2 ? data[0] : size - 2;
    csv = file_of(data + 2 + n, size - 2 - n);
    index = index_of(data + 2, n, csv);
    if (csv_page_read(csv, index, data[1] & 15, data[1] >> 4, mem, &page, &err) < 0) {
        assert(err.kind == ERR_BAD_INPUT && err.text[0]);
        return 0;
    }
    assert(page.index.n == page.data.n && page.index.n <= data[1] >> 4);
    json = json_loads(page.json, JSON_ALLOW_NUL, NULL);
    assert(json_array_size(json_object_get(json, "data")) == page.data.n);
    json_decref(json);
    return 0;
}
