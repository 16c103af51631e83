// SPDX-License-Identifier: Apache-2.0
#include "accounts/token_store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <inttypes.h>
#include <string.h>

const struct field token_fields[] = {
    { "id", INT(struct token, id), .format = "int64", .doc = "what DELETE takes" },
    { "user", TEXT(struct token, user), .doc = "who signs in with it" },
    { "role", TEXT(struct token, role), .hidden = true },
    { "kind", TEXT(struct token, kind), ALLOWED("bearer", "session"),
      .doc = "bearer: sent in a header; session: a cookie" },
    { "created_ms", INT(struct token, created_ms), .format = "int64", .unit = "ms",
      .doc = "Unix time" },
    { "expires_ms", INT(struct token, expires_ms), .format = "int64", .unit = "ms",
      .doc = "Unix time" },
    { .type = FIELD_END },
};

static const char sql_add[] =
    "INSERT INTO token(jti_hash, user, kind, created_ms, expires_ms)"
    " VALUES (:jti_hash, :user, :kind, :created_ms, :expires_ms)";

static const char sql_forget[] =
    "DELETE FROM token"
    " WHERE expires_ms < :now_ms";

static const char sql_find[] =
    "SELECT token.id, token.user, user.role, token.kind, token.created_ms, token.expires_ms"
    "  FROM token JOIN user ON user.name = token.user"
    " WHERE jti_hash = :jti_hash";

static const char sql_list[] =
    "SELECT id, user, kind, created_ms, expires_ms"
    "  FROM token"
    " WHERE (:user IS NULL OR user = :user) AND expires_ms >= :now_ms"
    " ORDER BY id";

static const char sql_remove[] =
    "DELETE FROM token"
    " WHERE id = :id AND (:user IS NULL OR user = :user)";

static const char sql_remove_hash[] =
    "DELETE FROM token"
    " WHERE jti_hash = :jti_hash";

static const char sql_keep_secret[] =
    "INSERT INTO secret(name, value)"
    " VALUES (:name, :value)"
    " ON CONFLICT (name) DO NOTHING";

static const char sql_find_secret[] =
    "SELECT value"
    "  FROM secret"
    " WHERE name = :name";

int tokens_add(struct db *db, const struct token *token, const unsigned char *jti_hash,
               struct err *err)
{
    if (db_run(db, sql_forget, BINDS(BIND_I(":now_ms", clock_unix_ms())), err) < 0)
        return -1;
    return db_run(db, sql_add,
                  BINDS(BIND_B(":jti_hash", jti_hash, JTI_HASH_BYTES), BIND_T(":user", token->user),
                        BIND_T(":kind", token->kind), BIND_I(":created_ms", token->created_ms),
                        BIND_I(":expires_ms", token->expires_ms)),
                  err) < 0 ? -1 : 0;
}

int tokens_find(struct db *db, const unsigned char *jti_hash, struct mem *mem, struct token *ret,
                struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_find, BINDS(BIND_B(":jti_hash", jti_hash, JTI_HASH_BYTES)), err) <
        0)
        return -1;
    n = query_next(&q, token_fields, ret, mem, err);
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such token");
    return n < 0 ? -1 : 0;
}

int tokens_list(struct db *db, const char *user, struct mem *mem, struct list *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    CLEANUP(freep) struct token *tokens = NULL;
    struct token token = {0};
    size_t len = 0;
    int n;

    if (query_start(&q, db, sql_list,
                    BINDS(BIND_T(":user", user), BIND_I(":now_ms", clock_unix_ms())), err) < 0)
        return -1;
    while ((n = query_next(&q, token_fields, &token, mem, err)) > 0) {
        tokens = xrealloc(tokens, (len + 1) * sizeof *tokens);
        tokens[len++] = token;
    }
    if (n < 0)
        return -1;
    *ret = (struct list){ mem_dup(mem, tokens, len * sizeof *tokens), len };
    return 0;
}

int tokens_remove(struct db *db, int64_t id, const char *user, struct err *err)
{
    int n = db_run(db, sql_remove, BINDS(BIND_I(":id", id), BIND_T(":user", user)), err);

    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no token %" PRId64, id);
    return n < 0 ? -1 : 0;
}

int tokens_remove_hash(struct db *db, const unsigned char *jti_hash, struct err *err)
{
    return db_run(db, sql_remove_hash, BINDS(BIND_B(":jti_hash", jti_hash, JTI_HASH_BYTES)), err) <
                   0
               ? -1
               : 0;
}

int secrets_keep(struct db *db, const char *name, const unsigned char *fresh, unsigned char *ret,
                 size_t len, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    const void *value;
    size_t stored;

    if (db_run(db, sql_keep_secret, BINDS(BIND_T(":name", name), BIND_B(":value", fresh, len)),
               err) < 0)
        return -1;
    if (query_start(&q, db, sql_find_secret, BINDS(BIND_T(":name", name)), err) < 0
        || query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    value = query_blob(&q, 0, &stored);
    if (stored != len)
        return err_set(err, ERR_INTERNAL, "the secret %s in the database is damaged", name);
    memcpy(ret, value, len);
    return 0;
}
