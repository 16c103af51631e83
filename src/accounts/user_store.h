// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Rows of accounts. Changes run on the writer, or on a connection of the command line's own. */

#include "accounts/user.h"

struct db;
struct err;
struct mem;

int users_find(struct db *db, const char *name, struct mem *mem, struct user *ret, struct err *err);
                            /* ERR_NOT_FOUND */
int users_list(struct db *db, struct mem *mem, struct list *ret, struct err *err);
                            /* of struct user, by name */
int users_add(struct db *db, const struct user *user, struct err *err); /* ERR_CONFLICT: exists */

/* Also revokes the account's tokens. ERR_NOT_FOUND. */
int users_set_password(struct db *db, const char *name, const char *hash, struct err *err);

/* Its tokens go with it. ERR_NOT_FOUND; ERR_CONFLICT for the last administrator. */
int users_remove(struct db *db, const char *name, struct err *err);
