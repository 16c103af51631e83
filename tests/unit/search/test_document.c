// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MODEL "'modelSpec': {'args': '--exec-start PyTorch'}"
#define RANDOM "'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss'}"
#define GRID "'algoDef': {'algorithm': 'ExperimentGridSearch', 'objectiveMetric': 'loss'}"
#define SPACE "'hyperParams': [{'name': 'x', 'type': 'Range', 'dataType': 'INT', 'minIntVal': 1, 'maxIntVal': 9}]"
#define LISTED "'experiments': [{'id': 5, 'hyperParams': [{'name': 'x', 'dataType': 'int', 'fixedVal': 1}]}]"

static int read_text(const char *text, struct mem *mem, struct search_plan *ret, struct err *err)
{
    return document_read(text, strlen(text), true, NULL, mem, ret, err);
}

static void the_smallest_document_gets_the_documented_defaults(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct search_plan p;
    struct err err = {0};

    (void)state;
    assert_int_equal(read_text("{" MODEL "," RANDOM "," SPACE "}", mem, &p, &err), 0);
    assert_null(p.doc.name);
    assert_int_equal(p.doc.algo.max_jobs, -1);
    assert_int_equal(p.doc.algo.max_minutes, -1);
    assert_int_equal(p.doc.algo.parallel, 1);
    assert_string_equal(p.doc.algo.objective, "minimize");
    assert_false(p.maximize);
    assert_int_equal(p.seed, INT_UNSET);
    assert_ptr_equal(p.algorithm, &random_algorithm);
    assert_int_equal(p.space.n_dims, 1);
}

static void every_spelling_of_the_parallel_limit_is_known(void **state)
{
    static const char *const names[] = { "maxParalleJobNum", "maxParalleJob", "maxParallelJobNum" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        const char *text = mem_printf(mem, "{" MODEL ",'algoDef': {'algorithm': 'random', 'objectiveMetric': 'loss',"
                                      "'%s': '4'}," SPACE "}", names[i]);
        struct search_plan p;
        struct err err = {0};

        assert_int_equal(read_text(text, mem, &p, &err), 0);
        assert_int_equal(p.doc.algo.parallel, 4);
    }
}

static void an_empty_list_counts_as_absent(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text out = {0};
    struct search_plan p;
    struct err err = {0};

    (void)state;
    assert_int_equal(read_text("{" MODEL "," RANDOM ",'experiments': [], 'hyperParams': [{'name': 'o', 'type': 'discrete',"
                               "'dataType': 'str', 'discreateStrVal': ['a'], 'discreteIntVal': [], 'discreteDbVal': [],"
                               "'minDbVal': 0, 'step': '', 'power': null}]}", mem, &p, &err), 0);
    fields_to_text(param_spec_fields, p.doc.params.items, &out);
    assert_string_equal(out.data, "{\"name\":\"o\",\"type\":\"discrete\",\"dataType\":\"str\",\"minDbVal\":0.0,"
                                  "\"discreateStrVal\":[\"a\"],\"userDefined\":false}");
}

