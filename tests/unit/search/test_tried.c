// SPDX-License-Identifier: Apache-2.0
#include "search/insight/tried.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char document[] =
    "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss'}, 'hyperParams': ["
    "{'name': 'lr', 'type': 'range', 'dataType': 'double', 'minDbVal': -4, 'maxDbVal': 0, 'power': 10},"
    "{'name': 'opt', 'type': 'discrete', 'dataType': 'str', 'discreateStrVal': ['sgd', 'adam', 'a\"b']},"
    "{'name': 'n', 'type': 'discrete', 'dataType': 'int', 'discreteIntVal': [64, 8, 128]},"
    "{'name': 'k', 'type': 'range', 'dataType': 'int', 'minIntVal': 1, 'maxIntVal': 5},"
    "{'name': 'd', 'type': 'fix', 'dataType': 'str', 'fixedVal': 'mnist'}]}";

struct fixture {
    struct mem *mem;
    struct search_plan plan;
    struct tried *tried;
};

static void done(struct fixture *f)
{
    tried_free(f->tried);
    mem_free(f->mem);
}

static struct fixture open_table(const char *text)
{
    struct fixture f = { .mem = mem_new() };
    struct err err = {0};

    if (document_read(text, strlen(text), true, NULL, f.mem, &f.plan, &err) < 0)
        fail_msg("%s", err.text);
    f.tried = tried_new(&f.plan, /* values= */ true, 10);
    return f;
}

static void add(struct fixture *f, int64_t id, const char *hyperparams, const char *state, double metric, int64_t ended_ms)
{
    const struct experiment e = { .id = id, .hyperparams = hyperparams, .state = state, .metric = metric, .ended_ms = ended_ms };

    tried_add(f->tried, &e);
}

#define VALUE(name, data, text) \
    "{\"name\":\"" name "\",\"type\":\"fix\",\"dataType\":\"" data "\",\"fixedVal\":\"" text "\",\"userDefined\":false}"
#define VALUES(lr, opt, n, k) \
    "[" VALUE("lr", "double", lr) "," VALUE("opt", "str", opt) "," VALUE("n", "int", n) "," VALUE("k", "int", k) "," \
    VALUE("d", "str", "mnist") "]"

static void columns_say_what_the_space_is(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    const struct column *c = f.tried->columns;

    (void)state;
    assert_int_equal(f.tried->n_columns, 5);
    assert_true(c[0].kind == COLUMN_RANGE && c[0].log && c[0].lo == 1e-4 && c[0].hi == 1);
    assert_true(c[1].kind == COLUMN_CHOICES && c[1].n_choices == 3);
    assert_string_equal(c[1].choices[1], "adam");
    assert_true(c[2].kind == COLUMN_CHOICES && c[2].n_choices == 3);
    assert_true(c[3].kind == COLUMN_RANGE && !c[3].log && c[3].lo == 1 && c[3].hi == 5);
    assert_true(c[4].kind == COLUMN_FIXED);
}

static void values_become_numbers_and_places_of_choices(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    const double *x;

    (void)state;
    add(&f, 0, VALUES("0.01", "a\\\"b", "128", "3"), "FINISHED", 1, 5);
    x = f.tried->rows[0].x;
    assert_true(x[0] == 0.01 && x[1] == 2 && x[2] == 2 && x[3] == 3 && x[4] == 0);
}

static void values_in_another_order_are_found_and_unknown_ones_passed_over(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    const double *x;

    (void)state;
    add(&f, 0, "[" VALUE("new", "str", "?") "," VALUE("k", "int", "2") "," VALUE("opt", "str", "rmsprop") "]", "FINISHED", 1, 5);
    x = f.tried->rows[0].x;
    assert_true(isnan(x[0]) && isnan(x[1]) && isnan(x[2]) && x[3] == 2);
}

static void what_did_not_end_well_is_no_row(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);

    (void)state;
    add(&f, 0, VALUES("0.01", "sgd", "8", "3"), "FAILED", METRIC_FAILED, 5);
    add(&f, 1, VALUES("0.01", "sgd", "8", "3"), "RUNNING", NAN, 5);
    add(&f, 2, VALUES("0.01", "sgd", "8", "3"), "FINISHED", INFINITY, 5);
    add(&f, 3, VALUES("0.01", "sgd", "8", "3"), "FINISHED", 0.5, 5);
    assert_int_equal(f.tried->n, 1);
    assert_int_equal(f.tried->rows[0].id, 3);
}

