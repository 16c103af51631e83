// SPDX-License-Identifier: Apache-2.0
#include "base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

enum {
    BLOCK = 64 << 10,           /* bytes read at a time */
    PATH_LEN_MAX = 1024,        /* bytes of an entry's path; stays usable below a longer one */
    ZIP_DEPTH_MAX = 128,        /* folders inside folders; each holds a descriptor open */
};

struct unpack {
    struct archive *archive;
    int dir;                    /* what everything is opened relative to */
    const struct archive_limits *limits;
    int64_t n_entries;          /* so far, with the folders that no entry names */
    int64_t total_bytes;
    struct text shown;          /* the current entry, quoted, for errors */
    struct err *err;
};

static void read_freep(struct archive **a) { archive_read_free(*a); }
static void write_freep(struct archive **a) { archive_write_free(*a); }
static void entry_freep(struct archive_entry **e) { archive_entry_free(*e); }

/* libarchive passes names through the locale; only in a UTF-8 one they stay what they are. Switched
 * for this thread alone and only for as long as the value lives. */
struct utf8 {
    locale_t ours, before;
};

static struct utf8 utf8_start(void)
{
    struct utf8 u = { .ours = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0) };

    u.before = uselocale(u.ours);       /* without that locale this changes nothing */
    return u;
}

static void utf8_done(struct utf8 *u)
{
    uselocale(u->before);
    if (u->ours)
        freelocale(u->ours);
}

/* --- unpacking ---
 *
 * Every folder is opened one part at a time, relative to the one above and never through a link, so
 * the kernel itself keeps every write below `to`, whatever names and links the archive has. */

/* Turns the failed call into an error about the entry: what the archive asks for is bad input, what
 * the disk refuses is ours. */
static int refuse_errno(struct unpack *u)
{
    switch (errno) {
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
    case ENAMETOOLONG:
        return err_errno(u->err, ERR_BAD_INPUT,
                         "the archive entry %s collides with an entry before it", u->shown.data);
    default:
        return err_errno(u->err, ERR_INTERNAL, "the archive entry %s cannot be unpacked",
                         u->shown.data);
    }
}

static int refuse_damaged(struct unpack *u)
{
    const char *why = archive_error_string(u->archive);

    return err_set(u->err, ERR_BAD_INPUT, "the archive cannot be read: %s",
                   why ? why : "it is damaged");
}

static int count_entry(struct unpack *u)
{
    if (++u->n_entries > u->limits->n_entries)
        return err_set(u->err, ERR_BAD_INPUT,
                       "the archive has more than the %" PRId64 " files and folders allowed",
                       u->limits->n_entries);
    return 0;
}

static int check_total(struct unpack *u, int64_t of_this_entry)
{
    if (of_this_entry > u->limits->total_bytes - u->total_bytes)
        return err_set(u->err, ERR_BAD_INPUT,
                       "the archive unpacks to more than the %" PRId64 " bytes allowed",
                       u->limits->total_bytes);
    return 0;
}

/* Opens one folder below `above`, made if need be. */
static int open_part(struct unpack *u, int above, const char *name)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 || errno != ENOENT)
        return fd >= 0 ? fd : refuse_errno(u);
    if (count_entry(u) < 0)
        return -1;
    if (mkdirat(above, name, 0755) == 0)
        fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? fd : refuse_errno(u);
}

/* The next part of a path that is path_inside(); "" at its end. */
static void next_part(const char **path, char part[NAME_MAX + 1])
{
    size_t len;

    *path += strspn(*path, "/");
    len = strcspn(*path, "/");
    memcpy(part, *path, len);
    part[len] = '\0';
    *path += len;
    *path += strspn(*path, "/");
}

