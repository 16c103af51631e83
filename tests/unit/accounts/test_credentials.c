// SPDX-License-Identifier: Apache-2.0
#include "accounts/credentials.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_scheme_is_read(void **state)
{
    static const struct {
        const char *header;
        enum login login;
        const char *user, *password, *token;
    } cases[] = {
        { "Basic YW5uOmFubi1zZWNyZXQ=", LOGIN_BASIC, "ann", "ann-secret", NULL },
        { "basic YW5uOmFubi1zZWNyZXQ", LOGIN_BASIC, "ann", "ann-secret", NULL },
        { "BASIC   YW5uOmFubi1zZWNyZXQ=", LOGIN_BASIC, "ann", "ann-secret", NULL },
        { "Basic YW5uOmE6Yjpj", LOGIN_BASIC, "ann", "a:b:c", NULL },
        { "Basic YW5uOg==", LOGIN_BASIC, "ann", "", NULL },
        { "Basic Og==", LOGIN_BASIC, "", "", NULL },
        { "Bearer a.b.c", LOGIN_TOKEN, NULL, NULL, "a.b.c" },
        { "bearer   a.b.c ", LOGIN_TOKEN, NULL, NULL, "a.b.c" },
        { "PlatformToken token=a.b.c", LOGIN_TOKEN, NULL, NULL, "a.b.c" },
        { "PlatformToken token=\"a.b.c\"", LOGIN_TOKEN, NULL, NULL, "a.b.c" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct credentials cr = {0};
        struct err err = {0};

        assert_int_equal(credentials_parse(cases[i].header, mem, &cr, &err), 0);
        assert_int_equal(cr.login, cases[i].login);
        if (cases[i].token) {
            assert_string_equal(cr.token, cases[i].token);
            continue;
        }
        assert_string_equal(cr.user, cases[i].user);
        assert_string_equal(cr.password, cases[i].password);
    }
}

static void what_cannot_be_read_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *header, *says;
    } cases[] = {
        { "Digest username=ann", "expected Basic, Bearer or PlatformToken" },
        { "Basics YW5uOg==", "expected Basic" },
        { "YW5uOg==", "expected Basic" },
        { "Basic", "user:password" },
        { "Basic !!!", "base64" },
        { "Basic YW5u", "user:password" },
        { "Basic YW5uOgBh", "NUL" },
        { "Bearer", "needs a token" },
        { "PlatformToken a.b.c", "token=" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct credentials cr = {0};
        struct err err = {0};

        assert_int_equal(credentials_parse(cases[i].header, mem, &cr, &err), -1);
        assert_int_equal(err.kind, ERR_NO_LOGIN);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].header, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_is_read),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_the_reason),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
