// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/local.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

enum { GROUPS_MAX = 1024 };

struct user {
    uid_t uid;
    gid_t gid;
    int n_groups;
    gid_t groups[GROUPS_MAX];
};

struct user *user_find(const char *name, struct err *err)
{
    struct passwd entry, *found = NULL;
    char buf[16384];
    struct user *u;

    errno = getpwnam_r(name, &entry, buf, sizeof buf, &found);
    if (!found && errno) {
        err_errno(err, ERR_UNAVAILABLE, "look up the user \"%s\"", name);
        return NULL;
    }
    if (!found) {
        err_set(err, ERR_BAD_INPUT, "this machine has no user \"%s\" to run tasks as", name);
        return NULL;
    }

    u = xcalloc(1, sizeof *u);
    u->uid = entry.pw_uid;
    u->gid = entry.pw_gid;
    u->n_groups = GROUPS_MAX;
    if (getgrouplist(name, u->gid, u->groups, &u->n_groups) < 0)
        u->n_groups = GROUPS_MAX;       /* the first of them */
    return u;
}

void user_free(struct user *u) { free(u); }
bool user_is_us(const struct user *u) { return u->uid == geteuid(); }

static void add_number(struct text *out, int64_t value)
{
    text_add_int(out, value);
    text_add_char(out, '\0');
}

void user_orders(const struct user *u, struct text *out)
{
    add_number(out, u->uid);
    add_number(out, u->gid);
    add_number(out, u->n_groups);
    for (int i = 0; i < u->n_groups; i++)
        add_number(out, u->groups[i]);
}
