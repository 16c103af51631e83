// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum {
    CHUNK = 64 << 10,           /* bytes moved at a time where the kernel cannot copy by itself */
    COPY_DEPTH_MAX = 128,       /* folders inside folders; each holds two descriptors open */
};

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* --- one file --- */

/* Makes the folder above `path` and what is missing above that, looking upwards: mostly only the nearest are missing.
 * `path` is written to and restored. */
static int make_parent(char *path, mode_t mode, struct err *err)
{
    char *slash = strrchr(path, '/');
    int result;

    if (!slash || slash == path)
        return 0;
    *slash = '\0';
    result = mkdir(path, mode);
    if (result < 0 && errno == ENOENT) {
        if (make_parent(path, mode, err) < 0)
            return -1;
        result = mkdir(path, mode);
    }
    if (result < 0 && errno != EEXIST)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be made", path);
    *slash = '/';
    return 0;
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
    int result = mkdir(path, mode);     /* mostly only the last part is missing */
    struct stat st;

    if (result < 0 && errno == ENOENT) {
        CLEANUP(freep) char *copy = xstrdup(path);

        if (make_parent(copy, mode, err) < 0)
            return -1;
        result = mkdir(path, mode);
    }
    if (result == 0)
        return 0;
    if (errno != EEXIST || stat(path, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be made", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_INTERNAL, "%s is in the way: a folder is needed there", path);
    return 0;
}

int file_read(const char *path, size_t max, struct text *out, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(freep) char *chunk = xrealloc(NULL, CHUNK);
    size_t total = 0;
    ssize_t n;

    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "there is no file %s", path);
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be opened", path);

    for (;;) {
        n = read(fd, chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_INTERNAL, "%s cannot be read", path);
        total += (size_t)n;
        if (total > max)
            return err_set(err, ERR_TOO_LARGE, "%s is larger than the %zu bytes allowed", path, max);
        if (n == 0)
            break;
        text_add_n(out, chunk, (size_t)n);
    }
    text_add_n(out, "", 0);     /* an empty file is "" */
    return 0;
}

int file_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* No fsync of the folder: what refers to the file is committed to the database afterwards, and
 * that fsync brings the journal entry of this rename to the disk as well. */
int file_write(const char *path, const char *data, size_t len, mode_t mode, struct err *err)
{
    size_t size = strlen(path) + sizeof ".XXXXXX";
    CLEANUP(freep) char *aside = xrealloc(NULL, size);
    CLEANUP(fd_closep) int fd = -1;

    snprintf(aside, size, "%s.XXXXXX", path);
    fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be created", path);
    if (fchmod(fd, mode) < 0 || file_write_all(fd, data, len) < 0 || fdatasync(fd) < 0 ||
        rename(aside, path) < 0) {
        err_errno(err, ERR_INTERNAL, "%s cannot be written", path);
        unlink(aside);
        return -1;
    }
    return 0;
}

bool file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --- copying --- */

static int copy_by_hand(int from, int to)
{
    CLEANUP(freep) char *chunk = xrealloc(NULL, CHUNK);
    ssize_t n;

    while ((n = read(from, chunk, CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || file_write_all(to, chunk, (size_t)n) < 0)
            return -1;
    }
    return 0;
}

/* Shared blocks where the file system can, else inside the kernel, else by hand. */
static int copy_contents(int from, int to)
{
    ssize_t n;

    if (ioctl(to, FICLONE, from) == 0)
        return 0;
    do {
        n = copy_file_range(from, NULL, to, NULL, SSIZE_MAX / 2, 0);
    } while (n > 0);
    if (n == 0 || errno == ENOSPC || errno == EDQUOT || errno == EIO)
        return (int)n;
    return copy_by_hand(from, to);      /* goes on where the kernel stopped */
}

/* `shown` is what an error calls the source; flags are added to both opens. */
static int copy_at(int from_dir, const char *from, int to_dir, const char *to, int flags,
                   const char *shown, struct err *err)
{
    CLEANUP(fd_closep) int in = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    CLEANUP(fd_closep) int out = -1;
    struct stat st;

    if (in < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "there is no file %s", shown);
    if (in < 0 || fstat(in, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be opened", shown);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INTERNAL, "%s is not a file and cannot be copied as one", shown);

    out = openat(to_dir, to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0600);
    if (out < 0)
        return err_errno(err, ERR_INTERNAL, "the copy of %s cannot be created", shown);
    if (copy_contents(in, out) == 0 && fchmod(out, st.st_mode & 07777) == 0)
        return 0;
    err_errno(err, ERR_INTERNAL, "%s cannot be copied", shown);
    if (fstat(out, &st) == 0 && S_ISREG(st.st_mode))    /* half a file is of no use to anyone */
        unlinkat(to_dir, to, 0);
    return -1;
}

int file_copy(const char *from, const char *to, struct err *err)
{
    return copy_at(AT_FDCWD, from, AT_FDCWD, to, 0, from, err);
}

static int copy_link(int from_dir, int to_dir, const char *name, struct err *err)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(from_dir, name, target, sizeof target - 1);

    if (len < 0)
        return err_errno(err, ERR_INTERNAL, "the link %s cannot be read", name);
    target[len] = '\0';
    unlinkat(to_dir, name, 0);
    if (symlinkat(target, to_dir, name) < 0)
        return err_errno(err, ERR_INTERNAL, "the link %s cannot be copied", name);
    return 0;
}

static int copy_folder(int from_dir, const char *from, int to_dir, const char *to, int depth,
                       struct err *err);

static int copy_entry(int from_dir, int to_dir, const char *name, int depth, struct err *err)
{
    struct stat st;

    if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be copied", name);
    if (S_ISDIR(st.st_mode))
        return copy_folder(from_dir, name, to_dir, name, depth + 1, err);
    if (S_ISLNK(st.st_mode))
        return copy_link(from_dir, to_dir, name, err);
    if (S_ISREG(st.st_mode))
        return copy_at(from_dir, name, to_dir, name, O_NOFOLLOW, name, err);
    return 0;       /* a socket or fifo means nothing in a copy */
}

/* Below the top nothing is followed: O_NOFOLLOW on the folder itself from depth 1 on. */
static int copy_folder(int from_dir, const char *from, int to_dir, const char *to, int depth,
                       struct err *err)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0);
    CLEANUP(fd_closep) int in = openat(from_dir, from, flags);
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(closedirp) DIR *dir = NULL;
    struct dirent *entry;
    struct stat st;

    if (depth > COPY_DEPTH_MAX)
        return err_set(err, ERR_INTERNAL, "the folder %s is more than %d folders deep", from,
                       COPY_DEPTH_MAX);
    if (in < 0 || fstat(in, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be opened", from);
    if (mkdirat(to_dir, to, 0700) < 0 && errno != EEXIST)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be made", to);
    out = openat(to_dir, to, flags);
    if (out < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be opened", to);

    dir = fdopendir(in);
    if (!dir)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be read", from);
    in = -1;        /* dir owns it now */
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (copy_entry(dirfd(dir), out, entry->d_name, depth, err) < 0)
            return -1;
    }
    if (fchmod(out, st.st_mode & 07777) < 0)
        return err_errno(err, ERR_INTERNAL, "the mode of %s cannot be set", to);
    return 0;
}

int file_copy_tree(const char *from, const char *to, struct err *err)
{
    return copy_folder(AT_FDCWD, from, AT_FDCWD, to, 0, err);
}

/* --- removing ---
 *
 * User code can leave trees of any depth behind, so neither the stack nor the number of open
 * descriptors may grow with it: one folder is open at a time, the way back is "..", and that it
 * leads where we came from is checked, in case somebody moves folders about meanwhile. */

struct level {
    char *name;         /* of the folder, in the one above */
    dev_t dev;          /* of the one above */
    ino_t ino;
};

struct removal {
    DIR *dir;           /* the folder being emptied */
    struct level *levels;
    size_t depth, cap;
};

static void removal_done(struct removal *r)
{
    closedirp(&r->dir);
    for (size_t i = 0; i < r->depth; i++)
        free(r->levels[i].name);
    free(r->levels);
}

/* Opens a folder for emptying, and makes it ours to empty if its mode forbids. */
static DIR *open_for_removal(int above, const char *name)
{
    enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    CLEANUP(fd_closep) int fd = openat(above, name, FLAGS);
    struct stat st;
    DIR *dir;

    if (fd < 0 && errno == EACCES && fchmodat(above, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(above, name, FLAGS);
    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    if ((st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700);     /* if refused, removing what is inside says why */
    dir = fdopendir(fd);
    if (dir)
        fd = -1;
    return dir;
}

static int go_down(struct removal *r, const char *name)
{
    DIR *below = open_for_removal(dirfd(r->dir), name);
    struct stat st;

    if (!below)
        return -1;
    if (fstat(dirfd(r->dir), &st) < 0) {
        closedir(below);
        return -1;
    }
    if (r->depth == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->levels = xrealloc(r->levels, r->cap * sizeof *r->levels);
    }
    r->levels[r->depth++] = (struct level){ xstrdup(name), st.st_dev, st.st_ino };
    closedir(r->dir);
    r->dir = below;
    return 0;
}

static int go_up(struct removal *r)
{
    struct level *level = &r->levels[r->depth - 1];
    CLEANUP(closedirp) DIR *above = open_for_removal(dirfd(r->dir), "..");
    struct stat st;

    if (!above || fstat(dirfd(above), &st) < 0)
        return -1;
    if (st.st_dev != level->dev || st.st_ino != level->ino) {
        errno = EBUSY;
        return -1;
    }
    if (unlinkat(dirfd(above), level->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return -1;
    free(level->name);
    r->depth--;
    closedir(r->dir);
    r->dir = TAKE(above);
    return 0;
}

/* Removes what it can of the open folder. 1 when it went down into a folder with contents, 0 when
 * this one is empty, -1 with errno. */
static int empty_one(struct removal *r)
{
    struct dirent *entry;

    while ((entry = readdir(r->dir))) {
        const char *name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (unlinkat(dirfd(r->dir), name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR)
            return -1;
        if (unlinkat(dirfd(r->dir), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            continue;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -1;
        return go_down(r, name) < 0 ? -1 : 1;
    }
    return 0;
}

int file_remove_tree(const char *path, struct err *err)
{
    CLEANUP(removal_done) struct removal r = {0};
    int more = 0;

    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return err_errno(err, ERR_INTERNAL, "%s cannot be removed", path);

    r.dir = open_for_removal(AT_FDCWD, path);
    if (!r.dir)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be opened", path);
    do {
        more = empty_one(&r);
        if (more == 0 && r.depth > 0)
            more = go_up(&r) < 0 ? -1 : 1;
    } while (more > 0);
    if (more < 0)
        return err_errno(err, ERR_INTERNAL, "what is in the folder %s cannot be removed", path);
    if (rmdir(path) < 0 && errno != ENOENT)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be removed", path);
    return 0;
}

/* --- names --- */

const char *path_base(const char *path)
{
    const char *base = path;

    for (; *path; path++) {
        if (*path == '/' || *path == '\\')
            base = path + 1;
    }
    return base;
}

static bool name_ok(const char *name, size_t len)
{
    if (len < 1 || len > NAME_MAX || !text_is_utf8(name, len))
        return false;
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F || name[i] == '/')
            return false;
    }
    return true;
}

bool path_name_ok(const char *name) { return name_ok(name, strlen(name)); }

bool path_inside(const char *path)
{
    bool below = false;

    if (*path == '/')
        return false;
    if (text_starts(path, "./"))
        path += 2;
    while (*path) {
        size_t len = strcspn(path, "/");

        if (len > 0 && !name_ok(path, len))
            return false;
        below = below || len > 0;
        path += len;
        path += *path == '/';
    }
    return below;
}

bool path_link_inside(const char *target, int depth)
{
    if (text_starts(target, "./"))
        target += 2;
    while (text_starts(target, "../") || strcmp(target, "..") == 0) {
        if (depth-- == 0)
            return false;
        target += target[2] ? 3 : 2;
    }
    return *target == '\0' || strcmp(target, ".") == 0 || path_inside(target);
}
