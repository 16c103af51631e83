// SPDX-License-Identifier: Apache-2.0
#include "base/archive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/archive_module.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/program.h"

static const struct archive_module *load(struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = program_part(mem, "trainyard-archive.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct archive_module *found = library ? dlsym(library, ARCHIVE_MODULE) : NULL;

    if (!found) {
        err_set(err, ERR_INTERNAL, "the code for archives cannot be loaded: %s", dlerror());
        return NULL;
    }
    if (strcmp(found->version, TRAINYARD_VERSION) != 0) {
        err_set(err, ERR_INTERNAL, "%s is of version %s, the program of %s; restart the server", path,
                found->version, TRAINYARD_VERSION);
        return NULL;
    }
    return found;
}

/* Loaded once and kept: libraries of libarchive are not made to be unloaded. A failure is tried again. */
static const struct archive_module *module(struct err *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const struct archive_module *loaded;
    const struct archive_module *found;

    pthread_mutex_lock(&lock);
    if (!loaded)
        loaded = load(err);
    found = loaded;
    pthread_mutex_unlock(&lock);
    return found;
}

int archive_unpack(const char *path, const char *to, const struct archive_limits *limits,
                   struct err *err)
{
    const struct archive_module *code = module(err);

    return code ? code->unpack(path, to, limits, err) : -1;
}

int archive_zip(const char *from, const char *const *entries, int n, const char *to, struct err *err)
{
    const struct archive_module *code = module(err);

    return code ? code->zip(from, entries, n, to, err) : -1;
}