/* The open folder that holds the last part of `path`, which goes to ret_name. */
static int open_parent(struct unpack *u, const char *path, char ret_name[NAME_MAX + 1])
{
    CLEANUP(fd_closep) int fd = fcntl(u->dir, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return refuse_errno(u);
    if (text_starts(path, "./"))
        path += 2;
    for (next_part(&path, ret_name); *path; next_part(&path, ret_name)) {
        int below = open_part(u, fd, ret_name);

        if (below < 0)
            return -1;
        close(fd);
        fd = below;
    }
    return TAKE_FD(fd);
}

static int depth_of(const char *path)
{
    char part[NAME_MAX + 1];
    int depth = -1;

    if (text_starts(path, "./"))
        path += 2;
    while (*path) {
        next_part(&path, part);
        depth++;
    }
    return depth;
}

static int unpack_symlink(struct unpack *u, const char *path, const char *target)
{
    char name[NAME_MAX + 1];
    CLEANUP(fd_closep) int parent = -1;

    if (!target || !*target || !path_link_inside(target, depth_of(path)))
        return err_set(u->err, ERR_BAD_INPUT, "the archive entry %s is a link that leads out of "
                       "the archive", u->shown.data);
    parent = open_parent(u, path, name);
    if (parent < 0)
        return -1;
    unlinkat(parent, name, 0);
    return symlinkat(target, parent, name) < 0 ? refuse_errno(u) : 0;
}

/* Only files: a second name for a symbolic link could stand where it leads out. */
static int unpack_hardlink(struct unpack *u, const char *path, const char *target)
{
    char name[NAME_MAX + 1], target_name[NAME_MAX + 1];
    CLEANUP(fd_closep) int from = -1;
    CLEANUP(fd_closep) int parent = -1;
    struct stat st;

    if (path_inside(target) && strlen(target) <= PATH_LEN_MAX) {
        from = open_parent(u, target, target_name);
        if (from < 0)
            return -1;
    }
    if (from < 0 || fstatat(from, target_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return err_set(u->err, ERR_BAD_INPUT, "the archive entry %s is a link to something that "
                       "is not a file before it in the archive", u->shown.data);
    parent = open_parent(u, path, name);
    if (parent < 0)
        return -1;
    if (linkat(from, target_name, parent, name, 0) == 0)
        return 0;
    if (errno == EEXIST && unlinkat(parent, name, 0) == 0 &&
        linkat(from, target_name, parent, name, 0) == 0)
        return 0;
    return refuse_errno(u);
}

static int unpack_folder(struct unpack *u, const char *path, mode_t mode)
{
    char name[NAME_MAX + 1];
    CLEANUP(fd_closep) int parent = open_parent(u, path, name);
    CLEANUP(fd_closep) int fd = -1;

    if (parent < 0)
        return -1;
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
        return refuse_errno(u);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, (mode & 0755) | 0700) < 0)
        return refuse_errno(u);
    return 0;
}

static int write_at(int fd, const char *data, size_t len, off_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

/* The contents of the current entry. Holes count as what they would fill. */
static int unpack_data(struct unpack *u, struct archive_entry *entry, int fd)
{
    int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    const void *data;
    size_t len;
    la_int64_t offset;
    int more;

    if (check_total(u, size) < 0)
        return -1;
    for (;;) {
        more = archive_read_data_block(u->archive, &data, &len, &offset);
        if (more == ARCHIVE_EOF)
            break;
        if (more < ARCHIVE_WARN)
            return refuse_damaged(u);
        if (offset < 0 || offset > INT64_MAX - (int64_t)len)
            return err_set(u->err, ERR_BAD_INPUT, "the archive is damaged at %s", u->shown.data);
        if (check_total(u, offset + (int64_t)len) < 0)
            return -1;
        if (write_at(fd, data, len, offset) < 0)
            return refuse_errno(u);
        if (offset + (int64_t)len > size)
            size = offset + (int64_t)len;
    }
    if (ftruncate(fd, size) < 0)        /* a hole may be the end */
        return refuse_errno(u);
    u->total_bytes += size;
    return 0;
}

static int unpack_file(struct unpack *u, struct archive_entry *entry, const char *path)
{
    char name[NAME_MAX + 1];
    CLEANUP(fd_closep) int parent = open_parent(u, path, name);
    CLEANUP(fd_closep) int fd = -1;

    if (parent < 0)
        return -1;
    unlinkat(parent, name, 0);      /* a later entry of one name replaces the earlier */
    fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse_errno(u);
    if (unpack_data(u, entry, fd) < 0)
        return -1;
    if (fchmod(fd, (archive_entry_perm(entry) & 0755) | 0600) < 0)
        return refuse_errno(u);
    return 0;
}

/* What macOS adds to archives beside the files proper. */
static bool is_companion(const char *path)
{
    while (*path) {
        size_t len = strcspn(path, "/");

        if (text_starts(path, "._") || (len == 8 && text_starts(path, "__MACOSX")) ||
            (len == 9 && text_starts(path, ".DS_Store")))
            return true;
        path += len + (path[len] == '/');
    }
    return false;
}

/* "." and "./": the folder that everything is unpacked into. */
static bool is_top(const char *path) { return *path == '.' && !path[1 + strspn(path + 1, "/")]; }

static int unpack_entry(struct unpack *u, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    size_t len = path ? strlen(path) : 0;

    text_clear(&u->shown);
    text_add_json_n(&u->shown, path ? path : "", len < 100 ? len : 100);
    if (count_entry(u) < 0)
        return -1;
    if (path && (is_companion(path) || is_top(path)))
        return 0;
    if (!path || !path_inside(path))
        return err_set(u->err, ERR_BAD_INPUT, "the archive entry %s has a name that leads out of "
                       "the archive or that no file can have", u->shown.data);
    if (len > PATH_LEN_MAX)
        return err_set(u->err, ERR_BAD_INPUT, "the archive entry %s... has a path of more than %d "
                       "bytes", u->shown.data, PATH_LEN_MAX);

    if (archive_entry_hardlink(entry))
        return unpack_hardlink(u, path, archive_entry_hardlink(entry));
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return unpack_file(u, entry, path);
    case AE_IFDIR:
        return unpack_folder(u, path, archive_entry_perm(entry));
    case AE_IFLNK:
        return unpack_symlink(u, path, archive_entry_symlink(entry));
    default:
        return err_set(u->err, ERR_BAD_INPUT, "the archive entry %s is neither file, folder nor "
                       "link", u->shown.data);
    }
}

static int unpack_all(struct unpack *u)
{
    struct archive_entry *entry;
    int more;

    for (;;) {
        more = archive_read_next_header(u->archive, &entry);
        if (more == ARCHIVE_EOF)
            return 0;
        if (more < ARCHIVE_WARN)
            return refuse_damaged(u);
        if (unpack_entry(u, entry) < 0)
            return -1;
    }
}

int archive_unpack(const char *path, const char *to, const struct archive_limits *limits,
                   struct err *err)
{
    CLEANUP(utf8_done) __attribute__((unused)) struct utf8 utf8 = utf8_start();
    CLEANUP(read_freep) struct archive *a = archive_read_new();
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP(fd_closep) int dir = -1;
    struct unpack u = { .archive = a, .limits = limits, .err = err };
    int result;

    if (!a)
        abort();        /* out of memory */
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "the archive %s cannot be opened", path);
    dir = u.dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be opened", to);
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    if (archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK)
        return refuse_damaged(&u);
    result = unpack_all(&u);
    text_done(&u.shown);
    return result;
}

