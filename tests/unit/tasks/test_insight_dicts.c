// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_dicts.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void write_entry(void *arg, const struct dict_entry *e)
{
    struct text *t = arg;

    text_addf(t, "(");
    if (!isnan(e->step))
        text_addf(t, "%g|", e->step);
    for (int i = 0; i < e->n_values; i++)
        text_addf(t, "%s%s=%g", i ? " " : "", e->values[i].name, e->values[i].value);
    text_addf(t, ")");
}

static const struct { const char *text, *want; } accepted[] = {
    { "[{\"steps\": 1, \"loss\": 1.7471876525878907}, {\"steps\": 2, \"loss\": 1.61}]", "(1|loss=1.74719)(2|loss=1.61)" },
    { "[{\"step\":10,\"loss\":0.5,\"accuracy\":0.8}]", "(10|loss=0.5 accuracy=0.8)" },
    { "[{\"mse_val\": 12.5}]", "(mse_val=12.5)" },
    { "{\"loss\": 0.25}", "(loss=0.25)" },
    { "{\"steps\": 1, \"loss\": 3}\n{\"steps\": 2, \"loss\": 2}\n", "(1|loss=3)(2|loss=2)" },
    { "[{\"loss\": \"0.065\"}, {\"loss\": \" 1e-3 \"}]", "(loss=0.065)(loss=0.001)" },
    { "[{\"loss\": NaN, \"a\": Infinity, \"b\": -Infinity, \"c\": \"nan\"}]", "(loss=nan a=inf b=-inf c=nan)" },
    { "[{'loss': 0.5, 'best': True, 'why': None}]", "(loss=0.5)" },
    { "[{\"loss\": 1, \"list\": [1, {\"a\": \"]\"}], \"o\": {\"x\": (1, 2)}, \"t\": \"text\"}]", "(loss=1)" },
    { "[]", "" },
    { " \xEF\xBB\xBF", NULL },
    { "\xEF\xBB\xBF[{\"loss\": 1,},]", "(loss=1)" },
    { "[{\"lo\\u0073s\": 1, \"a\\\"b\": 2}]", "(loss=1 a\"b=2)" },
    { "[1, \"x\", [2], {\"loss\": 1}]", "(loss=1)" },
    { "[{}]", "()" },
    { "[{\"\": 1, \"loss\": +2.}]", "(loss=2)" },
};

static void what_programs_write_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        CLEANUP(text_done) struct text got = {0};
        struct err err = {0};

        if (!accepted[i].want)
            continue;
        text_add(&got, "");
        if (dicts_read(accepted[i].text, strlen(accepted[i].text), write_entry, &got, &err) < 0)
            fail_msg("%s: %s", accepted[i].text, err.text);
        assert_string_equal(got.data, accepted[i].want);
    }
}

static const struct { const char *text, *want; } refused[] = {
    { "", "it is empty" },
    { " \n ", "it is empty" },
    { "\xEF\xBB\xBF", "it is empty" },
    { "12", "line 1: a list of objects was expected" },
    { "[{\"loss\": 1}", "line 1: the list is not closed" },
    { "[{\"loss\": 1}\n,{\"loss\"", "line 2: \":\" was expected after a name" },
    { "[{\"loss\": 1", "line 1: the object is not closed" },
    { "[{\"loss\": 1 2}]", "line 1: \",\" or \"}\" was expected" },
    { "[{loss: 1}]", "line 1: a name in quotes was expected" },
    { "[{\"loss\": abc}]", "line 1: a number, a string, a list or an object was expected" },
    { "[{\"loss\": ]", "line 1: a number, a string, a list or an object was expected" },
    { "[{\"loss\": \"1", "line 1: a string is not closed" },
    { "[{\"a\": [1, 2}]", "line 1: brackets do not match" },
    { "[{\"a\": [1, 2", "line 1: the text ends inside a list or object" },
    { "[{\"a\\uZZZZ\": 1}]", "line 1: \\u needs four hexadecimal digits" },
    { "[{\"a\": 1}] trailing", "line 1: a list of objects was expected" },
    { "[{\"loss\":", "line 1: the text ends where a value was expected" },
};

static void what_is_broken_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        CLEANUP(text_done) struct text got = {0};
        struct err err = {0};

        assert_int_equal(dicts_read(refused[i].text, strlen(refused[i].text), write_entry, &got, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.text, refused[i].want);
    }
}

static void nesting_is_limited(void **state)
{
    CLEANUP(text_done) struct text text = {0}, got = {0};
    struct err err = {0};

    (void)state;
    text_add(&text, "[{\"a\": ");
    for (int i = 0; i < 100000; i++)
        text_add_char(&text, '[');
    assert_int_equal(dicts_read(text.data, text.len, write_entry, &got, &err), -1);
    assert_string_equal(err.text, "line 1: lists and objects are nested too deeply");
}

static void names_and_values_are_limited(void **state)
{
    CLEANUP(text_done) struct text text = {0}, got = {0};
    struct err err = {0};

    (void)state;
    text_add(&text, "{\"");
    for (int i = 0; i < 1000; i++)
        text_add_char(&text, 'x');
    text_add(&text, "\": 1, \"loss\": 2}");
    assert_int_equal(dicts_read(text.data, text.len, write_entry, &got, &err), 0);
    assert_string_equal(got.data, "(loss=2)");

    text_clear(&text);
    for (int i = 0; i < 1000; i++)
        text_addf(&text, "%s\"m%d\": %d", i ? ", " : "{", i, i);
    text_add(&text, "}");
    assert_int_equal(dicts_read(text.data, text.len, write_entry, &got, &err), 0);
}

static const struct { const char *text; bool ok; double want; } numbers[] = {
    { "1", true, 1 }, { "-0.5", true, -0.5 }, { " 1e3\n", true, 1000 }, { "+2", true, 2 },
    { ".5", true, 0.5 }, { "5.", true, 5 }, { "inf", true, INFINITY }, { "-Infinity", true, -INFINITY },
    { "", false, 0 }, { "-", false, 0 }, { "0x10", false, 0 }, { "1,5", false, 0 }, { "1e", false, 0 },
    { "one", false, 0 }, { "nano", false, 0 }, { "1.2.3", false, 0 },
};

static void numbers_are_read_as_programs_print_them(void **state)
{
    double got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_int_equal(number_read(numbers[i].text, strlen(numbers[i].text), &got), numbers[i].ok);
        if (numbers[i].ok)
            assert_true(got == numbers[i].want);
    }
    assert_true(number_read("NaN", 3, &got) && isnan(got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_write_is_read),
        cmocka_unit_test(what_is_broken_is_refused_with_its_line),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(names_and_values_are_limited),
        cmocka_unit_test(numbers_are_read_as_programs_print_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
