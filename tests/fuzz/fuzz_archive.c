// SPDX-License-Identifier: Apache-2.0
/* Whatever is unpacked stays inside: nothing appears beside the folder, only files, folders and
 * links appear in it, no link leads out, and the limits hold. */
#include "base/archive.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct archive_limits limits = { .n_entries = 50, .total_bytes = 1 << 20 };

static char top[32], to[48];        /* to = top/to, and nothing else is in top */
static int64_t total_bytes;
static int n_entries;

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void remove_top(void)
{
    struct err err;

    file_remove_tree(top, &err);
}

static void make_folders(void)
{
    if (!top[0]) {
        strcpy(top, "/tmp/fuzz_archive.XXXXXX");
        check(mkdtemp(top));
        snprintf(to, sizeof to, "%s/to", top);
        atexit(remove_top);
    }
    check(mkdir(to, 0755) == 0);
}

static int check_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    char resolved[PATH_MAX];

    (void)where;
    check(strncmp(path, to, strlen(to)) == 0 || strcmp(path, top) == 0);
    check(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || type == FTW_SL);
    check((st->st_mode & (S_ISUID | S_ISGID)) == 0 || !S_ISREG(st->st_mode));
    if (type == FTW_SL && realpath(path, resolved))
        check(strncmp(resolved, to, strlen(to)) == 0);
    total_bytes += S_ISREG(st->st_mode) && st->st_nlink == 1 ? st->st_size : 0;
    n_entries++;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(fd_closep) int fd = memfd_create("archive", MFD_CLOEXEC);
    struct err err = {0};
    char path[32];
    int result;

    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    make_folders();

    (void)archive_is(path);
    result = archive_unpack(path, to, &limits, &err);
    check(result == 0 || (err.kind == ERR_BAD_INPUT && err.text[0]));

    total_bytes = n_entries = 0;
    check(nftw(top, check_one, 16, FTW_PHYS) == 0);
    check(n_entries <= limits.n_entries + 2 && total_bytes <= limits.total_bytes);
    check(file_remove_tree(to, &err) == 0);
    return 0;
}
