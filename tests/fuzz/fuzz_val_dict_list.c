// SPDX-License-Identifier: Apache-2.0
/* Any bytes as val_dict_list.json: every entry told is usable. */

#include "base/err.h"
#include "tasks/insight_dicts.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *arg, const struct dict_entry *entry)
{
    (void)arg;
    assert(entry->n_values >= 0 && entry->n_values < DICTS_VALUES_MAX);
    for (int i = 0; i < entry->n_values; i++) {
        size_t len = strlen(entry->values[i].name);

        assert(len > 0 && len <= DICTS_NAME_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};

    if (dicts_read((const char *)data, size, check, NULL, &err) < 0)
        assert(err.kind == ERR_BAD_INPUT && err.text[0]);
    return 0;
}
