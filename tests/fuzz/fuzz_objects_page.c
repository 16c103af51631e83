// SPDX-License-Identifier: Apache-2.0
/* Any bytes as objects.index: every picture has a name, a path and labels. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "datasets/objects_page.h"

#include <assert.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(fd_closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    const struct picture *p;
    struct err err = {0};
    struct list page;

    assert(write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    assert(objects_page_read(fd, "/set", "train", 1, 5, mem, &page, &err) == 0 && page.n <= 5);
    p = page.items;
    for (size_t i = 0; i < page.n; i++)
        assert(p[i].name && p[i].path[0] == '/' && p[i].labels);
    return 0;
}
