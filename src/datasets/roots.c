// SPDX-License-Identifier: Apache-2.0
#include "datasets/roots.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/field.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct list roots_configured(const struct settings *s, struct mem *mem)
{
    const char **roots = mem_alloc(mem, (strlen(s->dataset_roots) + 2) * sizeof *roots);
    const char *at = s->dataset_roots;
    size_t n = 0, len;

    for (; *at; at += len + (at[len] == ':')) {
        len = strcspn(at, ":");
        if (len > 0)
            roots[n++] = mem_strndup(mem, at, len);
    }
    if (n == 0) {
        roots[n++] = s->data_fs;
        roots[n++] = s->shared_fs;
    }
    return (struct list){ roots, n };
}

static bool is_within(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0' || len == 1);
}

static bool in_roots(const char *path, const struct list *roots, bool real)
{
    const char *const *items = roots->items;

    for (size_t i = 0; i < roots->n; i++) {
        CLEANUP(freep) char *plain = realpath(items[i], NULL);

        if ((plain && is_within(path, plain)) || (!real && is_within(path, items[i])))
            return true;
    }
    return false;
}

static bool goes_up(const char *path)
{
    size_t len;

    for (; *path; path += len + (path[len] == '/')) {
        len = strcspn(path, "/");
        if (len == 2 && path[0] == '.' && path[1] == '.')
            return true;
    }
    return false;
}

static int refuse_outside(const struct list *roots, const char *field, const char *path, struct mem *mem, struct err *err)
{
    const char *const *items = roots->items;
    const char *names = items[0];

    for (size_t i = 1; i < roots->n; i++)
        names = mem_printf(mem, "%s or %s", names, items[i]);
    return err_field(err, field, mem_printf(mem, "a path below %s", names), "%.200s is not inside the data roots", path);
}

int roots_resolve(const struct settings *s, const char *upload, const char *field, const char *path, struct mem *mem,
                  const char **ret, struct err *err)
{
    const struct list configured = roots_configured(s, mem), uploaded = { &upload, 1 };
    const struct list *roots = upload && path[0] != '/' ? &uploaded : &configured;
    CLEANUP(freep) char *plain = NULL;
    const char *full = path[0] == '/' ? path : mem_printf(mem, "%s/%s", upload ? upload : s->data_fs, path);

    if (goes_up(path))
        return err_field(err, field, "a path without ..", "%.200s has .. in it", path);
    if (!in_roots(full, roots, /* real= */ false))      /* before anything is looked at: its refusals tell nothing */
        return refuse_outside(roots, field, path, mem, err);
    plain = realpath(full, NULL);
    if (!plain && (errno == ENOENT || errno == ENOTDIR))
        return err_field(err, field, "a file or folder that is there", "there is no %.200s%s", path,
                         upload && path[0] != '/' ? " in what was uploaded" : "");
    if (!plain)
        return err_field(err, field, "a file or folder that can be read", "%.200s cannot be read: %s", path, strerror(errno));
    if (!in_roots(plain, roots, /* real= */ true))
        return roots == &uploaded ? err_field(err, field, "a path inside the upload", "%.200s leads out of the upload", path)
                                  : refuse_outside(roots, field, path, mem, err);
    *ret = mem_strdup(mem, plain);
    return 0;
}

/* What a link leads to is looked at without being opened: closing the server's own database once more would give up all
 * locks that this process has on it, fcntl(2). */
int roots_open(const struct settings *s, const char *dir, const char *path, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct list roots = roots_configured(s, mem), own = { &dir, 1 };
    CLEANUP(fd_closep) int found = open(path, O_PATH | O_CLOEXEC);
    const char *opened = mem_printf(mem, "/proc/self/fd/%d", found);
    char real[PATH_MAX];
    struct stat st;
    ssize_t len;
    int fd;

    if (found < 0)
        return err_errno(err, ERR_NOT_FOUND, "%s", path_base(path));
    len = readlink(opened, real, sizeof real - 1);
    real[len > 0 ? len : 0] = '\0';
    if (fstat(found, &st) < 0 || !S_ISREG(st.st_mode) || (!in_roots(real, &own, true) && !in_roots(real, &roots, true)))
        return err_set(err, ERR_NOT_FOUND, "%s is no file of the dataset", path_base(path));
    fd = open(opened, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, ERR_NOT_FOUND, "%s", path_base(path)) : fd;
}
