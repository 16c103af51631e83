// SPDX-License-Identifier: Apache-2.0
#include "accounts/password.h"

#include "base/err.h"

#include <sodium.h>
#include <string.h>

/* Of a random password nobody kept, with the limits of password_hash(): checking against it takes
 * as long as against a real one. */
static const char nobody[] =
    "$argon2id$v=19$m=65536,t=2,p=1$"
    "eJqxXAI+18b3xK35iBch8g$dKArkLaAMRwdL795AR5AEwdZvc2UN4IuiHlal6+jIdQ";

int password_check(const char *password, struct err *err)
{
    size_t len = strlen(password);

    if (len < PASSWORD_MIN)
        return err_field(err, "password", "8 to 1024 bytes",
                         "the password is too short: it needs at least %d characters",
                         PASSWORD_MIN);
    if (len > PASSWORD_MAX)
        return err_field(err, "password", "8 to 1024 bytes",
                         "the password is longer than %d bytes", PASSWORD_MAX);
    return 0;
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_BYTES], struct err *err)
{
    _Static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "libsodium's text form must fit");

    if (crypto_pwhash_str(ret_hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return err_set(err, ERR_INTERNAL, "not enough memory to hash a password");
    return 0;
}

bool password_matches(const char *hash, const char *password)
{
    bool same = crypto_pwhash_str_verify(hash ? hash : nobody, password, strlen(password)) == 0;

    return hash && same;
}
