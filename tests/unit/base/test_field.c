// SPDX-License-Identifier: Apache-2.0
#include "base/field.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

struct param {
    const char *name;
    const char *type;
};

struct limits {
    int64_t jobs;
    double minutes;
};

struct request {
    const char *name;
    const char *goal;
    int64_t n;
    double rate;
    bool shared;
    json_t *extra;
    struct limits limits;
    struct list params;
    struct list values;
    struct list words;
    const char *secret;
    int64_t old_n;
};

static const struct field param_fields[] = {
    { "name", TEXT(struct param, name), .required = true },
    { "type", TEXT(struct param, type), ALLOWED("range", "discrete") },
    { .type = FIELD_END },
};

static const struct field limit_fields[] = {
    { "maxJobNum", INT(struct limits, jobs), ALIASES("maxJobs"), .min = 1, .max = 500 },
    { "maxRunTime", REAL(struct limits, minutes), .min = -1, .max = 60, .unit = "minutes" },
    { .type = FIELD_END },
};

static const struct field request_fields[] = {
    { "name",     TEXT(struct request, name),     .min = 1, .max = 8 },
    { "goal",     TEXT(struct request, goal),     ALLOWED("maximize", "minimize") },
    { "n",        INT(struct request, n) },
    { "rate",     REAL(struct request, rate),     .min = 0.5 },
    { "shared",   BOOLEAN(struct request, shared) },
    { "extra",    JSON(struct request, extra) },
    { "algoDef",  OBJECT(struct request, limits, limit_fields) },
    { "params",   LIST(struct request, params, struct param, param_fields), .max = 3 },
    { "values",   LIST_OF(struct request, values, FIELD_REAL) },
    { "words",    LIST_OF(struct request, words, FIELD_TEXT) },
    { "secret",   TEXT(struct request, secret),   .hidden = true },
    { "N",        INT(struct request, old_n) },
    { .type = FIELD_END },
};

struct fixture {
    struct mem *mem;
    json_t *json;
    struct request in;
    struct err err;
    int result;
};

static struct fixture decode(const char *text)
{
    struct fixture f = { .mem = mem_new() };

    f.json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(f.json);
    f.result = fields_from_json(request_fields, f.json, &f.in, f.mem, &f.err);
    return f;
}

static void fixture_done(struct fixture *f)
{
    json_decref(f->json);
    mem_free(f->mem);
}

static void an_empty_object_leaves_every_member_absent(void **state)
{
    CLEANUP(fixture_done) struct fixture f = decode("{}");

    (void)state;
    assert_int_equal(f.result, 0);
    assert_null(f.in.name);
    assert_true(f.in.n == INT_UNSET);
    assert_true(isnan(f.in.rate));
    assert_false(f.in.shared);
    assert_null(f.in.extra);
    assert_true(f.in.limits.jobs == INT_UNSET);
    assert_null(f.in.params.items);
}

static void values_of_the_documented_types_are_read(void **state)
{
    CLEANUP(fixture_done) struct fixture f = decode(
        "{\"name\": \"mnist\", \"goal\": \"minimize\", \"n\": -7, \"rate\": 0.5, \"shared\": true,"
        " \"extra\": {\"a\": [1]}, \"algoDef\": {\"maxJobNum\": 4}, \"unknown\": 1,"
        " \"params\": [{\"name\": \"lr\", \"type\": \"range\"}, {\"name\": \"wd\"}],"
        " \"values\": [1, 2.5], \"words\": [\"a\", \"b\"]}");
    const struct param *params = f.in.params.items;

    (void)state;
    assert_int_equal(f.result, 0);
    assert_string_equal(f.in.name, "mnist");
    assert_int_equal(f.in.n, -7);
    assert_true(f.in.rate == 0.5);
    assert_true(f.in.shared);
    assert_ptr_equal(f.in.extra, json_object_get(f.json, "extra"));
    assert_int_equal(f.in.limits.jobs, 4);
    assert_int_equal(f.in.params.n, 2);
    assert_string_equal(params[1].name, "wd");
    assert_null(params[1].type);
    assert_true(((double *)f.in.values.items)[1] == 2.5);
    assert_string_equal(((const char **)f.in.words.items)[1], "b");
}

