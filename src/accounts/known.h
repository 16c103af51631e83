// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Credentials that were found good a moment ago, so that a request with them costs microseconds and
 * no SQL. Holds keyed hashes, never passwords or tokens. Bounded: a new entry may push out another.
 * Thread-safe. */

#include "accounts/jwt.h"
#include "base/cleanup.h"
#include "http/call.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    KNOWN_KEY_BYTES = 32,
    KNOWN_PROOF_BYTES = 16,
    KNOWN_CHECK_MS = 2000,      /* another process may change accounts; this late we notice */
};

struct known;

struct login_key {              /* a keyed hash of the credential */
    unsigned char bytes[KNOWN_KEY_BYTES];
};

struct who {
    char user[JWT_USER_BYTES];
    enum role role;
    int64_t token_id;                           /* 0: signed in by password */
    unsigned char proof[KNOWN_PROOF_BYTES];     /* of the row it was checked against */
    int64_t checked_ms;                         /* against the row; monotonic clock */
    int64_t until_ms;                           /* not remembered longer; monotonic clock */
};

struct known *known_new(void);
void known_free(struct known *k);       /* NULL is fine */

/* False when unknown or no longer remembered. The caller compares who.checked_ms with
 * KNOWN_CHECK_MS. */
bool known_find(struct known *k, const struct login_key *key, int64_t now_ms, struct who *ret);

/* Changes with every known_forget(): take it before reading the row that proves the credential. */
uint64_t known_epoch(struct known *k);

/* Remembers, unless something was forgotten since `epoch`: the proof may be older than it. */
void known_add(struct known *k, const struct login_key *key, const struct who *who, uint64_t epoch);

void known_drop(struct known *k, const struct login_key *key);
void known_forget_user(struct known *k, const char *user);
void known_forget_token(struct known *k, int64_t token_id);
