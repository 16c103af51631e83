// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_has_a_status_and_a_code_of_its_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < ERR_N_KINDS; kind++) {
        assert_in_range(err_http_status(kind), 200, 599);
        assert_non_null(err_code(kind));
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(err_code(kind), err_code(other));
    }
    assert_int_equal(err_http_status(ERR_BAD_INPUT), 400);
    assert_int_equal(err_http_status(ERR_NOT_FOUND), 404);
    assert_int_equal(err_http_status(ERR_NO_SPACE), 507);
    assert_string_equal(err_code(ERR_NOT_FOUND), "not_found");
}

static void an_error_says_what_and_where(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "no task %d", 7), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_string_equal(err.text, "no task 7");
    assert_string_equal(err.field, "");
    assert_non_null(strstr(err.file, "test_err.c"));
    assert_int_equal(err.line, __LINE__ - 5);
}

static void a_field_error_names_the_field_and_what_would_do(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_field(&err, "maxJobNum", "a whole number", "\"%s\" is not one", "x"), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.field, "maxJobNum");
    assert_string_equal(err.accepted, "a whole number");
    err_field(&err, "x", NULL, "wrong");
    assert_string_equal(err.accepted, "");
    err_field(&err, "x", "y", "wrong");
    err_set(&err, ERR_CONFLICT, "later");       /* nothing of the error before is left */
    assert_string_equal(err.field, "");
    assert_string_equal(err.accepted, "");
}

static void a_full_disk_is_its_own_kind(void **state)
{
    struct err err = {0};

    (void)state;
    errno = ENOSPC;
    assert_int_equal(err_errno(&err, ERR_INTERNAL, "%s cannot be written", "/x"), -1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
    assert_string_equal(err.text, "/x cannot be written: No space left on device");
    errno = EDQUOT;
    err_errno(&err, ERR_INTERNAL, "x");
    assert_int_equal(err.kind, ERR_NO_SPACE);
    errno = EACCES;
    err_errno(&err, ERR_UNAVAILABLE, "x");
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void context_comes_before_the_sentence(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_BUSY, "no slot");
    assert_int_equal(err_wrap(&err, "submit %s", "task"), -1);
    assert_string_equal(err.text, "submit task: no slot");
    assert_int_equal(err.kind, ERR_BUSY);
}

static void long_sentences_are_cut_not_overrun(void **state)
{
    struct err err = {0};
    char longest[2000];

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    err_field(&err, longest, longest, "%s", longest);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
    assert_int_equal(strlen(err.accepted), sizeof err.accepted - 1);
    errno = ENOENT;
    err_errno(&err, ERR_INTERNAL, "%s", longest);
    err_wrap(&err, "%s", longest);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void a_sentence_is_cut_between_characters(void **state)
{
    static const char *const characters[] = { "x", "é", "€", "😀" };
    struct err err = {0};
    char text[sizeof err.text * 2];

    (void)state;
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        for (size_t before = 0; before < 5; before++) {
            memset(text, 'a', before);
            for (size_t at = before; at + 5 < sizeof text; at += strlen(characters[i]))
                strcpy(text + at, characters[i]);
            err_set(&err, ERR_BAD_INPUT, "%s", text);
            assert_true(text_is_utf8(err.text, strlen(err.text)));
            assert_in_range(strlen(err.text), sizeof err.text - 4, sizeof err.text - 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_status_and_a_code_of_its_own),
        cmocka_unit_test(an_error_says_what_and_where),
        cmocka_unit_test(a_field_error_names_the_field_and_what_would_do),
        cmocka_unit_test(a_full_disk_is_its_own_kind),
        cmocka_unit_test(context_comes_before_the_sentence),
        cmocka_unit_test(long_sentences_are_cut_not_overrun),
        cmocka_unit_test(a_sentence_is_cut_between_characters),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
