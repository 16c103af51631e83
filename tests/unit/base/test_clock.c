// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void times_print_in_the_forms_of_the_api(void **state)
{
    char buf[32];

    (void)state;
    setenv("TZ", "UTC-2", 1);       /* two hours east */
    tzset();
    assert_string_equal(clock_utc_text(INT64_C(1767607200999), buf), "2026-01-05T10:00:00Z");
    assert_string_equal(clock_utc_text(0, buf), "1970-01-01T00:00:00Z");
    assert_string_equal(clock_local_text(INT64_C(1767607200999), buf), "2026-01-05 12:00:00");
}

static void spans_print_hours_of_any_length(void **state)
{
    static const struct { int64_t ms; const char *text; } known[] = {
        { 0, "00:00:00" }, { 999, "00:00:00" }, { 131000, "00:02:11" }, { 3599999, "00:59:59" },
        { INT64_C(442800000), "123:00:00" }, { -5000, "00:00:00" },
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_string_equal(clock_span_text(known[i].ms, buf), known[i].text);
}

static void a_clock_that_is_set_back_makes_no_time_negative(void **state)
{
    (void)state;
    assert_true(clock_minutes_between(60000, 150000) == 1.5);
    assert_true(clock_minutes_between(150000, 149997) == 0);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
    int64_t before = clock_mono_ns(), now;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        now = clock_mono_ns();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_mono_ms() >= before / 1000000);
    assert_true(clock_unix_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_print_in_the_forms_of_the_api),
        cmocka_unit_test(spans_print_hours_of_any_length),
        cmocka_unit_test(a_clock_that_is_set_back_makes_no_time_negative),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
