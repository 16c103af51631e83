// SPDX-License-Identifier: Apache-2.0
#include "search/plugins/plugin_install.h"

#include "base/archive.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "search/plugins/plugin_run.h"
#include "search/plugins/plugin_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MARKER ".unnamed"
#define ASIDE ".aside-"         /* how folders being made or removed are called; no algorithm's name starts so */

enum { N_OPEN = 16 /* descriptors of a walk */ };

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static char *marker_of(const struct settings *s, const char *name, struct mem *mem)
{
    return mem_printf(mem, "%s/" MARKER, plugin_dir(s, name, mem));
}

/* --- what is in a folder --- */

/* One walk at a time per thread: nftw(3) hands no argument through. */
static _Thread_local struct walk {
    const struct settings *settings;
    bool anywhere;
    int64_t n_entries, n_bytes;
    size_t top;                 /* length of the path of the folder walked */
    struct stat to;             /* the folder that it is copied to */
    struct err *err;
} walk;

static int count_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    int64_t n_max = walk.settings->package_entries_max, bytes_max = walk.settings->package_bytes_max_mib << 20;

    (void)path, (void)kind, (void)at;
    if (st->st_dev == walk.to.st_dev && st->st_ino == walk.to.st_ino)
        return err_field(walk.err, "path", "the folder of one plugin",
                         "the folder has the place in it that algorithms are installed to");
    walk.n_bytes += S_ISREG(st->st_mode) ? st->st_size : 0;
    if (++walk.n_entries > n_max)
        return err_field(walk.err, "path", NULL, "the folder has more than the %" PRId64 " files and folders allowed",
                         n_max);
    if (walk.n_bytes > bytes_max)
        return err_field(walk.err, "path", NULL, "the folder has more than the %" PRId64 " bytes allowed", bytes_max);
    return 0;
}

static int check_link(const char *path, const char *shown, const struct FTW *at)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof target - 1);

    if (len < 0)
        return err_errno(walk.err, ERR_INTERNAL, "the link %s cannot be read", path);
    target[len] = '\0';
    if (path_link_inside(target, at->level - 1))
        return 0;
    return err_field(walk.err, "path", "a folder without links that lead out of it",
                     "\"%.120s\" is a link that leads out of the folder", shown);
}

/* Every user of the machine may run what is installed, so it becomes readable by all. */
static int settle_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    const char *shown = path[walk.top] ? path + walk.top + 1 : ".";
    bool is_dir = S_ISDIR(st->st_mode);
    mode_t mode = is_dir || (st->st_mode & 0111) ? 0755 : 0644, all = is_dir ? 0005 : 0004;

    (void)kind;
    if (S_ISLNK(st->st_mode))
        return check_link(path, shown, at);
    if (!walk.anywhere && (st->st_mode & all) != all)
        return err_field(walk.err, "path", "a folder that every user of the machine may read",
                         "\"%.120s\" in the folder is not readable by everyone; an administrator may install it",
                         shown);
    return chmod(path, mode) < 0 ? err_errno(walk.err, ERR_INTERNAL, "the mode of %s cannot be set", path) : 0;
}

