// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_files.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int insight_file_open(const char *path, off_t *ret_size, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    struct stat st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO))
        return err_set(err, ERR_NOT_FOUND, "there is no file %s", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_NOT_FOUND, "%s is not a regular file", path);
    *ret_size = st.st_size;
    return TAKE_FD(fd);
}

int insight_file_read(const char *path, size_t max, struct text *out, struct err *err)
{
    off_t size;
    CLEANUP(fd_closep) int fd = insight_file_open(path, &size, err);
    char piece[16 << 10];
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, piece, sizeof piece)) > 0) {
        if (out->len + (size_t)n > max)
            return err_set(err, ERR_TOO_LARGE, "it is larger than %zu MiB, the limit", max >> 20);
        text_add_n(out, piece, (size_t)n);
    }
    if (n < 0)
        return err_errno(err, ERR_INTERNAL, "read %s", path);
    return 0;
}

static int wanted(const struct dirent *e)
{
    return e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

/* `folder`/<sub>/name for the file itself, then the folders below while `depth` allows. */
static void each_below(struct mem *mem, const char *folder, const char *name, int depth, int *n_left,
                       void (*fn)(void *arg, const char *path), void *arg)
{
    struct dirent **subs;
    int n = scandir(folder, &subs, wanted, alphasort);

    for (int i = 0; i < n; i++) {
        if (*n_left > 0) {
            char *sub = mem_printf(mem, "%s/%s", folder, subs[i]->d_name);
            char *path = mem_printf(mem, "%s/%s", sub, name);
            struct stat st;

            --*n_left;
            if (lstat(path, &st) == 0)
                fn(arg, path);
            if (depth > 1)
                each_below(mem, sub, name, depth - 1, n_left, fn, arg);
        }
        free(subs[i]);
    }
    if (n >= 0)
        free(subs);
}

void insight_each_log(const char *result_dir, const char *name, void (*fn)(void *arg, const char *path),
                      void *arg)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    int n_left = INSIGHT_LOGS_MAX;

    each_below(mem, mem_printf(mem, "%s/log", result_dir), name, /* depth= */ 2, &n_left, fn, arg);
}
