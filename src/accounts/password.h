// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Passwords, stored as Argon2id in libsodium's text form. Hashing and checking take about 50 ms and
 * 64 MiB by design: not for the engine thread or HTTP threads. */

#include <stdbool.h>

struct err;

enum {
    PASSWORD_MIN = 8,           /* bytes */
    PASSWORD_MAX = 1024,
    PASSWORD_HASH_BYTES = 128,  /* libsodium's text form, with its NUL */
};

int password_check(const char *password, struct err *err);     /* ERR_BAD_INPUT: its length */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], struct err *err);

/* `hash` NULL (there is no such account) takes as long and is false. */
bool password_matches(const char *hash, const char *password);
