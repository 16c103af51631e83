// SPDX-License-Identifier: Apache-2.0
#include "datasets/upload.h"

#include "base/archive.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "http/call.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_file(const struct part *p) { return p->filename || strcmp(p->name, "file") == 0; }

static int put_one(const struct settings *s, const struct part *p, const char *dir, struct mem *mem, struct err *err)
{
    const struct archive_limits limits = { s->dataset_entries_max, s->dataset_bytes_max_mib << 20 };
    const char *to;

    if (p->path && archive_is(p->path))
        return archive_unpack(p->path, dir, &limits, err);
    if (!p->filename || !path_name_ok(p->filename))
        return err_field(err, "file", "a tar, gzip or zip archive, or a part with a filename",
                         "a file was sent without a name that can be used");
    to = mem_printf(mem, "%s/%s", dir, p->filename);
    if (!p->path)
        return file_write(to, p->data, (size_t)p->len, 0644, err);
    if (rename(p->path, to) < 0)
        return file_copy(p->path, to, err);
    return chmod(to, 0644) < 0 ? err_errno(err, ERR_INTERNAL, "%s", to) : 0;
}

int upload_put(const struct settings *s, const struct part *parts, int n_parts, const char *dir, struct mem *mem,
               struct err *err)
{
    int n_files = 0;

    if (file_mkdirs(dir, 0755, err) < 0)
        return -1;
    for (int i = 0; i < n_parts; i++) {
        if (!is_file(&parts[i]))
            continue;
        if (put_one(s, &parts[i], dir, mem, err) < 0)
            return -1;
        n_files++;
    }
    if (n_files == 0)
        return err_field(err, "file", "a tar, gzip or zip archive, or files", "no file was sent in a part named file");
    return 0;
}

const char *upload_root(const char *dir, struct mem *mem)
{
    const char *found = NULL;
    struct dirent *entry;
    DIR *folder = opendir(dir);
    struct stat st;
    int n = 0;

    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        found = mem_printf(mem, "%s/%s", dir, entry->d_name);
        if (++n > 1)
            break;
    }
    if (folder)
        closedir(folder);
    return n == 1 && lstat(found, &st) == 0 && S_ISDIR(st.st_mode) ? found : dir;
}
