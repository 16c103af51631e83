// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A temporary folder with a database path in it, for one test. */

#include "base/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct folder {
    char path[64];
    char db[96];
};

static inline struct folder folder_new(void)
{
    struct folder f = { .path = "/tmp/trainyard-test-XXXXXX" };

    if (!mkdtemp(f.path))
        abort();
    snprintf(f.db, sizeof f.db, "%s/trainyard.db", f.path);
    return f;
}

static inline void folder_remove(struct folder *f)
{
    static const char *const tails[] = { "", "-wal", "-shm" };
    char name[128];

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        snprintf(name, sizeof name, "%s%s", f->db, tails[i]);
        unlink(name);
    }
    rmdir(f->path);
}
