// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Rows of the tokens handed out, found by the hash of their random id, and the signing key. */

#include "base/field.h"

struct db;
struct err;
struct mem;

enum { JTI_HASH_BYTES = 32 };

struct token {
    int64_t id;
    const char *user;
    const char *role;           /* of the user, now */
    const char *kind;           /* "bearer" or "session" */
    int64_t created_ms;
    int64_t expires_ms;
};

extern const struct field token_fields[];

/* Also forgets the tokens that have expired. */
int tokens_add(struct db *db, const struct token *token, const unsigned char *jti_hash,
               struct err *err);

int tokens_find(struct db *db, const unsigned char *jti_hash, struct mem *mem, struct token *ret,
                struct err *err);       /* ERR_NOT_FOUND */
int tokens_list(struct db *db, const char *user /* NULL: all */, struct mem *mem, struct list *ret,
                struct err *err);       /* of struct token that are still good, oldest first */

/* `user` NULL: whoever owns it. ERR_NOT_FOUND also for a token of someone else. */
int tokens_remove(struct db *db, int64_t id, const char *user, struct err *err);
int tokens_remove_hash(struct db *db, const unsigned char *jti_hash, struct err *err);
                            /* absent is fine */

/* The secret of that name; `fresh` is stored and returned when there is none yet. */
int secrets_keep(struct db *db, const char *name, const unsigned char *fresh, unsigned char *ret,
                 size_t len, struct err *err);
