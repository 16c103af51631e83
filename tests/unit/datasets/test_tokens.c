// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/tokens.h"
#include "datasets/formats/vocabulary.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add_word(void *arg, const char *word, size_t len)
{
    struct text *out = arg;

    if (out->len)
        text_add_char(out, '|');
    text_add_n(out, word, len);
}

static void words_are_runs_of_letters_in_lower_case(void **state)
{
    static const struct { const char *text, *words; } known[] = {
        { "", "" },
        { " .,;- ", "" },
        { "It was GREAT, 10/10!", "it|was|great|10|10" },
        { "don't 'quote' it's'", "don't|quote|it's" },
        { "rock''n roll'", "rock|n|roll" },
        { "don\xe2\x80\x99t", "don't" },
        { "<br />a_b", "br|a|b" },
        { "\xc3\x9c" "BER Stra\xc3\x9f" "e", "\xc3\xbc" "ber|stra\xc3\x9f" "e" },
        { "\xe2\x80\x9cyes\xe2\x80\x9d\xe2\x80\x94no\xe2\x80\xa6", "yes|no" },
        { "\xd0\x9f\xd0\xa0\xd0\x98 1", "\xd0\xbf\xd1\x80\xd0\xb8|1" },
        { "\xe4\xb8\xad\xe6\x96\x87 a\xe3\x81\x82", "\xe4\xb8\xad|\xe6\x96\x87|a|\xe3\x81\x82" },
        { "\xf0\x9f\x98\x80 ok", "ok" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        CLEANUP(text_done) struct text out = {0};

        tokens_each(known[i].text, strlen(known[i].text), add_word, &out);
        assert_string_equal(out.data ? out.data : "", known[i].words);
    }
}

static void a_run_without_end_is_cut_between_characters(void **state)
{
    CLEANUP(text_done) struct text in = {0}, out = {0};

    (void)state;
    text_add(&in, "a");
    for (int i = 0; i < 50; i++)
        text_add(&in, "\xc3\xa9");
    tokens_each(in.data, in.len, add_word, &out);
    assert_int_equal(strcspn(out.data, "|"), 63);
    assert_int_equal(out.len, 101 + 1);
}

static void count(struct vocabulary *v, const char *word, int n)
{
    for (int i = 0; i < n; i++)
        vocabulary_count(v, word, strlen(word));
}

static void frequent_words_have_low_numbers(void **state)
{
    CLEANUP(vocabulary_freep) struct vocabulary *v = vocabulary_new(100);

    (void)state;
    count(v, "rare", 1);
    count(v, "the", 5);
    count(v, "cat", 2);
    count(v, "bat", 2);
    vocabulary_rank(v, 3);
    assert_int_equal(vocabulary_size(v), 5);
    assert_string_equal(vocabulary_word(v, VOCABULARY_PAD), "<pad>");
    assert_string_equal(vocabulary_word(v, VOCABULARY_UNKNOWN), "<unk>");
    assert_int_equal(vocabulary_number(v, "the", 3), 2);
    assert_int_equal(vocabulary_number(v, "bat", 3), 3);
    assert_int_equal(vocabulary_number(v, "cat", 3), 4);
    assert_int_equal(vocabulary_number(v, "rare", 4), VOCABULARY_UNKNOWN);
}

static void the_rarest_are_forgotten_when_there_are_too_many(void **state)
{
    CLEANUP(vocabulary_freep) struct vocabulary *v = vocabulary_new(1000);
    char word[32];

    (void)state;
    count(v, "kept", 30);
    for (int i = 0; i < 100000; i++) {
        snprintf(word, sizeof word, "w%d", i);
        count(v, word, 1);
        if (i % 100 == 0)
            count(v, "also", 1);
    }
    vocabulary_rank(v, 100000);
    assert_in_range(vocabulary_size(v), 4, 1002);
    assert_string_equal(vocabulary_word(v, 2), "also");
    assert_string_equal(vocabulary_word(v, 3), "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters_in_lower_case),
        cmocka_unit_test(a_run_without_end_is_cut_between_characters),
        cmocka_unit_test(frequent_words_have_low_numbers),
        cmocka_unit_test(the_rarest_are_forgotten_when_there_are_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