static void values_as_real_clients_write_them_are_read(void **state)
{
    CLEANUP(fixture_done) struct fixture f = decode(
        "{\"name\": 1e-05, \"goal\": \"Maximize\", \"n\": \" 12 \", \"rate\": \"1e3\","
        " \"shared\": \"TRUE\", \"extra\": null, \"ALGODEF\": {\"MaxJobs\": 3.0},"
        " \"params\": {\"name\": 7}, \"values\": \"0.1\", \"words\": [1, 0.1, true]}");
    const char **words = f.in.words.items;

    (void)state;
    assert_int_equal(f.result, 0);
    assert_string_equal(f.in.name, "1e-05");
    assert_string_equal(f.in.goal, "maximize");
    assert_int_equal(f.in.n, 12);
    assert_true(f.in.rate == 1000);
    assert_true(f.in.shared);
    assert_null(f.in.extra);
    assert_int_equal(f.in.limits.jobs, 3);
    assert_int_equal(f.in.params.n, 1);
    assert_string_equal(((const struct param *)f.in.params.items)[0].name, "7");
    assert_true(((double *)f.in.values.items)[0] == 0.1);
    assert_string_equal(words[0], "1");
    assert_string_equal(words[1], "0.1");
    assert_string_equal(words[2], "true");
}

static void booleans_come_in_many_spellings(void **state)
{
    static const struct { const char *text; bool value; } spellings[] = {
        { "true", true }, { "1", true }, { "1.0", true }, { "\"True\"", true }, { "\"1\"", true },
        { "false", false }, { "0", false }, { "\"FALSE\"", false }, { "\"0\"", false },
        { "null", false },
    };
    char body[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        snprintf(body, sizeof body, "{\"shared\": %s}", spellings[i].text);
        CLEANUP(fixture_done) struct fixture f = decode(body);
        assert_int_equal(f.result, 0);
        assert_int_equal(f.in.shared, spellings[i].value);
    }
}

static void the_exact_key_wins_over_an_alias_and_an_alias_over_another_case(void **state)
{
    CLEANUP(fixture_done) struct fixture exact = decode(
        "{\"algoDef\": {\"MAXJOBNUM\": 1, \"maxJobs\": 2, \"maxJobNum\": 3}}");
    CLEANUP(fixture_done) struct fixture alias = decode(
        "{\"algoDef\": {\"MAXJOBNUM\": 1, \"maxJobs\": 2, \"maxJobNum\": null}}");

    (void)state;
    assert_int_equal(exact.in.limits.jobs, 3);
    assert_int_equal(alias.in.limits.jobs, 2);
}

static void a_key_that_is_the_name_of_another_field_is_only_that_field(void **state)
{
    CLEANUP(fixture_done) struct fixture f = decode("{\"N\": 5}");

    (void)state;
    assert_int_equal(f.in.old_n, 5);
    assert_true(f.in.n == INT_UNSET);
}

