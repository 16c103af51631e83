// SPDX-License-Identifier: Apache-2.0
/* A message that is read as a Datum says the same when it is written and read again. */
#include "datasets/formats/datum.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) uint8_t *message = NULL;
    struct datum d, back;

    if (!datum_read(data, size, &d))
        return 0;
    if (!d.data)
        d.data = (const uint8_t *)"";
    if (!d.encoded && (__int128)d.channels * d.height * d.width != (__int128)d.n_data)
        return 0;       /* without data: the sides are promises */
    message = xcalloc(datum_size(&d) + 1, 1);
    datum_pack(&d, message);
    if (!datum_read(message, datum_size(&d), &back) || back.channels != d.channels || back.height != d.height ||
        back.width != d.width || back.label != d.label || back.encoded != d.encoded || back.n_data != d.n_data ||
        memcmp(back.data, d.data, d.n_data) != 0)
        abort();
    return 0;
}
