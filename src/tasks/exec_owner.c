// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_owner.h"

#include "base/err.h"
#include "base/mem.h"

#include <ftw.h>
#include <pwd.h>
#include <unistd.h>

enum { N_OPEN = 16, NAMES_MAX = 16384 /* bytes of a passwd entry */ };

const char *owner_self(struct mem *mem)
{
    char *buf = mem_alloc(mem, NAMES_MAX);
    struct passwd entry, *found = NULL;

    if (getpwuid_r(geteuid(), &entry, buf, NAMES_MAX, &found) != 0 || !found)
        return mem_printf(mem, "%u", (unsigned)geteuid());
    return entry.pw_name;
}

/* nftw(3) hands no argument through. */
static _Thread_local uid_t new_uid;
static _Thread_local gid_t new_gid;

static int give_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat;
    (void)kind;
    (void)at;
    return lchown(path, new_uid, new_gid);
}

int owner_give(const char *path, const char *user, struct err *err)
{
    struct passwd entry, *found = NULL;
    char buf[NAMES_MAX];

    if (!user || !*user)
        return 0;
    if (getpwnam_r(user, &entry, buf, sizeof buf, &found) != 0 || !found)
        return err_set(err, ERR_UNAVAILABLE, "the instance group's user %s does not exist on this machine",
                       user);
    if (entry.pw_uid == geteuid())
        return 0;
    new_uid = entry.pw_uid;
    new_gid = entry.pw_gid;
    if (nftw(path, give_one, N_OPEN, FTW_PHYS) != 0)
        return err_errno(err, ERR_UNAVAILABLE, "cannot give %s to user %s", path, user);
    return 0;
}
