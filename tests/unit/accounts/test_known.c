// SPDX-License-Identifier: Apache-2.0
#include "accounts/known.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct login_key key1 = { "one" }, key2 = { "two" };
static const struct who ann = { .user = "ann", .role = USER, .token_id = 7, .until_ms = 1000 };
static const struct who bob = { .user = "bob", .role = ADMIN, .until_ms = 1000 };

static void known_freep(struct known **k) { known_free(*k); }

static void what_was_added_is_found_until_its_time(void **state)
{
    CLEANUP(known_freep) struct known *k = known_new();
    struct who who;

    (void)state;
    assert_false(known_find(k, &key1, 0, &who));
    known_add(k, &key1, &ann, known_epoch(k));
    assert_true(known_find(k, &key1, 999, &who));
    assert_string_equal(who.user, "ann");
    assert_int_equal(who.role, USER);
    assert_false(known_find(k, &key1, 1000, &who));
    assert_false(known_find(k, &key2, 0, &who));
}

static void a_key_that_differs_only_in_its_tail_is_another(void **state)
{
    CLEANUP(known_freep) struct known *k = known_new();
    struct login_key near = key1;
    struct who who;

    (void)state;
    known_add(k, &key1, &ann, known_epoch(k));
    near.bytes[KNOWN_KEY_BYTES - 1] ^= 1;       /* the same place */
    assert_false(known_find(k, &near, 0, &who));
    known_drop(k, &near);
    assert_true(known_find(k, &key1, 0, &who));
    known_add(k, &near, &bob, known_epoch(k));
    assert_false(known_find(k, &key1, 0, &who));
}

static void a_user_is_forgotten_at_once(void **state)
{
    CLEANUP(known_freep) struct known *k = known_new();
    struct who who;

    (void)state;
    known_add(k, &key1, &ann, known_epoch(k));
    known_add(k, &key2, &bob, known_epoch(k));
    known_forget_user(k, "ann");
    assert_false(known_find(k, &key1, 0, &who));
    assert_true(known_find(k, &key2, 0, &who));
}

static void a_token_is_forgotten_at_once(void **state)
{
    CLEANUP(known_freep) struct known *k = known_new();
    struct who who;

    (void)state;
    known_add(k, &key1, &ann, known_epoch(k));
    known_add(k, &key2, &bob, known_epoch(k));
    known_forget_token(k, 7);
    assert_false(known_find(k, &key1, 0, &who));
    assert_true(known_find(k, &key2, 0, &who));
}

static void a_proof_older_than_the_last_change_is_not_remembered(void **state)
{
    CLEANUP(known_freep) struct known *k = known_new();
    uint64_t epoch = known_epoch(k);
    struct who who;

    (void)state;
    known_forget_user(k, "ann");        /* while ann's old password was being checked */
    known_add(k, &key1, &ann, epoch);
    assert_false(known_find(k, &key1, 0, &who));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_its_time),
        cmocka_unit_test(a_key_that_differs_only_in_its_tail_is_another),
        cmocka_unit_test(a_user_is_forgotten_at_once),
        cmocka_unit_test(a_token_is_forgotten_at_once),
        cmocka_unit_test(a_proof_older_than_the_last_change_is_not_remembered),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
