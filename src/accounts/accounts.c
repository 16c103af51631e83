// SPDX-License-Identifier: Apache-2.0
#include "accounts/accounts.h"

#include "accounts/identity.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/writer.h"

#include <sodium.h>
#include <string.h>

struct key_pair {
    unsigned char fresh[JWT_KEY_BYTES];     /* used when the database has none yet */
    unsigned char kept[JWT_KEY_BYTES];
};

static int keep_key(struct db *db, void *arg, struct err *err)
{
    struct key_pair *keys = arg;

    return secrets_keep(db, "jwt", keys->fresh, keys->kept, JWT_KEY_BYTES, err);
}

static int make_keys(struct accounts *a, struct err *err)
{
    static const unsigned char purpose[] = "csrf";
    struct key_pair keys;

    randombytes_buf(keys.fresh, sizeof keys.fresh);
    if (writer_run(a->writer, keep_key, &keys, err) < 0)
        return -1;
    memcpy(a->jwt_key, keys.kept, sizeof a->jwt_key);
    crypto_generichash(a->csrf_key, sizeof a->csrf_key, purpose, sizeof purpose - 1, a->jwt_key,
                       sizeof a->jwt_key);
    randombytes_buf(a->hash_key, sizeof a->hash_key);
    sodium_memzero(&keys, sizeof keys);
    return 0;
}

struct accounts *accounts_new(const struct settings *settings, struct writer *writer,
                              struct err *err)
{
    struct accounts *a;

    if (sodium_init() < 0) {
        err_set(err, ERR_INTERNAL,
                "this machine offers no random numbers, so nobody could sign in");
        return NULL;
    }
    a = xcalloc(1, sizeof *a);
    a->settings = settings;
    a->writer = writer;
    a->known = known_new();
    a->throttle = throttle_new();
    if (make_keys(a, err) < 0) {
        accounts_free(a);
        return NULL;
    }
    return a;
}

void accounts_free(struct accounts *a)
{
    if (!a)
        return;
    known_free(a->known);
    throttle_free(a->throttle);
    sodium_memzero(a, sizeof *a);
    free(a);
}

struct identity accounts_identity(struct accounts *a)
{
    return (struct identity){ .identify = identify, .check_csrf = check_csrf, .ctx = a };
}
