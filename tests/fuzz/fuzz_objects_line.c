// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a line of objects.index: refused, or boxes with names and a path that stays below the dataset. */

#include "datasets/builder/objects_index.h"

#include <assert.h>

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct objects_line l;
    struct err err = {0};

    if (objects_line_read((const char *)data, size, mem, &l, &err) < 0) {
        assert(err.kind == ERR_BAD_INPUT);
        return 0;
    }
    assert(path_inside(l.path) && l.width > 0 && l.height > 0);
    for (size_t i = 0; i < l.n_boxes; i++)
        assert(l.boxes[i].label[0] && l.boxes[i].left >= 0 && l.boxes[i].bottom >= 0);
    return 0;
}
