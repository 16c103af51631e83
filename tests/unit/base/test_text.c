// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void text_grows_and_ends_with_a_nul(void **state)
{
    CLEANUP(text_done) struct text t = {0};

    (void)state;
    assert_null(t.data);
    text_add(&t, "");
    assert_string_equal(t.data, "");
    for (int i = 0; i < 1000; i++)
        text_addf(&t, "%d,", i % 10);
    text_add_char(&t, '\0');
    text_add_n(&t, "end", 3);
    assert_int_equal(t.len, 2004);
    assert_memory_equal(t.data + 1998, "9,\0end", 7);
    text_clear(&t);
    assert_int_equal(t.len, 0);
    assert_string_equal(t.data, "");
}

static void taken_text_leaves_nothing_behind(void **state)
{
    struct text t = {0};
    CLEANUP(freep) char *empty = text_take(&t);

    (void)state;
    assert_string_equal(empty, "");
    text_add(&t, "hello");
    CLEANUP(freep) char *hello = text_take(&t);
    assert_string_equal(hello, "hello");
    assert_null(t.data);
    assert_int_equal(t.len, 0);
}

static void reals_print_as_python_prints_them(void **state)
{
    static const struct { double value; const char *repr; } known[] = {
        { 0.0, "0.0" }, { -0.0, "-0.0" }, { 3.0, "3.0" }, { 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" },
        { 1e-05, "1e-05" }, { 0.0001, "0.0001" }, { 123e-7, "1.23e-05" }, { 1e15, "1000000000000000.0" },
        { -1e15, "-1000000000000000.0" }, { 1234567890123456.0, "1234567890123456.0" },
        { 9999999999999998.0, "9999999999999998.0" }, { 999999999999999.9, "999999999999999.9" },
        { 1e16, "1e+16" }, { 123456789012345680.0, "1.2345678901234568e+17" }, { 1e22, "1e+22" },
        { 8.9e151, "8.9e+151" }, { 5e-324, "5e-324" }, { 1.5e-323, "1.5e-323" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 0.06519806289672851, "0.06519806289672851" }, { 0.84, "0.84" }, { 100, "100.0" },
        { INFINITY, "inf" }, { -INFINITY, "-inf" }, { NAN, "nan" },
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        real_to_text(known[i].value, buf);
        assert_string_equal(buf, known[i].repr);
    }
}

/* A fixed sequence of bit patterns; Knuth's multiplier. */
static void every_real_reads_back_as_itself(void **state)
{
    uint64_t bits = 1;
    char buf[32];
    double v;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        real_to_text(v, buf);
        assert_true(strtod(buf, NULL) == v);
        assert_non_null(strpbrk(buf, ".e"));
    }
}

/* The least digits from 15 on that read back, by the library. */
static void obvious_form(double v, char buf[32])
{
    int digits = 15;

    do
        snprintf(buf, 32, "%.*g", digits, v);
    while (digits++ < 17 && strtod(buf, NULL) != v);
    if (!strchr(buf, '.'))
        strcat(buf, ".0");
}

static void plain_numbers_print_as_the_library_prints_them(void **state)
{
    uint64_t bits = 7;
    char buf[32], want[32];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        double v;

        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        v = (double)(bits >> (11 + bits % 41)) * 0x1p-53;     /* some have few digits, and end in the middle of two */
        v = (i % 2 ? -v : v) * pow(i % 3 ? 10 : 2, i % 19 - 3);
        if (fabs(v) < 1e-4 || fabs(v) >= 1e15)
            continue;
        real_to_text(v, buf);
        obvious_form(v, want);
        assert_string_equal(buf, want);
        real_to_text(nearbyint(v), buf);
        obvious_form(nearbyint(v), want);
        assert_string_equal(buf, want);
    }
}

static void whole_numbers_print_to_the_last_digit(void **state)
{
    static const struct { int64_t value; const char *text; } known[] = {
        { 0, "0" }, { 7, "7" }, { -1, "-1" }, { 10, "10" }, { INT64_MAX, "9223372036854775807" },
        { INT64_MIN, "-9223372036854775808" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        CLEANUP(text_done) struct text t = {0};

        text_add_int(&t, known[i].value);
        assert_string_equal(t.data, known[i].text);
    }
}

static void json_has_no_number_for_what_is_none(void **state)
{
    CLEANUP(text_done) struct text t = {0};

    (void)state;
    text_add_real(&t, NAN);
    text_add_char(&t, ' ');
    text_add_real(&t, -INFINITY);
    text_add_char(&t, ' ');
    text_add_real(&t, 0.5);
    assert_string_equal(t.data, "null null 0.5");
}

static void json_text_always_parses(void **state)
{
    static const struct { const char *text, *json; } table[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
        { "\b\t\n\v\f\r\x01\x1F\x7F", "\"\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f\x7F\"" },
        { "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"" },
        { "a\xFF" "b", "\"a\xEF\xBF\xBD" "b\"" },                  /* no such byte */
        { "a\xC3", "\"a\xEF\xBF\xBD\"" },                          /* cut short */
        { "\xC3\"", "\"\xEF\xBF\xBD\\\"\"" },                      /* the quote is still escaped */
        { "\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },            /* too long a form of '/' */
        { "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },     /* half a pair */
        { "\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CLEANUP(text_done) struct text t = {0};

        text_add_json(&t, table[i].text);
        assert_string_equal(t.data, table[i].json);
    }
    CLEANUP(text_done) struct text t = {0};
    text_add_json(&t, NULL);
    text_add_json_n(&t, "a\0b", 3);
    assert_string_equal(t.data, "null\"a\\u0000b\"");
}

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    static const char *const wrong[] = {
        "\x80", "\xC3", "\xC1\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF5\x80\x80\x80",
        "\xE2\x82", "\xFE",
    };

    (void)state;
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("a\0b", 3));
    assert_true(text_is_utf8("\xC2\x80\xE0\xA0\x80\xEE\x80\x80\xF4\x8F\xBF\xBF", 12));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(text_is_utf8(wrong[i], strlen(wrong[i])));
}

static void words_are_compared_without_case(void **state)
{
    (void)state;
    assert_true(text_same("Range", "rANGE"));
    assert_false(text_same("Range", "Rang"));
    assert_true(text_same(NULL, NULL));
    assert_false(text_same(NULL, ""));
    assert_true(text_starts("prefix", "pre"));
    assert_true(text_starts("x", ""));
    assert_false(text_starts("pr", "pre"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_and_ends_with_a_nul),
        cmocka_unit_test(taken_text_leaves_nothing_behind),
        cmocka_unit_test(reals_print_as_python_prints_them),
        cmocka_unit_test(every_real_reads_back_as_itself),
        cmocka_unit_test(plain_numbers_print_as_the_library_prints_them),
        cmocka_unit_test(whole_numbers_print_to_the_last_digit),
        cmocka_unit_test(json_has_no_number_for_what_is_none),
        cmocka_unit_test(json_text_always_parses),
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(words_are_compared_without_case),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
