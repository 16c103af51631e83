// SPDX-License-Identifier: Apache-2.0
#include "cli/pack.h"

#include "base/archive.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pack_folder(const char *path, struct pack *ret, struct err *err)
{
    CLEANUP(freep) char *full = realpath(path, NULL);
    CLEANUP(fd_closep) int fd = -1;
    struct text name = {0};
    const char *base;
    char *slash;

    if (!full)
        return err_errno(err, ERR_NOT_FOUND, "%s", path);
    slash = strrchr(full, '/');
    base = slash + 1;
    if (!*base)
        return err_set(err, ERR_BAD_INPUT, "/ is not a folder to submit");
    ret->temporary = xstrdup("/tmp/trainyard-XXXXXX");
    fd = mkstemp(ret->temporary);
    if (fd < 0)
        return err_errno(err, ERR_UNAVAILABLE, "a temporary file in /tmp");
    ret->folder = xstrdup(base);
    text_addf(&name, "%s.zip", base);
    ret->filename = text_take(&name);
    ret->path = xstrdup(ret->temporary);
    *slash = '\0';
    return archive_zip(*full ? full : "/", &base, 1, ret->temporary, err);
}

int pack_make(const char *path, struct pack *ret, struct err *err)
{
    *ret = (struct pack){0};
    if (file_is_dir(path))
        return pack_folder(path, ret, err);
    if (!file_exists(path))
        return err_set(err, ERR_NOT_FOUND, "there is no file or folder %s", path);
    ret->path = xstrdup(path);
    ret->filename = xstrdup(path_base(path));
    return 0;
}

void pack_done(struct pack *p)
{
    if (p->temporary)
        unlink(p->temporary);
    free(p->path);
    free(p->filename);
    free(p->folder);
    free(p->temporary);
}
