// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What an account is. Names are compared with case; roles are `user` and `admin`. */

#include "base/field.h"
#include "http/call.h"

struct user {
    const char *name;           /* 1..64 of [A-Za-z0-9._-], not starting with '-' or '.' */
    const char *role;           /* "user" or "admin" */
    const char *password_hash;  /* Argon2id, libsodium's text form */
    int64_t created_ms;
};

extern const struct field user_fields[];

bool user_name_ok(const char *name);
enum role role_parse(const char *name);     /* ANYONE when unknown */
const char *role_name(enum role role);
