// SPDX-License-Identifier: Apache-2.0
#include "accounts/jwt.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char key[JWT_KEY_BYTES] = "a key that is thirty-two long..";
static const struct jwt ann = { "ann", "00112233445566778899aabbccddeeff", 1000, 2000 };

static char *make(void)
{
    struct text t = {0};

    jwt_write(key, &ann, "admin", &t);
    return text_take(&t);
}

static char *base64(const char *data, size_t len)
{
    static char out[1024];

    return sodium_bin2base64(out, sizeof out, (const unsigned char *)data, len,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A token with a right signature over any header and claims. */
static void sign(const char *header, const char *claims, char *out, size_t size)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    size_t len;

    len = (size_t)snprintf(out, size, "%s.", base64(header, strlen(header)));
    len += (size_t)snprintf(out + len, size - len, "%s", base64(claims, strlen(claims)));
    crypto_auth_hmacsha256(mac, (const unsigned char *)out, len, key);
    snprintf(out + len, size - len, ".%s", base64((const char *)mac, sizeof mac));
}

static void what_was_written_is_read_back(void **state)
{
    CLEANUP(freep) char *token = make();
    struct err err = {0};
    struct jwt jwt;

    (void)state;
    assert_int_equal(jwt_read(key, token, 1999, &jwt, &err), 0);
    assert_string_equal(jwt.user, "ann");
    assert_string_equal(jwt.jti, ann.jti);
    assert_int_equal(jwt.issued_s, 1000);
    assert_int_equal(jwt.expires_s, 2000);
}

static void clients_can_read_the_claims_without_the_key(void **state)
{
    CLEANUP(freep) char *token = make();
    const char *middle = strchr(token, '.') + 1;
    char claims[1024];
    json_t *json;
    size_t len;

    (void)state;
    assert_int_equal(sodium_base642bin((unsigned char *)claims, sizeof claims, middle,
                                       (size_t)(strrchr(token, '.') - middle), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
    json = json_loadb(claims, len, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "username")), "ann");
    assert_string_equal(json_string_value(json_object_get(json, "sub")), "ann");
    assert_string_equal(json_string_value(json_object_get(json, "uid")), "ann");
    assert_string_equal(json_string_value(json_object_get(json, "role")), "admin");
    assert_true(json_is_array(json_object_get(json, "permissions")));
    assert_true(json_is_array(json_object_get(json, "groups")));
    assert_true(json_is_string(json_object_get(json, "iss")));
    assert_true(json_is_string(json_object_get(json, "aud")));
    assert_true(json_is_string(json_object_get(json, "jti")));
    assert_int_equal(json_integer_value(json_object_get(json, "iat")), 1000);
    assert_int_equal(json_integer_value(json_object_get(json, "exp")), 2000);
    json_decref(json);
}

/* The signature is HMAC-SHA256 over everything before the last dot (RFC 7515, appendix A.1). */
static void the_form_is_that_of_rfc_7515(void **state)
{
    CLEANUP(freep) char *token = make();
    unsigned char mac[crypto_auth_hmacsha256_BYTES], own[crypto_auth_hmacsha256_BYTES];
    const char *signature = strrchr(token, '.') + 1;
    size_t len;

    (void)state;
    assert_int_equal(strncmp(token, base64("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", 27), 36), 0);
    assert_int_equal(sodium_base642bin(mac, sizeof mac, signature, strlen(signature), NULL, &len,
                                       NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    crypto_auth_hmacsha256(own, (const unsigned char *)token, (size_t)(signature - 1 - token), key);
    assert_memory_equal(mac, own, sizeof mac);
}

static void an_expired_token_is_said_to_be_expired(void **state)
{
    CLEANUP(freep) char *token = make();
    struct err err = {0};
    struct jwt jwt;

    (void)state;
    assert_int_equal(jwt_read(key, token, 2000, &jwt, &err), -1);
    assert_int_equal(err.kind, ERR_NO_LOGIN);
    assert_non_null(strstr(err.text, "expired"));
}

static void no_byte_of_a_token_can_be_changed(void **state)
{
    CLEANUP(freep) char *token = make();
    struct jwt jwt;

    (void)state;
    for (char *c = token; *c; c++) {
        struct err err = {0};
        char old = *c;

        *c = old == 'A' ? 'B' : 'A';
        assert_int_equal(jwt_read(key, token, 1500, &jwt, &err), -1);
        assert_int_equal(err.kind, ERR_NO_LOGIN);
        *c = old;
    }
}

static void no_beginning_of_a_token_is_a_token(void **state)
{
    CLEANUP(freep) char *token = make();
    struct jwt jwt;

    (void)state;
    for (size_t len = strlen(token); len-- > 0;) {
        struct err err = {0};

        token[len] = '\0';
        assert_int_equal(jwt_read(key, token, 1500, &jwt, &err), -1);
    }
}

static void another_key_or_another_algorithm_is_refused(void **state)
{
    static const char claims[] = "{\"sub\":\"ann\",\"jti\":\"1\",\"iat\":1000,\"exp\":2000}";
    CLEANUP(freep) char *token = make();
    unsigned char other[JWT_KEY_BYTES] = {0};
    struct err err = {0};
    struct jwt jwt;
    char forged[1024];

    (void)state;
    assert_int_equal(jwt_read(other, token, 1500, &jwt, &err), -1);
    sign("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims, forged, sizeof forged);
    assert_int_equal(jwt_read(key, forged, 1500, &jwt, &err), 0);      /* the forger works */
    sign("{\"alg\":\"none\",\"typ\":\"JWT\"}", claims, forged, sizeof forged);
    assert_int_equal(jwt_read(key, forged, 1500, &jwt, &err), -1);
    strrchr(forged, '.')[1] = '\0';
    assert_int_equal(jwt_read(key, forged, 1500, &jwt, &err), -1);
    sign("{\"alg\":\"RS256\",\"typ\":\"JWT\"}", claims, forged, sizeof forged);
    assert_int_equal(jwt_read(key, forged, 1500, &jwt, &err), -1);
}

static void signed_claims_that_are_not_ours_are_refused(void **state)
{
    static const char *const claims[] = {
        "", "null", "[]", "{}", "{\"sub\":\"ann\"}",
        "{\"sub\":\"ann\",\"jti\":\"1\",\"iat\":1000}",
        "{\"sub\":\"\",\"jti\":\"1\",\"iat\":1000,\"exp\":2000}",
        "{\"sub\":{},\"jti\":\"1\",\"iat\":1000,\"exp\":2000}",
        "{\"sub\":\"ann\",\"jti\":\"1\",\"iat\":1000,\"exp\":2000,\"exp\":9000}",
        "{\"sub\":\"ann\",\"jti\":\"000000000000000000000000000000000\",\"iat\":1000,\"exp\":2000}",
    };
    char token[1024];
    struct jwt jwt;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
        struct err err = {0};

        sign("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims[i], token, sizeof token);
        assert_int_equal(jwt_read(key, token, 1500, &jwt, &err), -1);
        assert_int_equal(err.kind, ERR_NO_LOGIN);
    }
}

static void a_token_of_any_length_is_refused_quietly(void **state)
{
    char *token = malloc(100000);
    struct err err = {0};
    struct jwt jwt;

    (void)state;
    assert_non_null(token);
    memset(token, 'e', 99999);
    token[99999] = '\0';
    assert_int_equal(jwt_read(key, token, 1500, &jwt, &err), -1);
    assert_int_equal(err.kind, ERR_NO_LOGIN);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(clients_can_read_the_claims_without_the_key),
        cmocka_unit_test(the_form_is_that_of_rfc_7515),
        cmocka_unit_test(an_expired_token_is_said_to_be_expired),
        cmocka_unit_test(no_byte_of_a_token_can_be_changed),
        cmocka_unit_test(no_beginning_of_a_token_is_a_token),
        cmocka_unit_test(another_key_or_another_algorithm_is_refused),
        cmocka_unit_test(signed_claims_that_are_not_ours_are_refused),
        cmocka_unit_test(a_token_of_any_length_is_refused_quietly),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
