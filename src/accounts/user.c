// SPDX-License-Identifier: Apache-2.0
#include "accounts/user.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

static const char *const roles[] = { [USER] = "user", [ADMIN] = "admin" };

const struct field user_fields[] = {
    { "name", TEXT(struct user, name), .doc = "as it signs in; case matters" },
    { "role", TEXT(struct user, role), ALLOWED("user", "admin"),
      .doc = "an admin may do everything" },
    { "password_hash", TEXT(struct user, password_hash), .hidden = true },
    { "created_ms", INT(struct user, created_ms), .format = "int64", .unit = "ms",
      .doc = "Unix time" },
    { .type = FIELD_END },
};

bool user_name_ok(const char *name)
{
    size_t len = strlen(name);

    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            return false;
    return len > 0 && len <= NAME_MAX_BYTES && name[0] != '-' && name[0] != '.';
}

enum role role_parse(const char *name)
{
    for (int i = USER; i <= ADMIN; i++)
        if (strcmp(name, roles[i]) == 0)
            return (enum role)i;
    return ANYONE;
}

const char *role_name(enum role role) { return role == ANYONE ? "anyone" : roles[role]; }
