// SPDX-License-Identifier: Apache-2.0
#include "frameworks/tools.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <string.h>
#include <sys/stat.h>

enum { TOOL_MAX = 1 << 20 /* bytes */ };

static const struct {
    const char *from, *to;
} copies[] = {
    { "tools/launcher.py", "tools/launcher/launcher.py" },
    { "tools/launcher.py", "tools/spark_tf_launcher/launcher.py" },
    { "tools/activate", "tools/bin/activate" },
};

/* Writes `to` unless it says the same already. */
static int install(const char *to, const char *data, size_t len, struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text there = {0};
    struct err absent = {0};
    char *folder = mem_strdup(mem, to);

    if (file_read(to, TOOL_MAX, &there, &absent) == 0 && there.len == len &&
        memcmp(there.data, data, len) == 0)
        return 0;
    *strrchr(folder, '/') = '\0';
    if (file_mkdirs(folder, 0755, err) < 0)
        return -1;
    return file_write(to, data, len, 0755, err);
}

static int install_copies(const struct settings *s, struct mem *mem, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
        CLEANUP(text_done) struct text tool = {0};

        if (file_read(mem_printf(mem, "%s/%s", s->runtime_dir, copies[i].from), TOOL_MAX, &tool,
                      err) < 0 ||
            install(mem_printf(mem, "%s/%s", s->shared_fs, copies[i].to), tool.data, tool.len, mem,
                    err) < 0)
            return -1;
    }
    return 0;
}

/* Debian has no `python` command, which wrappers and notebooks call. */
static int install_python(const struct settings *s, struct mem *mem, struct err *err)
{
    const char *script = mem_printf(mem, "#!/bin/sh\nexec \"%s\" \"$@\"\n", s->python);

    return install(mem_printf(mem, "%s/python", tools_bin(s, mem)), script, strlen(script), mem,
                   err);
}

int tools_install(const struct settings *s, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (install_copies(s, mem, err) < 0 || install_python(s, mem, err) < 0)
        return err_wrap(err, "tools of site plugins in %s (paths.shared)", s->shared_fs);
    return 0;
}

char *tools_bin(const struct settings *s, struct mem *mem)
{
    return mem_printf(mem, "%s/tools/bin", s->shared_fs);
}

char *tools_generator(const struct settings *s, const char *name, struct mem *mem)
{
    char *path = mem_printf(mem, "%s/tools/dl_plugins/%s", s->shared_fs, name);

    if (!path_name_ok(name))
        return NULL;
    if (!file_exists(path))
        path = mem_printf(mem, "%s/%s", s->plugins_dir, name);
    return file_exists(path) ? path : NULL;
}
