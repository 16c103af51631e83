// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an Authorization header and as a token: what is read is text, and nothing but a
 * token made with the key is believed. */

#include "accounts/credentials.h"
#include "accounts/jwt.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[JWT_KEY_BYTES] = "a key that no input can contain";

static void read_token(const char *token)
{
    struct err err = {0};
    struct jwt jwt;

    assert(jwt_read(key, token, 0, &jwt, &err) < 0);
    assert(err.kind == ERR_NO_LOGIN && err.text[0]);
}

/* Signs the bytes as if they were claims, so that the reader behind the signature is reached too.
 */
static void read_signed(const char *claims, size_t len)
{
    static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
    CLEANUP(text_done) struct text token = {0};
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char encoded[2048];
    struct err err = {0};
    struct jwt jwt;

    if (len > 1400)
        return;
    text_add(&token, header);
    text_add(&token, sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)claims, len,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    crypto_auth_hmacsha256(mac, (const unsigned char *)token.data, token.len, key);
    text_add_char(&token, '.');
    text_add(&token, sodium_bin2base64(encoded, sizeof encoded, mac, sizeof mac,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    if (jwt_read(key, token.data, 0, &jwt, &err) == 0)
        assert(jwt.user[0] && jwt.jti[0] && jwt.expires_s > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *header = mem_strndup(mem, (const char *)data, size);
    struct credentials cr = {0};
    struct err err = {0};

    if (sodium_init() < 0)
        return 0;
    if (credentials_parse(header, mem, &cr, &err) < 0)
        assert(err.kind == ERR_NO_LOGIN);
    else if (cr.login == LOGIN_BASIC)
        assert(cr.user && cr.password && !strchr(cr.user, ':'));
    else
        read_token(cr.token);
    read_token(header);
    read_signed((const char *)data, size);
    return 0;
}
