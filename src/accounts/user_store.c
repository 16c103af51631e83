// SPDX-License-Identifier: Apache-2.0
#include "accounts/user_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <string.h>

static const char sql_find[] =
    "SELECT name, role, password_hash, created_ms"
    "  FROM user"
    " WHERE name = :name";

static const char sql_list[] =
    "SELECT name, role, created_ms"
    "  FROM user"
    " ORDER BY name";

static const char sql_add[] =
    "INSERT INTO user(name, role, password_hash, created_ms)"
    " VALUES (:name, :role, :password_hash, :created_ms)";

static const char sql_set_password[] =
    "UPDATE user"
    "   SET password_hash = :password_hash"
    " WHERE name = :name";

static const char sql_revoke[] =
    "DELETE FROM token"
    " WHERE user = :name";

static const char sql_remove[] =
    "DELETE FROM user"
    " WHERE name = :name"
    "   AND (role <> 'admin' OR (SELECT count(*) FROM user WHERE role = 'admin') > 1)";

static int no_user(const char *name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no user %.64s", name);
}

int users_find(struct db *db, const char *name, struct mem *mem, struct user *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_find, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    n = query_next(&q, user_fields, ret, mem, err);
    if (n == 0)
        return no_user(name, err);
    return n < 0 ? -1 : 0;
}

int users_list(struct db *db, struct mem *mem, struct list *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(freep) struct user *users = NULL;
    struct user user = {0};
    size_t len = 0;
    int n;

    if (query_start(&q, db, sql_list, NULL, err) < 0)
        return -1;
    while ((n = query_next(&q, user_fields, &user, mem, err)) > 0) {
        users = xrealloc(users, (len + 1) * sizeof *users);
        users[len++] = user;
    }
    if (n < 0)
        return -1;
    *ret = (struct list){ mem_dup(mem, users, len * sizeof *users), len };
    return 0;
}

int users_add(struct db *db, const struct user *user, struct err *err)
{
    int n = db_run(db, sql_add,
                   BINDS(BIND_T(":name", user->name), BIND_T(":role", user->role),
                         BIND_T(":password_hash", user->password_hash),
                         BIND_I(":created_ms", user->created_ms)),
                   err);

    if (n < 0 && err->kind == ERR_CONFLICT)
        return err_set(err, ERR_CONFLICT, "there is a user %s already", user->name);
    return n < 0 ? -1 : 0;
}

int users_set_password(struct db *db, const char *name, const char *hash, struct err *err)
{
    int n = db_run(db, sql_set_password,
                   BINDS(BIND_T(":name", name), BIND_T(":password_hash", hash)), err);

    if (n < 0)
        return -1;
    if (n == 0)
        return no_user(name, err);
    return db_run(db, sql_revoke, BINDS(BIND_T(":name", name)), err) < 0 ? -1 : 0;
}

/* Nothing was removed: why? */
static int refuse_remove(struct db *db, const char *name, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct user user = {0};

    if (users_find(db, name, mem, &user, err) < 0)
        return -1;
    return err_set(err, ERR_CONFLICT, "%s is the last administrator; add another one first", name);
}

int users_remove(struct db *db, const char *name, struct err *err)
{
    int n = db_run(db, sql_remove, BINDS(BIND_T(":name", name)), err);

    if (n < 0)
        return -1;
    return n == 0 ? refuse_remove(db, name, err) : 0;
}
