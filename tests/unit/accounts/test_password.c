// SPDX-License-Identifier: Apache-2.0
#include "accounts/password.h"

#include "base/clock.h"
#include "base/err.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void only_the_right_password_matches(void **state)
{
    char hash[PASSWORD_HASH_BYTES], again[PASSWORD_HASH_BYTES];
    struct err err = {0};

    (void)state;
    assert_int_equal(password_hash("correct horse", hash, &err), 0);
    assert_int_equal(password_hash("correct horse", again, &err), 0);
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_string_not_equal(hash, again);
    assert_true(password_matches(hash, "correct horse"));
    assert_false(password_matches(hash, "correct horsf"));
    assert_false(password_matches(hash, ""));
}

/* Generous bounds: the point is that neither is skipped. */
static void an_account_that_does_not_exist_takes_as_long(void **state)
{
    char hash[PASSWORD_HASH_BYTES];
    struct err err = {0};
    int64_t start, wrong, nobody;

    (void)state;
    assert_int_equal(password_hash("correct horse", hash, &err), 0);
    start = clock_mono_ns();
    assert_false(password_matches(hash, "wrong"));
    wrong = clock_mono_ns() - start;
    start = clock_mono_ns();
    assert_false(password_matches(NULL, "wrong"));
    nobody = clock_mono_ns() - start;
    assert_true(nobody > wrong / 8);
}

static void lengths_are_limited(void **state)
{
    char longest[PASSWORD_MAX + 2];
    struct err err = {0};

    (void)state;
    assert_int_equal(password_check("1234567", &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.field, "password");
    assert_int_equal(password_check("12345678", &err), 0);
    memset(longest, 'x', sizeof longest);
    longest[PASSWORD_MAX] = '\0';
    assert_int_equal(password_check(longest, &err), 0);
    longest[PASSWORD_MAX] = 'x';
    longest[PASSWORD_MAX + 1] = '\0';
    assert_int_equal(password_check(longest, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_password_matches),
        cmocka_unit_test(an_account_that_does_not_exist_takes_as_long),
        cmocka_unit_test(lengths_are_limited),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
