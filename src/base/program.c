// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include "base/cleanup.h"
#include "base/files.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program. */
static const char *program_dir(struct mem *mem)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    if (len < 0)
        return ".";
    path[len] = '\0';
    *strrchr(path, '/') = '\0';
    return mem_strdup(mem, path);
}

const char *program_file(struct mem *mem, const char *built, const char *installed)
{
    const char *dir = program_dir(mem);
    const char *first = mem_printf(mem, "%s/%s", dir, built);
    const char *second = mem_printf(mem, "%s/%s", dir, installed);
    const char *found = !file_exists(first) && file_exists(second) ? second : first;
    CLEANUP(freep) char *plain = realpath(found, NULL);

    return plain ? mem_strdup(mem, plain) : found;
}

const char *program_part(struct mem *mem, const char *name)
{
    return program_file(mem, name, mem_printf(mem, "../libexec/trainyard/%s", name));
}
