// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a plug-in's result: refused with a sentence, or paths that stay below the target and counts from 0. */

#include "datasets/builder/plugin_result.h"

#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct plugin_result r;
    struct err err = {0};

    if (plugin_result_read((const char *)data, size, mem, &r, &err) < 0) {
        assert(err.kind == ERR_BAD_INPUT && err.text[0]);
        return 0;
    }
    for (int i = 0; i < N_SPLITS; i++) {
        const struct plugin_label *labels = r.splits[i].labels.items;

        assert(!r.splits[i].path || path_inside(r.splits[i].path));
        assert(r.splits[i].records >= 0 || r.splits[i].records == INT_UNSET);
        for (size_t k = 0; k < r.splits[i].labels.n; k++)
            assert(labels[k].label[0] && labels[k].count >= 0);
    }
    return 0;
}
