// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an annotation: refused with a reason, or boxes that can be drawn and names that fit on a line. */

#include "datasets/formats/voc.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct voc v;

    if (voc_parse((const char *)data, size, mem, &v, &err) < 0) {
        assert(err.kind == ERR_BAD_INPUT && err.text[0]);
        return 0;
    }
    assert(v.width >= 0 && v.height >= 0);
    for (size_t i = 0; i < v.n; i++) {
        const struct voc_box *b = &v.boxes[i];
        size_t len = strlen(b->label);

        assert(len > 0 && len <= VOC_NAME_MAX && text_is_utf8(b->label, len) && !strpbrk(b->label, "\t\n"));
        assert(b->xmin < b->xmax && b->ymin < b->ymax && isfinite(b->xmax - b->xmin) && isfinite(b->ymax - b->ymin));
    }
    return 0;
}
