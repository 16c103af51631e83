// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tokens handed out at logon: JWTs signed with HS256 (RFC 7515, RFC 7519), of one form only. */

#include <stdint.h>

struct err;
struct text;

enum {
    JWT_KEY_BYTES = 32,
    JWT_USER_BYTES = 65,        /* of a name, with its NUL */
    JWT_JTI_BYTES = 33,         /* 32 hex digits and a NUL */
};

struct jwt {
    char user[JWT_USER_BYTES];
    char jti[JWT_JTI_BYTES];    /* random: what the row of the token is found by */
    int64_t issued_s;           /* Unix time */
    int64_t expires_s;
};

/* Appends the token. Claims: username, sub and uid are the user; role, permissions and groups say
 * the role, for clients to show; the server goes by the account's row. */
void jwt_write(const unsigned char key[JWT_KEY_BYTES], const struct jwt *jwt, const char *role,
               struct text *out);

/* Reads a token back. Nothing of it is looked at before its signature is right; a header other than
 * the one jwt_write() makes ("alg": "none" for instance) is refused. ERR_NO_LOGIN: not made with
 * this key, changed, or expired (the sentence says which). */
int jwt_read(const unsigned char key[JWT_KEY_BYTES], const char *token, int64_t now_s,
             struct jwt *ret, struct err *err);