static void wrong_values_are_refused_with_their_path_and_what_would_do(void **state)
{
    static const struct { const char *body, *field, *accepted, *text; } wrong[] = {
        { "[]", "", "an object", "an object is needed here, not a list of 0 items" },
        { "{\"n\": 1.5}", "n", "a whole number", "\"n\" is 1.5; it must be a whole number" },
        { "{\"n\": \"0x10\"}", "n", "a whole number",
          "\"n\" is \"0x10\"; it must be a whole number" },
        { "{\"n\": \"\"}", "n", "a whole number", "\"n\" is \"\"; it must be a whole number" },
        { "{\"n\": true}", "n", "a whole number", "\"n\" is true; it must be a whole number" },
        { "{\"n\": 1e30}", "n", "a whole number", "\"n\" is 1e+30; it must be a whole number" },
        { "{\"n\": -9223372036854775808}", "n", "a whole number",
          "\"n\" is -9223372036854775808; it must be a whole number" },
        { "{\"rate\": \"NaN\"}", "rate", "a number from 0.5",
          "\"rate\" is \"NaN\"; it must be a number from 0.5" },
        { "{\"rate\": \"1e999\"}", "rate", "a number from 0.5",
          "\"rate\" is \"1e999\"; it must be a number from 0.5" },
        { "{\"rate\": 0.25}", "rate", "a number from 0.5",
          "\"rate\" is 0.25; it must be a number from 0.5" },
        { "{\"shared\": \"maybe\"}", "shared", "true or false",
          "\"shared\" is \"maybe\"; it must be true or false" },
        { "{\"shared\": 2}", "shared", "true or false",
          "\"shared\" is 2; it must be true or false" },
        { "{\"name\": \"\"}", "name", "text of 1 to 8 bytes",
          "\"name\" is \"\" (0 bytes); it must be text of 1 to 8 bytes" },
        { "{\"name\": [1]}", "name", "text of 1 to 8 bytes",
          "\"name\" is a list of 1 items; it must be text of 1 to 8 bytes" },
        { "{\"name\": \"a\\u0000b\"}", "name", "text of 1 to 8 bytes",
          "\"name\" is \"a\\u0000b\" (3 bytes); it must be text of 1 to 8 bytes" },
        { "{\"goal\": \"up\"}", "goal", "one of maximize, minimize",
          "\"goal\" is \"up\"; it must be one of maximize, minimize" },
        { "{\"algoDef\": 3}", "algoDef", "an object",
          "\"algoDef\" is 3; it must be an object" },
        { "{\"algoDef\": {\"maxJobNum\": 0}}", "algoDef.maxJobNum", "a whole number from 1 to 500",
          "\"algoDef.maxJobNum\" is 0; it must be a whole number from 1 to 500" },
        { "{\"algoDef\": {\"maxRunTime\": 61}}", "algoDef.maxRunTime",
          "a number from -1 to 60 minutes",
          "\"algoDef.maxRunTime\" is 61; it must be a number from -1 to 60 minutes" },
        { "{\"params\": [{\"name\": \"a\"}, {\"name\": \"b\", \"type\": \"x\"}]}",
          "params[1].type", "one of range, discrete",
          "\"params[1].type\" is \"x\"; it must be one of range, discrete" },
        { "{\"params\": [{}]}", "params[0].name", "text",
          "\"params[0].name\" is missing; it must be text" },
        { "{\"params\": [null]}", "params[0]", "an object",
          "\"params[0]\" is null; it must be an object" },
        { "{\"params\": [{}, {}, {}, {}]}", "params", "a list of 0 to 3 items",
          "\"params\" is a list of 4 items; it must be a list of 0 to 3 items" },
        { "{\"values\": [1, \"x\"]}", "values[1]", "a number",
          "\"values[1]\" is \"x\"; it must be a number" },
        { "{\"values\": {}}", "values", "a list", "\"values\" is an object; it must be a list" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(fixture_done) struct fixture f = decode(wrong[i].body);
        assert_int_equal(f.result, -1);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_string_equal(f.err.field, wrong[i].field);
        assert_string_equal(f.err.accepted, wrong[i].accepted);
        assert_string_equal(f.err.text, wrong[i].text);
    }
}

static void a_long_wrong_value_is_shortened_between_characters(void **state)
{
    CLEANUP(fixture_done) struct fixture f = decode(
        "{\"n\": \"x\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"}");

    (void)state;
    assert_int_equal(f.result, -1);
    assert_true(text_is_utf8(f.err.text, strlen(f.err.text)));
    assert_non_null(strstr(f.err.text, "\" and 4 bytes more; it must"));
}

static void a_list_longer_than_any_list_may_be_is_refused(void **state)
{
    CLEANUP(text_done) struct text body = {0};

    (void)state;
    text_add(&body, "{\"values\": [0");
    for (int i = 0; i < FIELD_LIST_MAX; i++)
        text_add(&body, ",0");
    text_add(&body, "]}");
    CLEANUP(fixture_done) struct fixture f = decode(body.data);
    assert_int_equal(f.result, -1);
    assert_string_equal(f.err.accepted, "a list of 0 to 100000 items");
}

static void a_struct_is_written_without_its_absent_and_hidden_members(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct request r;

    (void)state;
    fields_init(request_fields, &r);
    fields_to_text(request_fields, &r, &out);
    assert_string_equal(out.data, "{\"shared\":false}");

    text_clear(&out);
    r.name = "a\"b";
    r.secret = "no";
    r.n = 0;
    r.rate = 0.1;
    r.shared = true;
    r.limits.jobs = 2;
    r.params = (struct list){ .items = (struct param[]){ { "x", NULL }, { "y", "range" } }, .n = 2 };
    r.values = (struct list){ .items = mem_alloc(mem, 1), .n = 0 };
    r.words = (struct list){ .items = (const char *[]){ "p", "q" }, .n = 2 };
    fields_to_text(request_fields, &r, &out);
    assert_string_equal(out.data,
        "{\"name\":\"a\\\"b\",\"n\":0,\"rate\":0.1,\"shared\":true,\"algoDef\":{\"maxJobNum\":2},"
        "\"params\":[{\"name\":\"x\"},{\"name\":\"y\",\"type\":\"range\"}],\"values\":[],"
        "\"words\":[\"p\",\"q\"]}");
}

struct rows { struct list labels, cells; };

static const struct field rows_fields[] = {
    { "labels", LIST_OF_LISTS(struct rows, labels, FIELD_TEXT) },
    { "cells",  LIST_OF_LISTS(struct rows, cells, FIELD_REAL) },
    { .type = FIELD_END },
};

static void lists_of_lists_are_written(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    const char *cat[] = { "cat", "120" };
    double first[] = { 1, 2.5 };
    struct list labels[] = { { cat, 2 } }, cells[] = { { first, 2 }, { first, 0 } };
    const struct rows rows = { .labels = { labels, 1 }, .cells = { cells, 2 } };

    (void)state;
    fields_to_text(rows_fields, &rows, &out);
    assert_string_equal(out.data, "{\"labels\":[[\"cat\",\"120\"]],\"cells\":[[1.0,2.5],[]]}");
}

static void passed_through_json_is_written_as_it_came(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    CLEANUP(fixture_done) struct fixture f = decode(
        "{\"extra\": {\"z\": [0.1, 3, -0.0, \"\\u00e9\\n\", null, true], \"a\": {}}}");

    (void)state;
    fields_to_text(request_fields, &f.in, &out);
    assert_string_equal(out.data,
        "{\"shared\":false,\"extra\":{\"z\":[0.1,3,-0.0,\"\xC3\xA9\\n\",null,true],\"a\":{}}}");
}

static void fields_are_found_by_their_exact_name(void **state)
{
    (void)state;
    assert_ptr_equal(fields_find(request_fields, "goal"), &request_fields[1]);
    assert_null(fields_find(request_fields, "GOAL"));
    assert_null(fields_find(request_fields, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_object_leaves_every_member_absent),
        cmocka_unit_test(values_of_the_documented_types_are_read),
        cmocka_unit_test(values_as_real_clients_write_them_are_read),
        cmocka_unit_test(booleans_come_in_many_spellings),
        cmocka_unit_test(the_exact_key_wins_over_an_alias_and_an_alias_over_another_case),
        cmocka_unit_test(a_key_that_is_the_name_of_another_field_is_only_that_field),
        cmocka_unit_test(wrong_values_are_refused_with_their_path_and_what_would_do),
        cmocka_unit_test(a_long_wrong_value_is_shortened_between_characters),
        cmocka_unit_test(a_list_longer_than_any_list_may_be_is_refused),
        cmocka_unit_test(a_struct_is_written_without_its_absent_and_hidden_members),
        cmocka_unit_test(lists_of_lists_are_written),
        cmocka_unit_test(passed_through_json_is_written_as_it_came),
        cmocka_unit_test(fields_are_found_by_their_exact_name),
    };

    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
