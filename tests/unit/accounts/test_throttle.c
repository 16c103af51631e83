// SPDX-License-Identifier: Apache-2.0
#include "accounts/throttle.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void fail_times(struct throttle *t, const char *user, const char *address, int n,
                       int64_t now_ms)
{
    for (int i = 0; i < n; i++)
        throttle_failed(t, user, address, now_ms);
}

static void the_wait_begins_after_five_and_doubles_to_a_minute(void **state)
{
    static const int64_t waits[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();

    (void)state;
    fail_times(t, "ann", "::1", 5, 0);
    assert_int_equal(throttle_wait_ms(t, "ann", "::1", 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        throttle_failed(t, "ann", "::1", 0);
        assert_int_equal(throttle_wait_ms(t, "ann", "::1", 0), waits[i]);
    }
    assert_int_equal(throttle_wait_ms(t, "ann", "::1", 59000), 1000);
    assert_int_equal(throttle_wait_ms(t, "ann", "::1", 60000), 0);
}

static void the_owner_elsewhere_is_not_locked_out(void **state)
{
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();

    (void)state;
    fail_times(t, "ann", "10.0.0.1", 20, 0);
    assert_true(throttle_wait_ms(t, "ann", "10.0.0.1", 0) > 0);
    assert_int_equal(throttle_wait_ms(t, "ann", "10.0.0.2", 0), 0);
    assert_int_equal(throttle_wait_ms(t, "bob", "10.0.0.1", 0), 0);
}

static void an_address_that_tries_many_accounts_is_slowed(void **state)
{
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();
    char name[16];

    (void)state;
    for (int i = 0; i < 31; i++) {
        snprintf(name, sizeof name, "user%d", i);
        throttle_failed(t, name, "10.0.0.1", 0);
    }
    assert_int_equal(throttle_wait_ms(t, "never-tried", "10.0.0.1", 0), 1000);
    assert_int_equal(throttle_wait_ms(t, "never-tried", "10.0.0.2", 0), 0);
}

static void guessing_one_account_from_many_addresses_is_slowed_a_little(void **state)
{
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();
    char address[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(address, sizeof address, "10.0.0.%d", i);
        throttle_failed(t, "ann", address, 0);
    }
    assert_int_equal(throttle_wait_ms(t, "ann", "10.1.0.1", 0), 10000);
    assert_int_equal(throttle_wait_ms(t, "bob", "10.1.0.1", 0), 0);
}

static void a_right_password_clears_the_account_from_that_address(void **state)
{
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();

    (void)state;
    fail_times(t, "ann", "::1", 8, 0);
    throttle_succeeded(t, "ann", "::1");
    assert_int_equal(throttle_wait_ms(t, "ann", "::1", 0), 0);
}

static void after_a_quarter_of_an_hour_it_is_forgotten(void **state)
{
    enum { LATER_MS = 15 * 60 * 1000 + 1 };
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();

    (void)state;
    fail_times(t, "ann", "::1", 20, 0);
    throttle_failed(t, "ann", "::1", LATER_MS);
    assert_int_equal(throttle_wait_ms(t, "ann", "::1", LATER_MS), 0);
}

static void a_flood_of_names_does_not_lift_the_wait_of_its_address(void **state)
{
    CLEANUP(throttle_freep) struct throttle *t = throttle_new();
    char name[16];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        throttle_failed(t, name, "10.0.0.1", i);
    }
    assert_true(throttle_wait_ms(t, "ann", "10.0.0.1", 20000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_begins_after_five_and_doubles_to_a_minute),
        cmocka_unit_test(the_owner_elsewhere_is_not_locked_out),
        cmocka_unit_test(an_address_that_tries_many_accounts_is_slowed),
        cmocka_unit_test(guessing_one_account_from_many_addresses_is_slowed_a_little),
        cmocka_unit_test(a_right_password_clears_the_account_from_that_address),
        cmocka_unit_test(after_a_quarter_of_an_hour_it_is_forgotten),
        cmocka_unit_test(a_flood_of_names_does_not_lift_the_wait_of_its_address),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
