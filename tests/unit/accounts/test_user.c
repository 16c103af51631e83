// SPDX-License-Identifier: Apache-2.0
#include "accounts/user.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void names_are_letters_digits_and_three_signs(void **state)
{
    static const char *const good[] = { "a", "Admin", "ann.b-c_d", "_x", "9lives" };
    static const char *const bad[] = { "",    ".",   "..",  "-x",       ".x",
                                       "a b", "a/b", "a:b", "\xc3\xa9", "a\nb" };
    char longest[66];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(user_name_ok(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(user_name_ok(bad[i]));
    memset(longest, 'a', sizeof longest);
    longest[64] = '\0';
    assert_true(user_name_ok(longest));
    longest[64] = 'a';
    longest[65] = '\0';
    assert_false(user_name_ok(longest));
}

static void roles_round_trip(void **state)
{
    (void)state;
    assert_int_equal(role_parse(role_name(USER)), USER);
    assert_int_equal(role_parse(role_name(ADMIN)), ADMIN);
    assert_int_equal(role_parse("root"), ANYONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_letters_digits_and_three_signs),
        cmocka_unit_test(roles_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