static void each_algorithm_takes_its_own_list_only(void **state)
{
    static const char *const bad[] = {
        "{" MODEL "," RANDOM "}", "{" MODEL "," RANDOM "," LISTED "}", "{" MODEL "," RANDOM "," SPACE "," LISTED "}",
        "{" MODEL "," GRID "}",   "{" MODEL "," GRID "," SPACE "}",    "{" MODEL "," GRID "," SPACE "," LISTED "}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct search_plan p;
        struct err err = {0};

        assert_int_equal(read_text(bad[i], mem, &p, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_true(text_same(err.field, "hyperParams") || text_same(err.field, "experiments"));
    }
}

static void listed_values_are_sorted_by_name_and_typed(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct suggestion none = { .resource = INT_UNSET, .parent = INT_UNSET };
    struct search_plan p;
    struct value *v;
    struct err err = {0};

    (void)state;
    assert_int_equal(read_text("{" MODEL "," GRID ",'experiments': [{'id': 1, 'fixedHyperParams': ["
                               "{'name': 'b', 'dataType': 'Integer', 'fixedVal': '3'},"
                               "{'name': 'a', 'dataType': 'DOUBLE', 'fixedVal': 1}]}]}", mem, &p, &err), 0);
    assert_int_equal(search_values(&p, 0, &none, mem, &v), 2);
    assert_string_equal(v[0].name, "a");
    assert_true(v[0].real == 1.0);
    assert_string_equal(v[1].data_name, "int");
    assert_int_equal(v[1].integer, 3);
}

static void what_is_written_reads_back_the_same(void **state)
{
    static const char *const documents[] = {
        "{'hpoName': 'n', " MODEL "," RANDOM "," SPACE "}",
        "{" MODEL "," GRID "," LISTED "}",
        "{" MODEL ",'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss', 'objective': 'MAXIMIZE', 'maxJobNum': 3,"
        "'additionalMetrics': {'acc': 'latest'}, 'algoParams': [{'name': 'RandomSeed', 'value': 7}]}," SPACE "}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        CLEANUP(text_done) struct text first = {0};
        CLEANUP(text_done) struct text second = {0};
        struct search_plan p, again;
        struct err err = {0};

        assert_int_equal(read_text(documents[i], mem, &p, &err), 0);
        document_write(&p.doc, &first);
        assert_int_equal(document_read(first.data, first.len, /* log_power= */ false, NULL, mem, &again, &err), 0);
        document_write(&again.doc, &second);
        assert_string_equal(first.data, second.data);
        assert_int_equal(p.maximize, again.maximize);
        assert_int_equal(p.seed, again.seed);
    }
}

static void the_power_law_of_a_stored_search_does_not_follow_the_setting(void **state)
{
    static const char power[] = "{" MODEL "," RANDOM ",'hyperParams': [{'name': 'x', 'type': 'range', 'dataType': 'double',"
                                "'minDbVal': -2, 'maxDbVal': 0, 'power': 10}]}";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text stored = {0};
    const double middle = 0.5;
    struct search_plan p;
    struct err err = {0};
    struct value v;

    (void)state;
    assert_int_equal(document_read(power, strlen(power), /* log_power= */ true, NULL, mem, &p, &err), 0);
    document_write(&p.doc, &stored);
    assert_int_equal(document_read(stored.data, stored.len, /* log_power= */ false, NULL, mem, &p, &err), 0);
    space_values(&p.space, &middle, &v);
    assert_true(v.real == 0.1);
}

static void names_that_cannot_be_addressed_are_refused(void **state)
{
    static const char *const bad[] = { "", ".", "..", "a/b", "a\\b", "a?b", "a#b", "a%b", "a\nb", "\xff", "algorithm", "install" };
    static const char *const good[] = { "a", "a b", "ann-hpo-1", "\xc3\xa9", "Algorithm" };
    char name[SEARCH_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_string_not_equal(search_name_trouble(bad[i]), "");
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_string_equal(search_name_trouble(good[i]), "");
    memset(name, 'n', sizeof name);
    name[SEARCH_NAME_MAX + 1] = '\0';
    assert_string_not_equal(search_name_trouble(name), "");
    name[SEARCH_NAME_MAX] = '\0';
    assert_string_equal(search_name_trouble(name), "");
}

/* The name in config.json as a number, in records as text. */
static void a_resource_comes_last_and_reads_back_as_a_number(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text echo = {0}, config = {0};
    double cube[] = { 0.5 };
    const struct suggestion with = { .cube = cube, .resource = 27, .parent = INT_UNSET };
    struct search_plan p;
    struct value *v, *back;
    struct err err = {0};
    int n;

    (void)state;
    assert_int_equal(read_text("{" MODEL ",'algoDef': {'algorithm': 'hyperband', 'objectiveMetric': 'loss', 'algoParams': ["
                               "{'name': 'ResourceName', 'value': 'epochs'}, {'name': 'ResourceValue', 'value': '81'}]}," SPACE "}",
                               mem, &p, &err), 0);
    assert_string_equal(p.resource_name, "epochs");
    n = search_values(&p, 0, &with, mem, &v);
    assert_int_equal(n, 2);
    values_echo(v, n, &echo);
    assert_non_null(strstr(echo.data, "{\"name\":\"epochs\",\"type\":\"fix\",\"dataType\":\"str\",\"fixedVal\":\"27\""));
    assert_int_equal(values_read(echo.data, 27, mem, &back, &n, &err), 0);
    values_config(back, n, &config);
    assert_non_null(strstr(config.data, "\"epochs\": 27}"));
}

static void a_resource_needs_a_name_of_its_own_and_a_value(void **state)
{
    static const struct { const char *params, *field; } cases[] = {
        { "", "algoDef.algoParams.ResourceName" },
        { "{'name': 'ResourceName', 'value': 'epochs'}", "algoDef.algoParams.ResourceValue" },
        { "{'name': 'ResourceName', 'value': 'x'}, {'name': 'ResourceValue', 'value': '9'}", "algoDef.algoParams.ResourceName" },
        { "{'name': 'ResourceName', 'value': 'e'}, {'name': 'ResourceValue', 'value': '0'}", "algoDef.algoParams.ResourceValue" },
        { "{'name': 'ResourceName', 'value': 'e'}, {'name': 'ResourceValue', 'value': 'x'}", "algoDef.algoParams.ResourceValue" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        const char *text = mem_printf(mem, "{" MODEL ",'algoDef': {'algorithm': 'Asha', 'objectiveMetric': 'loss',"
                                           " 'algoParams': [%s]}," SPACE "}", cases[i].params);
        struct search_plan p;
        struct err err = {0};

        assert_int_equal(read_text(text, mem, &p, &err), -1);
        assert_string_equal(err.field, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_document_gets_the_documented_defaults),
        cmocka_unit_test(every_spelling_of_the_parallel_limit_is_known),
        cmocka_unit_test(an_empty_list_counts_as_absent),
        cmocka_unit_test(each_algorithm_takes_its_own_list_only),
        cmocka_unit_test(listed_values_are_sorted_by_name_and_typed),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(the_power_law_of_a_stored_search_does_not_follow_the_setting),
        cmocka_unit_test(names_that_cannot_be_addressed_are_refused),
        cmocka_unit_test(a_resource_comes_last_and_reads_back_as_a_number),
        cmocka_unit_test(a_resource_needs_a_name_of_its_own_and_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
