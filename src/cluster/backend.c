// SPDX-License-Identifier: Apache-2.0
#include "cluster/backend.h"

#include "base/cleanup.h"

#include <string.h>

static const struct backend *const backends[] = { &local_backend, &null_backend };

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(backends); i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}