/* --- zipping --- */

static int zip_errno(struct archive *a, const char *what, struct err *err)
{
    errno = archive_errno(a) > 0 ? archive_errno(a) : EIO;
    return err_errno(err, ERR_INTERNAL, "%s cannot be put into the zip", what);
}

/* A file that grows meanwhile is taken up to the size it had when its entry was begun. */
static int zip_contents(struct archive *a, int fd, int64_t size, const char *path, struct err *err)
{
    CLEANUP(freep) char *block = xrealloc(NULL, BLOCK);
    ssize_t n;

    while (size > 0) {
        n = read(fd, block, size < BLOCK ? (size_t)size : BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, ERR_INTERNAL, "%s cannot be read", path);
        if (n == 0)
            break;
        if (archive_write_data(a, block, (size_t)n) < 0)
            return zip_errno(a, path, err);
        size -= n;
    }
    return 0;
}

static int zip_any(struct archive *a, int dir, const char *name, const char *path, int depth,
                   struct err *err);

static int zip_folder(struct archive *a, int fd, const char *path, int depth, struct err *err)
{
    DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    CLEANUP(text_done) struct text below = {0};
    struct dirent *entry;
    int result = 0;

    if (!dir)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be read", path);
    while (result == 0 && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        text_clear(&below);
        text_addf(&below, "%s/%s", path, entry->d_name);
        result = zip_any(a, dirfd(dir), entry->d_name, below.data, depth + 1, err);
    }
    closedir(dir);
    return result;
}

/* The entry `path` from `name` in the folder `dir`. What is gone, a link, or neither file nor
 * folder is passed over. */
static int zip_any(struct archive *a, int dir, const char *name, const char *path, int depth,
                   struct err *err)
{
    CLEANUP(entry_freep) struct archive_entry *entry = archive_entry_new();
    CLEANUP(fd_closep) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (depth > ZIP_DEPTH_MAX)
        return err_set(err, ERR_INTERNAL, "%s is more than %d folders deep", path, ZIP_DEPTH_MAX);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be opened", path);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;

    archive_entry_copy_pathname(entry, path);
    archive_entry_set_mode(entry, (st.st_mode & S_IFMT) | (st.st_mode & 0755));
    archive_entry_set_mtime(entry, st.st_mtim.tv_sec, 0);
    archive_entry_set_size(entry, S_ISREG(st.st_mode) ? st.st_size : 0);
    if (archive_write_header(a, entry) < ARCHIVE_WARN)
        return zip_errno(a, path, err);
    if (S_ISDIR(st.st_mode))
        return zip_folder(a, fd, path, depth, err);
    return zip_contents(a, fd, st.st_size, path, err);
}

static int zip_all(struct archive *a, const char *from, const char *const *entries, int n,
                   struct err *err)
{
    CLEANUP(fd_closep) int dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be opened", from);
    for (int i = 0; i < n; i++) {
        if (zip_any(a, dir, entries[i], entries[i], 0, err) < 0)
            return -1;
    }
    if (archive_write_close(a) != ARCHIVE_OK)
        return zip_errno(a, "the list of entries", err);
    return 0;
}

int archive_zip(const char *from, const char *const *entries, int n, const char *to, struct err *err)
{
    CLEANUP(utf8_done) __attribute__((unused)) struct utf8 utf8 = utf8_start();
    CLEANUP(write_freep) struct archive *a = archive_write_new();

    if (!a)
        abort();        /* out of memory */
    archive_write_set_format_zip(a);
    archive_write_set_bytes_in_last_block(a, 1);    /* no padding after the end */
    if (archive_write_open_filename(a, to) != ARCHIVE_OK)
        return zip_errno(a, to, err);
    if (zip_all(a, from, entries, n, err) < 0) {
        unlink(to);
        return -1;
    }
    return 0;
}