static int walk_tree(struct walk how, const char *path, __nftw_func_t each)
{
    int rc;

    walk = how;
    walk.top = strlen(path);
    errno = 0;
    rc = nftw(path, each, N_OPEN, FTW_PHYS);
    if (rc < 0 && walk.err->kind == ERR_NONE)
        return err_errno(walk.err, ERR_INTERNAL, "the folder %s cannot be read", path);
    return rc;
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whether `dir` has what a plugin starts with, and no marker of ours; an optimizer that only lacks its mode is told. */
static int check_entry(const char *dir, struct mem *mem, struct err *err)
{
    const char *program = mem_printf(mem, "%s/optimizer", dir);
    struct stat st;

    if (lstat(mem_printf(mem, "%s/" MARKER, dir), &st) == 0)
        return err_field(err, "file", "a plugin without it", "the name " MARKER " is taken by the server");
    if (is_file(mem_printf(mem, "%s/optimizer.py", dir)))
        return 0;
    if (!is_file(program))
        return err_field(err, "file", "optimizer.py, or a program named optimizer, at the top",
                         "there is no optimizer.py at the top of the plugin");
    if (stat(program, &st) < 0 || !(st.st_mode & 0111))
        return err_field(err, "file", "an executable file", "the plugin's optimizer is not executable (chmod +x)");
    return 0;
}

/* --- from a folder of this machine --- */

static bool is_below(const char *path, const char *root)
{
    char plain[PATH_MAX];
    size_t len;

    if (!realpath(root, plain))
        return false;
    len = strlen(plain);
    return strncmp(path, plain, len) == 0 && path[len] == '/';
}

/* Before anything of it is copied. */
static int check_folder(const struct settings *s, const char *from, const char *to, struct mem *mem, struct err *err)
{
    struct walk counting = { .settings = s, .err = err };

    if (stat(to, &counting.to) < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be looked at", to);
    if (check_entry(from, mem, err) < 0)
        return -1;
    return walk_tree(counting, mem_printf(mem, "%s/.", from), count_entry);      /* nftw() drops a last slash */
}

/* The folder is opened once, and it is what was opened that is looked at and copied, whatever its path means
 * meanwhile. */
static int copy_folder(const struct settings *s, const struct plugin_files *from, const char *to, struct mem *mem,
                       struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    char path[PATH_MAX];
    const char *handle;
    ssize_t len;

    if (from->folder[0] != '/')
        return err_field(err, "path", "an absolute path",
                         "path is where the folder is on the server, from / on; \"%.120s\" is not", from->folder);
    fd = open(from->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_field(err, "path", "a folder on the server", "\"%.200s\" is not a folder on the server",
                         from->folder);
    handle = mem_printf(mem, "/proc/self/fd/%d", fd);
    len = readlink(handle, path, sizeof path - 1);
    if (len < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be looked up", from->folder);
    path[len] = '\0';
    if (!from->anywhere && !is_below(path, s->data_fs) && !is_below(path, s->shared_fs))
        return err_field(err, "path", "a folder below DLI_DATA_FS or DLI_SHARED_FS",
                         "\"%.120s\" is not below %.80s or %.80s; an administrator may install from any folder",
                         from->folder, s->data_fs, s->shared_fs);
    if (check_folder(s, handle, to, mem, err) < 0)
        return -1;
    return file_copy_tree(handle, to, err);
}

/* --- from an archive --- */

/* The only entry of a folder when that is a folder: archives often have one at the top. */
static const char *only_folder(const char *path, struct mem *mem)
{
    CLEANUP(closedirp) DIR *dir = opendir(path);
    const char *only = NULL;
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir)))
        if (!is_dots(entry->d_name) && ++n == 1)
            only = mem_printf(mem, "%s/%s", path, entry->d_name);
    return n == 1 && file_is_dir(only) ? only : NULL;
}

static int unpack(const struct settings *s, const char *archive, const char *to, struct err *err)
{
    const struct archive_limits limits = { s->package_entries_max, s->package_bytes_max_mib << 20 };

    if (!archive_is(archive))
        return err_field(err, "file", "a tar of the plugin's folder, which may be gzipped",
                         "the file is not an archive");
    return archive_unpack(archive, to, &limits, err);
}

/* --- placing --- */

static char *new_aside(const struct settings *s, struct mem *mem)
{
    return mem_printf(mem, "%s/tools/tune/plugins/" ASIDE "%" PRIx64 "-XXXXXX", s->shared_fs,
                      (uint64_t)clock_unix_ms());
}

/* An empty file, since it is there or not, whenever the server is killed. */
static int write_marker(const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    return fd < 0 ? err_errno(err, ERR_INTERNAL, "%s cannot be created", path) : 0;
}

static int fill(const struct settings *s, const char *name, const struct plugin_files *from, const char *aside,
                struct mem *mem, struct err *err)
{
    const char *dir = mem_printf(mem, "%s/it", aside), *only;
    const struct walk settling = { .settings = s, .anywhere = from->archive || from->anywhere, .err = err };

    if (mkdir(dir, 0700) < 0)
        return err_errno(err, ERR_INTERNAL, "the folder %s cannot be made", dir);
    if ((from->archive ? unpack(s, from->archive, dir, err) : copy_folder(s, from, dir, mem, err)) < 0)
        return -1;
    only = from->archive ? only_folder(dir, mem) : NULL;
    dir = only ? only : dir;
    if (check_entry(dir, mem, err) < 0 || walk_tree(settling, dir, settle_entry) < 0 ||
        write_marker(mem_printf(mem, "%s/" MARKER, dir), err) < 0)
        return -1;
    if (rename(dir, plugin_dir(s, name, mem)) == 0)
        return 0;
    if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
        return err_errno(err, ERR_INTERNAL, "the files of the algorithm cannot be placed");
    return err_field(err, "name", "another name", "there is a folder %.200s already", plugin_dir(s, name, mem));
}

int plugin_place(const struct settings *s, const char *name, const struct plugin_files *from, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    char *aside = new_aside(s, mem);
    struct err ignored = {0};
    int rc;

    if (file_mkdirs(mem_printf(mem, "%s/tools/tune/plugins", s->shared_fs), 0755, err) < 0)
        return -1;
    if (!mkdtemp(aside))
        return err_errno(err, ERR_INTERNAL, "a folder in %s/tools/tune/plugins cannot be made", s->shared_fs);
    rc = fill(s, name, from, aside, mem, err);
    file_remove_tree(aside, &ignored);          /* what is left goes at the next start */
    return rc;
}

int plugin_mark(const struct settings *s, const char *name, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (!file_is_dir(plugin_dir(s, name, mem)))
        return 0;               /* somebody removed it: nothing to mark */
    return write_marker(marker_of(s, name, mem), err);
}

void plugin_unmark(const struct settings *s, const char *name)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (unlink(marker_of(s, name, mem)) < 0 && errno != ENOENT)
        log_warn("plugin.unmark", "algorithm=\"%s\" reason=\"%s\"", name, strerror(errno));
}

