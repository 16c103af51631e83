// SPDX-License-Identifier: Apache-2.0
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/field.h"
#include "base/text.h"

/* From a copy of exactly the text, so that ASan sees a read past its end. */
static json_t *parse(const char *text, size_t len, struct err *err)
{
    CLEANUP(freep) char *copy = malloc(len ? len : 1);

    memcpy(copy, text, len);
    return reader_parse(copy, len, err);
}

static void assert_reads(const char *text, const char *canonical)
{
    CLEANUP(text_done) struct text out = {0};
    struct err err = {0};
    CLEANUP(json_decrefp) json_t *json = parse(text, strlen(text), &err);

    if (!json)
        fail_msg("%s is refused: %s", text, err.text);
    json_to_text(json, &out);
    assert_string_equal(out.data, canonical);
}

static void assert_refuses(const char *text, size_t len, const char *sentence)
{
    struct err err = {0};
    CLEANUP(json_decrefp) json_t *json = parse(text, len, &err);

    if (json)
        fail_msg("%s is accepted", text);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.text, sentence);
}

static void strict_json_is_read_as_it_is(void **state)
{
    static const char *const same[] = {
        "{}", "[]", "null", "true", "false", "0", "-1", "1.5", "\"\"", "{\"a\":{\"b\":[1,2,{}]}}",
        "[\"\\\"\\\\\\n\\r\\t\\b\\f\"]", "9223372036854775807", "-9223372036854775808", "1e-05",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_reads(same[i], same[i]);
}

static void what_notebooks_send_is_read(void **state)
{
    static const struct { const char *text, *canonical; } table[] = {
        /* quotes, prefixes */
        { "{'a': 'b'}", "{\"a\":\"b\"}" },
        { "{u'a': u'b', 'c': b'd', 'e': r'\\n\\'', 'f': U\"g\"}",
          "{\"a\":\"b\",\"c\":\"d\",\"e\":\"\\\\n\\\\'\",\"f\":\"g\"}" },
        { "br'\\x41'", "\"\\\\x41\"" },
        { "'it is \"so\"'", "\"it is \\\"so\\\"\"" },
        { "\"it's\"", "\"it's\"" },
        /* escapes */
        { "'\\x41\\u00e9\\U0001F600\\101\\/\\''", "\"A\xC3\xA9\xF0\x9F\x98\x80" "A/'\"" },
        { "\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"" },
        { "b'\\xc3\\xa9'", "\"\xC3\xA9\"" },
        { "'\\xe9'", "\"\xC3\xA9\"" },
        { "'C:\\data\\d'", "\"C:\\\\data\\\\d\"" },
        { "'a\\\nb\\\r\nc'", "\"abc\"" },
        { "'\\a\\v\\0011'", "\"\\u0007\\u000b\\u00011\"" },
        { "'a\tb'", "\"a\\tb\"" },
        /* words */
        { "[True, False, None, true, false, null]", "[true,false,null,true,false,null]" },
        { "[NaN, nan, Infinity, inf, -Infinity, -inf, +inf]",
          "[\"NaN\",\"NaN\",\"Infinity\",\"Infinity\",\"-Infinity\",\"-Infinity\",\"Infinity\"]" },
        /* numbers */
        { "[+1, 1., .5, 10L, 7l, -0, -0.0, 1E5, 1e+2, 1.e1]",
          "[1,1.0,0.5,10,7,0,-0.0,100000.0,100.0,10.0]" },
        { "123456789012345678901234567890", "1.2345678901234568e+29" },
        { "-9223372036854775809L", "-9.223372036854776e+18" },
        { "[1e999, -1e999]", "[\"Infinity\",\"-Infinity\"]" },
        /* lists, tuples, commas, comments, blanks */
        { "(1, 2)", "[1,2]" },
        { "(1,)", "[1]" },
        { "(1)", "1" },
        { "(('a'))", "\"a\"" },
        { "()", "[]" },
        { "[1, 2,]", "[1,2]" },
        { "{'a': 1,}", "{\"a\":1}" },
        { "\xEF\xBB\xBF { # a comment, with 'quotes' and }\n 'a' : 1 # another\n}\n # last",
          "{\"a\":1}" },
        { "\v\f\r\n[\t]", "[]" },
        { "{'a': 1, 'a': 2}", "{\"a\":2}" },
        { "{'': ''}", "{\"\":\"\"}" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_reads(table[i].text, table[i].canonical);
}

static void what_cannot_be_read_is_refused_with_its_place(void **state)
{
    static const struct { const char *text, *sentence; } table[] = {
        { "", "line 1, column 1: a value is needed here, but the text ends" },
        { " # only a comment", "line 1, column 18: a value is needed here, but the text ends" },
        { "{", "line 1, column 2: a key in quotes is needed here, but the text ends" },
        { "{'a' 1}", "line 1, column 6: a colon is needed here, not '1'" },
        { "{'a': 1", "line 1, column 8: a comma or } is needed here, but the text ends" },
        { "{'a': 1]", "line 1, column 8: a comma or } is needed here, not ']'" },
        { "{\n  'a': 1,\n  b: 2\n}",
          "line 3, column 3: a key in quotes is needed here, not 'b'" },
        { "{1: 2}", "line 1, column 2: a key in quotes is needed here, not '1'" },
        { "[,]", "line 1, column 2: a value is needed here, not ','" },
        { "[1 2]", "line 1, column 4: a comma or ] is needed here, not '2'" },
        { "(1", "line 1, column 3: a comma or ) is needed here, but the text ends" },
        { "[1,,2]", "line 1, column 4: a value is needed here, not ','" },
        { "[] []", "line 1, column 4: the end is needed here, not '['" },
        { "[1, maximize]",
          "line 1, column 5: \"maximize\" has no meaning here; text needs quotes" },
        { "+true", "line 1, column 2: \"true\" has no meaning here; text needs quotes" },
        { "-", "line 1, column 2: a number is needed here, but the text ends" },
        { ".", "line 1, column 2: a digit is needed here, but the text ends" },
        { "1e", "line 1, column 3: a digit is needed here, but the text ends" },
        { "007", "line 1, column 1: a number of several digits cannot start with 0" },
        { "0x10", "line 1, column 2: the end is needed here, not 'x'" },
        { "[1'a']", "line 1, column 3: a comma or ] is needed here, not a quote" },
        { "'abc", "line 1, column 1: the text that starts here has no closing '" },
        { "'abc\\", "line 1, column 1: the text that starts here has no closing '" },
        { "['\xC3\xA9', \"abc\n\"]",
          "line 1, column 7: the text that starts here has no closing \" in its line" },
        { "'\\x4'", "line 1, column 2: the escape \\x has too few digits" },
        { "'\\u12'", "line 1, column 2: the escape \\u has too few digits" },
        { "'\\ud83d'", "line 1, column 2: the escape \\u names no character" },
        { "'\\ud83d\\u0041'", "line 1, column 2: the escape \\u names no character" },
        { "'\\udc00'", "line 1, column 2: the escape \\u names no character" },
        { "'\\U00110000'", "line 1, column 2: the escape \\U names no character" },
        { "'\\U99999999'", "line 1, column 2: the escape \\U names no character" },
        { "'\\u0000'", "line 1, column 2: text cannot hold the NUL character" },
        { "'\\0'", "line 1, column 2: text cannot hold the NUL character" },
        { "'\xC3'", "line 1, column 1: the text that starts here is not UTF-8" },
        { "b'\\xff'", "line 1, column 1: the text that starts here is not UTF-8" },
        { "\xC3\xA9", "line 1, column 1: a value is needed here, not byte 0xC3" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_refuses(table[i].text, strlen(table[i].text), table[i].sentence);
    assert_refuses("'a\0b'", 5, "line 1, column 3: text cannot hold the NUL character");
    assert_refuses("[\0]", 3, "line 1, column 2: a value is needed here, not byte 0x00");
}

static void nesting_has_a_limit(void **state)
{
    char text[2 * READER_DEPTH_MAX + 2];
    struct err err = {0};

    (void)state;
    memset(text, '[', READER_DEPTH_MAX);
    memset(text + READER_DEPTH_MAX, ']', READER_DEPTH_MAX);
    CLEANUP(json_decrefp) json_t *deepest = parse(text, 2 * READER_DEPTH_MAX, &err);
    assert_non_null(deepest);
    memset(text, '(', sizeof text);
    assert_refuses(text, sizeof text,
                   "line 1, column 65: lists and objects are nested more than 64 deep");
}

static void long_text_is_read_in_a_moment_or_refused(void **state)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};
    int64_t start = clock_mono_ms();

    (void)state;
    text_add(&t, "{'a': '");
    while (t.len < 4 << 20)
        text_add(&t, "\\x41\\d");
    text_add(&t, "', 'n': ");
    for (int i = 0; i < 1 << 20; i++)
        text_add(&t, "9");
    text_add(&t, "}");
    CLEANUP(json_decrefp) json_t *json = reader_parse_object(t.data, t.len, &err);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "n")), "Infinity");
    assert_true(clock_mono_ms() - start < 10000);   /* quadratic would be minutes */

    text_clear(&t);
    text_add(&t, "[");
    for (int i = 0; i < READER_NESTS_MAX; i++)
        text_add(&t, "[],");
    assert_null(reader_parse(t.data, t.len, &err));
    assert_non_null(strstr(err.text, "more than 250000 lists and objects"));
    assert_null(reader_parse(t.data, READER_SIZE_MAX + 1, &err));
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void only_an_object_passes_where_an_object_is_needed(void **state)
{
    struct err err = {0};
    CLEANUP(json_decrefp) json_t *json = reader_parse_object("{'a': 1}", 8, &err);

    (void)state;
    assert_non_null(json);
    assert_null(reader_parse_object("[{}]", 4, &err));
    assert_string_equal(err.text, "line 1, column 1: an object {...} is needed, not a list");
    assert_null(reader_parse_object("'{}'", 4, &err));
    assert_string_equal(err.text,
                        "line 1, column 1: an object {...} is needed, not a single value");
    assert_null(reader_parse_object("", 0, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_json_is_read_as_it_is),
        cmocka_unit_test(what_notebooks_send_is_read),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_place),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(long_text_is_read_in_a_moment_or_refused),
        cmocka_unit_test(only_an_object_passes_where_an_object_is_needed),
    };

    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
