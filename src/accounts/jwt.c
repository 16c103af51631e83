// SPDX-License-Identifier: Apache-2.0
#include "accounts/jwt.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/field.h"
#include "base/mem.h"
#include "base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
    TOKEN_MAX_BYTES = 2048,     /* ours have about 500 */
};

/* {"alg":"HS256","typ":"JWT"} */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

struct claims {
    const char *sub, *jti;
    int64_t iat, exp;
};

static const struct field claims_fields[] = {
    { "sub", TEXT(struct claims, sub), .required = true, .min = 1, .max = JWT_USER_BYTES - 1 },
    { "jti", TEXT(struct claims, jti), .required = true, .min = 1, .max = JWT_JTI_BYTES - 1 },
    { "iat", INT(struct claims, iat), .required = true },
    { "exp", INT(struct claims, exp), .required = true },
    { .type = FIELD_END },
};

static void add_base64(struct text *out, const void *data, size_t len)
{
    size_t size = sodium_base64_ENCODED_LEN(len, VARIANT);
    CLEANUP(freep) char *encoded = xcalloc(size, 1);

    sodium_bin2base64(encoded, size, data, len, VARIANT);
    text_add(out, encoded);
}

static void add_claims(struct text *t, const struct jwt *jwt, const char *role)
{
    static const char *const names[] = { "username", "sub", "uid" };

    text_add_char(t, '{');
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        text_addf(t, "\"%s\":", names[i]);
        text_add_json(t, jwt->user);
        text_add_char(t, ',');
    }
    text_addf(t, "\"role\":\"%s\",\"permissions\":[\"%s\"],\"groups\":[\"%s\"],", role, role, role);
    text_add(t, "\"iss\":\"trainyard\",\"aud\":\"trainyard\",\"iat\":");
    text_add_int(t, jwt->issued_s);
    text_add(t, ",\"exp\":");
    text_add_int(t, jwt->expires_s);
    text_add(t, ",\"jti\":");
    text_add_json(t, jwt->jti);
    text_add_char(t, '}');
}

void jwt_write(const unsigned char key[JWT_KEY_BYTES], const struct jwt *jwt, const char *role,
               struct text *out)
{
    CLEANUP(text_done) struct text claims = {0};
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    size_t start = out->len;

    add_claims(&claims, jwt, role);
    text_add(out, header);
    add_base64(out, claims.data, claims.len);
    crypto_auth_hmacsha256(mac, (const unsigned char *)out->data + start, out->len - start, key);
    text_add_char(out, '.');
    add_base64(out, mac, sizeof mac);
}

static int not_ours(struct err *err)
{
    return err_set(err, ERR_NO_LOGIN,
                   "the token is not one that this server handed out; log on again");
}

static int read_claims(const char *base64, size_t len, struct jwt *ret, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    char claims[TOKEN_MAX_BYTES];
    struct claims c;
    json_t *json;
    size_t size;
    int rc;

    if (sodium_base642bin((unsigned char *)claims, sizeof claims, base64, len, NULL, &size, NULL,
                          VARIANT) != 0)
        return not_ours(err);
    json = json_loadb(claims, size, JSON_REJECT_DUPLICATES, NULL);
    rc = json_is_object(json) ? fields_from_json(claims_fields, json, &c, mem, err) : -1;
    json_decref(json);
    if (rc < 0)
        return not_ours(err);
    snprintf(ret->user, sizeof ret->user, "%s", c.sub);
    snprintf(ret->jti, sizeof ret->jti, "%s", c.jti);
    ret->issued_s = c.iat;
    ret->expires_s = c.exp;
    return 0;
}

int jwt_read(const unsigned char key[JWT_KEY_BYTES], const char *token, int64_t now_s,
             struct jwt *ret, struct err *err)
{
    const char *claims = token + sizeof header - 1, *dot;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct jwt jwt = {0};
    size_t len;

    if (strlen(token) > TOKEN_MAX_BYTES || !text_starts(token, header))
        return not_ours(err);
    dot = strchr(claims, '.');
    if (!dot)
        return not_ours(err);
    if (sodium_base642bin(mac, sizeof mac, dot + 1, strlen(dot + 1), NULL, &len, NULL, VARIANT) != 0)
        return not_ours(err);
    if (len != sizeof mac)
        return not_ours(err);
    if (crypto_auth_hmacsha256_verify(mac, (const unsigned char *)token, (size_t)(dot - token),
                                      key) != 0)
        return not_ours(err);
    if (read_claims(claims, (size_t)(dot - claims), &jwt, err) < 0)
        return -1;
    if (jwt.expires_s <= now_s)
        return err_set(err, ERR_NO_LOGIN, "the token has expired; log on again");
    *ret = jwt;
    return 0;
}
