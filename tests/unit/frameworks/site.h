// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A site in a temporary folder, for the tests of this room: settings, folders, files. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct site {
    struct mem *mem;
    char dir[64];
    struct settings settings;
};

static inline struct site site_new(void)
{
    struct site s = { .mem = mem_new(), .dir = "/tmp/trainyard-test-XXXXXX" };

    assert_non_null(mkdtemp(s.dir));
    s.settings = (struct settings){
        .data_dir = s.dir,
        .data_fs = mem_printf(s.mem, "%s/data", s.dir),
        .shared_fs = mem_printf(s.mem, "%s/shared", s.dir),
        .result_fs = mem_printf(s.mem, "%s/results", s.dir),
        .plugins_dir = mem_printf(s.mem, "%s/plugins", s.dir),
        .python = "/usr/bin/python3",
        .conda_home = "",
        .default_conda_env = "",
        .frameworks_dir = SOURCE_ROOT "/frameworks",
        .runtime_dir = SOURCE_ROOT "/runtime/python",
        .precreate_model_dir = "auto",
        .task_grace_s = 10,
        .task_files_max = 1024,
        .warm_interpreters = 4,
    };
    return s;
}

static inline void site_done(struct site *s)
{
    struct err err = {0};

    file_remove_tree(s->dir, &err);
    mem_free(s->mem);
}

/* Writes a file below the site's folder, with the folders above it. */
static inline void site_write(struct site *s, const char *path, mode_t mode, const char *text)
{
    char *full = mem_printf(s->mem, "%s/%s", s->dir, path);
    char *folder = mem_strdup(s->mem, full);
    struct err err = {0};

    *strrchr(folder, '/') = '\0';
    assert_int_equal(file_mkdirs(folder, 0755, &err), 0);
    assert_int_equal(file_write(full, text, strlen(text), mode, &err), 0);
    assert_int_equal(chmod(full, mode), 0);
}

static inline bool site_has(struct site *s, const char *path)
{
    return file_exists(mem_printf(s->mem, "%s/%s", s->dir, path));
}