static void rows_are_ranked_in_the_direction_of_the_objective(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    static const struct { int64_t id; double metric; int64_t ended_ms; } rows[] = { { 3, 2, 10 }, { 1, 2, 30 }, { 2, 1, 20 }, { 0, 3, 20 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add(&f, rows[i].id, "[]", "FINISHED", rows[i].metric, rows[i].ended_ms);
    tried_rank(f.tried);
    assert_true(f.tried->rows[0].id == 2 && f.tried->rows[1].id == 1 && f.tried->rows[2].id == 3 && f.tried->rows[3].id == 0);
    tried_by_end(f.tried);
    assert_true(f.tried->rows[0].id == 3 && f.tried->rows[1].id == 0 && f.tried->rows[2].id == 2 && f.tried->rows[3].id == 1);
    f.tried->maximize = true;
    tried_rank(f.tried);
    assert_true(f.tried->rows[0].id == 0 && f.tried->rows[1].id == 1 && f.tried->rows[3].id == 2);
}

static void listed_experiments_make_columns_of_what_they_have(void **state)
{
    CLEANUP(done) struct fixture f = open_table(
        "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'ExperimentGridSearch', 'objectiveMetric': 'loss'}, 'experiments': ["
        "{'id': 0, 'hyperParams': [{'name': 'x', 'dataType': 'double', 'fixedVal': 0.5}, {'name': 'o', 'dataType': 'str', 'fixedVal': 'b'}]},"
        "{'id': 1, 'hyperParams': [{'name': 'o', 'dataType': 'str', 'fixedVal': 'a'}, {'name': 'x', 'dataType': 'double', 'fixedVal': 2}]},"
        "{'id': 2, 'hyperParams': [{'name': 'o', 'dataType': 'str', 'fixedVal': 'b'}, {'name': 's', 'dataType': 'int', 'fixedVal': 3}]}]}");
    const struct column *c = f.tried->columns;

    (void)state;
    assert_int_equal(f.tried->n_columns, 3);
    assert_string_equal(c[0].name, "o");
    assert_true(c[0].kind == COLUMN_CHOICES && c[0].n_choices == 2);
    assert_string_equal(c[0].choices[0], "a");
    assert_true(c[1].kind == COLUMN_RANGE && c[1].lo == 0.5 && c[1].hi == 2);
    assert_true(c[2].kind == COLUMN_FIXED);
}

static void a_listed_parameter_of_several_types_is_a_choice(void **state)
{
    CLEANUP(done) struct fixture f = open_table(
        "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'ExperimentGridSearch', 'objectiveMetric': 'loss'}, 'experiments': ["
        "{'id': 0, 'hyperParams': [{'name': 'x', 'dataType': 'double', 'fixedVal': 0.5}]},"
        "{'id': 1, 'hyperParams': [{'name': 'x', 'dataType': 'str', 'fixedVal': 'q'}]},"
        "{'id': 2, 'hyperParams': [{'name': 'x', 'dataType': 'int', 'fixedVal': 2}]}]}");
    const struct column *c = f.tried->columns;

    (void)state;
    assert_true(c->kind == COLUMN_CHOICES && c->n_choices == 3);
    add(&f, 0, "[" VALUE("x", "double", "0.5") "]", "FINISHED", 1, 1);
    add(&f, 1, "[" VALUE("x", "str", "q") "]", "FINISHED", 2, 2);
    add(&f, 2, "[" VALUE("x", "int", "2") "]", "FINISHED", 3, 3);
    for (int i = 0; i < 3; i++)
        assert_false(isnan(f.tried->rows[i].x[0]));
}

static void a_large_table_passes_over_experiments_evenly(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    struct tried *large = tried_new(&f.plan, true, 2 * TRIED_VALUES_MAX / 5);
    const struct experiment e = { .hyperparams = "[]", .state = "FINISHED", .metric = 1 };

    (void)state;
    for (int i = 0; i < 30; i++)
        tried_add(large, &e);
    assert_true(large->stride == 3 && large->n == 10 && large->seen == 30);
    tried_free(large);
}

static void values_are_written_as_json_of_their_type(void **state)
{
    CLEANUP(done) struct fixture f = open_table(document);
    CLEANUP(text_done) struct text out = {0};
    const struct column *c = f.tried->columns;

    (void)state;
    column_write(&c[0], 0.01, &out);
    column_write(&c[1], 2, &out);
    column_write(&c[2], 0, &out);
    column_write(&c[3], 4, &out);
    column_write(&c[3], NAN, &out);
    assert_string_equal(out.data, "0.01\"a\\\"b\"644null");
}

static void a_list_is_taken_apart_and_unescaped(void **state)
{
    static const char *const good[] = { "[]", " [ ] ", "[{\"name\":\"a\",\"dataType\":\"str\",\"fixedVal\":\"\"}]" };
    static const char *const bad[] = { "", "[", "{}", "[{}]", "[{\"name\":\"a\"}]", "[{\"name\":\"a\",\"dataType\":\"str\",\"fixedVal\":\"",
                                       "[{\"name\":\"a\",\"dataType\":\"str\",\"fixedVal\":\"\\", "[1]", "[{\"name\":\"a\",\"fixedVal\"}]" };
    char text[] = "[{\"fixedVal\":\"a\\\"\\\\\\n\\u0001\\u001fé\",\"name\":\"\\t\",\"more\":12,\"dataType\":\"str\"}]";
    struct shown v[2];

    (void)state;
    assert_int_equal(shown_split(text, v, 2), 1);
    assert_string_equal(v[0].name, "\t");
    assert_string_equal(v[0].text, "a\"\\\n\x01\x1f\xc3\xa9");
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(freep) char *copy = xstrdup(good[i]);

        assert_int_equal(shown_split(copy, v, 2), i == 2);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(freep) char *copy = xstrdup(bad[i]);

        if (shown_split(copy, v, 2) != -1)
            fail_msg("%s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_say_what_the_space_is),
        cmocka_unit_test(values_become_numbers_and_places_of_choices),
        cmocka_unit_test(values_in_another_order_are_found_and_unknown_ones_passed_over),
        cmocka_unit_test(what_did_not_end_well_is_no_row),
        cmocka_unit_test(rows_are_ranked_in_the_direction_of_the_objective),
        cmocka_unit_test(listed_experiments_make_columns_of_what_they_have),
        cmocka_unit_test(a_listed_parameter_of_several_types_is_a_choice),
        cmocka_unit_test(a_large_table_passes_over_experiments_evenly),
        cmocka_unit_test(values_are_written_as_json_of_their_type),
        cmocka_unit_test(a_list_is_taken_apart_and_unescaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
