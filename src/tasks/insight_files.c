// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_files.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int insight_file_open(const char *path, off_t *ret_size, struct err *err)
{
    const int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
    CLEANUP(fd_closep) int fd = open(path, how);
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

struct walk {
    struct mem *mem;
    insight_folder_fn *fn;
    void *arg;
    int n_left;
};

/* The folders in `folder`; `label` NULL: they are the labels. */
static void each_below(struct walk *w, const char *folder, const char *label)
{
    struct dirent **subs;
    int n = scandir(folder, &subs, wanted, alphasort);

    for (int i = 0; i < n; i++) {
        const char *name = subs[i]->d_name;

        if (w->n_left-- > 0) {
            char *sub = mem_printf(w->mem, "%s/%s", folder, name);

            w->fn(w->arg, sub, label ? label : name);
            if (!label)
                each_below(w, sub, name);
        }
        free(subs[i]);
    }
    if (n >= 0)
        free(subs);
}

void insight_each_log_folder(const char *result_dir, insight_folder_fn *fn, void *arg)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct walk walk = { mem, fn, arg, INSIGHT_LOGS_MAX };

    each_below(&walk, mem_printf(mem, "%s/log", result_dir), NULL);
}
