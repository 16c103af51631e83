// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_word_knows_the_bytes_it_came_from(void **state)
{
    static const struct { const char *text; size_t start, end; } expected[] = {
        { "a", 1, 2 }, { "b c", 3, 8 }, { "", 9, 11 }, { "d e", 12, 16 },
    };
    static const char line[] = " a 'b c' \"\" d\\ e ";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct word *words;
    struct list list;
    struct err err;

    (void)state;
    assert_int_equal(words_split(line, strlen(line), NULL, 10, mem, &list, &err), 0);
    assert_int_equal(list.n, ARRAY_LEN(expected));
    words = list.items;
    for (size_t i = 0; i < list.n; i++) {
        assert_string_equal(words[i].text, expected[i].text);
        assert_int_equal(words[i].start, expected[i].start);
        assert_int_equal(words[i].end, expected[i].end);
    }
}

static void a_line_of_blanks_has_no_words(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct list list = { .n = 7 };
    struct err err;

    (void)state;
    assert_int_equal(words_split(" \t\r\n \\\n ", 8, NULL, 10, mem, &list, &err), 0);
    assert_int_equal(list.n, 0);
}

static void a_mark_is_a_quote_only_where_it_is_asked_for(void **state)
{
    static const char line[] = "QQa bQQ";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct list list;
    struct err err;

    (void)state;
    assert_int_equal(words_split(line, strlen(line), "QQ", 10, mem, &list, &err), 0);
    assert_int_equal(list.n, 1);
    assert_int_equal(words_split(line, strlen(line), NULL, 10, mem, &list, &err), 0);
    assert_int_equal(list.n, 2);
}

static void too_many_words_and_bytes_that_are_no_text_are_refused(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct list list;
    struct err err;

    (void)state;
    assert_int_equal(words_split("a b c", 5, NULL, 2, mem, &list, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(err.text, "more than 2 words"));
    assert_int_equal(words_split("a\0b", 3, NULL, 2, mem, &list, &err), -1);
    assert_int_equal(words_split("a\xc3", 2, NULL, 2, mem, &list, &err), -1);
}

/* Searching for the end of each would take minutes. */
static void a_line_of_lone_quotes_is_read_in_one_pass(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text line = {0};
    int64_t before = clock_mono_ms();
    struct list list;
    struct err err;

    (void)state;
    for (int i = 0; i < 100000; i++)
        text_add(&line, "\"'\\'");
    text_add(&line, "\"");
    assert_int_equal(words_split(line.data, line.len, NULL, 1000000, mem, &list, &err), 0);
    assert_true(clock_mono_ms() - before < 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_knows_the_bytes_it_came_from),
        cmocka_unit_test(a_line_of_blanks_has_no_words),
        cmocka_unit_test(a_mark_is_a_quote_only_where_it_is_asked_for),
        cmocka_unit_test(too_many_words_and_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_line_of_lone_quotes_is_read_in_one_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
