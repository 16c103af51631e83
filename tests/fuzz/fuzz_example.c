// SPDX-License-Identifier: Apache-2.0
/* A message that is read as an Example says the same when it is written and read again. */
#include "datasets/formats/example.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) uint8_t *message = NULL;
    struct example e, back;

    if (!example_read(data, size, &e))
        return 0;
    e.format = e.encoded ? "png" : NULL;
    if (!e.data)
        e.data = (const uint8_t *)"";
    message = xcalloc(example_size(&e) + 1, 1);
    example_pack(&e, message);
    if (!example_read(message, example_size(&e), &back) || back.height != e.height || back.width != e.width ||
        back.depth != e.depth || back.label != e.label || back.encoded != e.encoded || back.n_data != e.n_data ||
        memcmp(back.data, e.data, e.n_data) != 0)
        abort();
    return 0;
}