/* Renamed first, so that the name is free at once. */
static int take_away(const struct settings *s, const char *name, struct mem *mem, struct err *err)
{
    char *aside = new_aside(s, mem);

    if (!mkdtemp(aside))
        return err_errno(err, ERR_INTERNAL, "make a folder aside");
    if (rename(plugin_dir(s, name, mem), mem_printf(mem, "%s/it", aside)) < 0 && errno != ENOENT)
        return err_errno(err, ERR_INTERNAL, "move it aside");
    return file_remove_tree(aside, err);
}

void plugin_remove(const struct settings *s, const char *name)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};

    if (take_away(s, name, mem, &err) < 0)
        log_warn("plugin.remove", "algorithm=\"%s\" reason=\"%s\"", name, err.text);
}

/* --- after a crash --- */

static int sweep_one(const struct settings *s, struct db *db, const char *name, struct mem *mem, struct err *err)
{
    struct plugin p;
    int n;

    if (text_starts(name, ASIDE))
        return file_remove_tree(plugin_dir(s, name, mem), err);
    if (!file_exists(marker_of(s, name, mem)))
        return 0;
    n = plugins_find(db, name, mem, &p, err);
    if (n > 0)
        plugin_unmark(s, name);
    else if (n == 0)
        plugin_remove(s, name);
    return n < 0 ? -1 : 0;
}

void plugins_sweep(const struct settings *s, struct db *db)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *root = mem_printf(mem, "%s/tools/tune/plugins", s->shared_fs);
    CLEANUP(closedirp) DIR *dir = opendir(root);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        struct err err = {0};

        if (!is_dots(entry->d_name) && sweep_one(s, db, entry->d_name, mem, &err) < 0)
            log_warn("plugin.sweep", "path=\"%s/%s\" reason=\"%s\"", root, entry->d_name, err.text);
    }
}
