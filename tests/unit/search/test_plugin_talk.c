// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/document.h"
#include "search/plugins/plugin.h"
#include "search/plugins/plugin_talk.h"
#include "search/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct mem *mem;
    struct search_plan *plan;
    struct plugin_space space;
};

static void done(struct fixture *f) { mem_free(f->mem); }

static struct fixture open_plan(const char *algo, const char *params)
{
    struct fixture f = { .mem = mem_new() };
    const char *text = mem_printf(f.mem, "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss' %s},"
                                  " 'hyperParams': [%s]}", algo, params);
    struct err err = {0};

    f.plan = mem_alloc(f.mem, sizeof *f.plan);
    assert_int_equal(document_read(text, strlen(text), true, NULL, f.mem, f.plan, &err), 0);
    assert_int_equal(plugin_space_make(&f.plan->space, &f.plan->doc.params, f.mem, &f.space, &err), 0);
    return f;
}

#define X   "{'name': 'x', 'type': 'Range', 'dataType': 'DOUBLE', 'minDbVal': 0, 'maxDbVal': 1}"
#define N   "{'name': 'n', 'type': 'Range', 'dataType': 'INT', 'minIntVal': 1, 'maxIntVal': 9}"
#define S   "{'name': 's', 'type': 'Discrete', 'dataType': 'STR', 'discreateStrVal': ['a', 'b']}"
#define FIX "{'name': 'f', 'type': 'Fix', 'dataType': 'int', 'fixedVal': 7}"
#define LR  "{'name': 'lr', 'type': 'Range', 'dataType': 'double', 'minDbVal': -3, 'maxDbVal': 0, 'power': 10}"
#define W   "{'name': 'w', 'type': 'Range', 'dataType': 'int', 'minIntVal': 0, 'maxIntVal': 8, 'power': 2}"

static void the_first_line_says_what_there_is_to_search(void **state)
{
    CLEANUP(done) struct fixture f = open_plan(", 'maxJobNum': 5, 'objective': 'Maximize', 'algoParams': [{'name': 'seed', 'value':"
                                               " 2}, {'name': 'none'}]", X "," FIX "," N);
    CLEANUP(text_done) struct text out = {0};
    const struct plugin p = { .name = "mine" };

    (void)state;
    plugin_start_line(&p, f.plan, &f.space, "ann-hpo-1", NULL, &out);
    assert_string_equal(out.data,
        "{\"do\":\"start\",\"protocol\":1,\"name\":\"mine\",\"search\":\"ann-hpo-1\",\"objective\":\"maximize\","
        "\"objectiveMetric\":\"loss\",\"maxJobNum\":5,\"maxParalleJobNum\":1,\"logLevel\":\"INFO\",\"hyper_parameters\":["
        "{\"name\":\"x\",\"type\":\"Range\",\"dataType\":\"DOUBLE\",\"minDbVal\":0.0,\"maxDbVal\":1.0},"
        "{\"name\":\"n\",\"type\":\"Range\",\"dataType\":\"INT\",\"minIntVal\":1,\"maxIntVal\":9}],"
        "\"params\":{\"seed\":\"2\"},\"state\":null}\n");
    text_clear(&out);
    plugin_start_line(&p, f.plan, &f.space, "ann-hpo-1", "[1,\"two\"]", &out);
    assert_non_null(strstr(out.data, ",\"state\":[1,\"two\"]}\n"));
}

static void outcomes_are_told_with_every_name_there_is_for_them(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    CLEANUP(text_done) struct text line = {0};
    const struct experiment fine = { .id = 3, .state = "FINISHED", .metric = 0.25, .metrics = "[{\"name\":\"loss\"}]",
                                     .started_ms = INT_UNSET, .ended_ms = INT_UNSET };
    const struct experiment failed = { .id = 4, .state = "KILLED", .metric = METRIC_FAILED, .message = "it was stopped",
                                       .started_ms = INT_UNSET, .ended_ms = INT_UNSET };

    (void)state;
    plugin_result(&fine, false, "{\"x\":1}", &out);
    text_add_char(&out, ',');
    plugin_result(&failed, true, "{\"x\":2}", &out);
    plugin_search_line(2, &out, true, &line);
    assert_string_equal(line.data,
        "{\"do\":\"search\",\"number_samples\":2,\"last_exp_results\":["
        "{\"id\":3,\"state\":\"FINISHED\",\"score\":0.25,\"metricVal\":0.25,\"objective\":\"minimize\",\"hyperparameters\":{\"x\":1},"
        "\"hyperParams\":{\"x\":1},\"metrics\":[{\"name\":\"loss\"}],\"startTime\":null,\"endTime\":null,\"message\":null},"
        "{\"id\":4,\"state\":\"KILLED\",\"score\":9999.99,\"metricVal\":null,\"objective\":\"maximize\",\"hyperparameters\":{\"x\":2},"
        "\"hyperParams\":{\"x\":2},\"metrics\":[],\"startTime\":null,\"endTime\":null,\"message\":\"it was stopped\"}],"
        "\"replay\":true}\n");
}

static void a_step_becomes_a_list_that_has_a_limit(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *text = "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss'}, 'hyperParams': ["
                       "{'name': 'x', 'type': 'Range', 'dataType': 'INT', 'minIntVal': 0, 'maxIntVal': 10000, 'step': 1}]}";
    struct plugin_space space;
    struct search_plan plan;
    struct err err = {0};

    (void)state;
    assert_int_equal(document_read(text, strlen(text), true, NULL, mem, &plan, &err), 0);
    assert_int_equal(plugin_space_make(&plan.space, &plan.doc.params, mem, &space, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(err.text, "10001 values"));
}

static void an_answer_is_kept_as_it_was_given(void **state)
{
    static const char line[] = "{\"suggestions\": [{\"s\": \"b\", \"lr\": -2, \"n\": 3.0, \"x\": \"0.5\"},"
                               "{\"x\":1, \"n\":4, \"s\":5, \"lr\":-0.5}], \"state\": {\"a\": [1, 2.5]}, \"more\": 1}";
    CLEANUP(done) struct fixture f = open_plan("", X "," FIX "," N "," S "," LR);
    struct plugin_answer a;
    struct value *v;
    struct err err = {0};
    char buf[32];

    (void)state;
    assert_int_equal(plugin_answer_read(line, strlen(line), &f.space, 2, f.mem, &a, &err), 0);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.suggestions[0], "{\"x\":0.5,\"n\":3,\"s\":\"b\",\"lr\":-2.0}");
    assert_string_equal(a.suggestions[1], "{\"x\":1.0,\"n\":4,\"s\":\"5\",\"lr\":-0.5}");
    assert_string_equal(a.state, "{\"a\":[1,2.5]}");

    assert_int_equal(plugin_values(&f.space, a.suggestions[0], f.mem, &v, &err), 0);
    assert_string_equal(value_text(&v[0], buf), "0.5");
    assert_string_equal(value_text(&v[1], buf), "7");
    assert_string_equal(v[1].name, "f");
    assert_string_equal(value_text(&v[2], buf), "3");
    assert_string_equal(value_text(&v[3], buf), "b");
    assert_string_equal(value_text(&v[4], buf), "0.01");
}

static void whole_numbers_with_power_are_rounded(void **state)
{
    static const char line[] = "{\"suggestions\": [{\"w\": 3}, {\"w\": 1.5}]}";
    CLEANUP(done) struct fixture f = open_plan("", W);
    struct plugin_answer a;
    struct value *v;
    struct err err = {0};

    (void)state;
    assert_int_equal(plugin_answer_read(line, strlen(line), &f.space, 9, f.mem, &a, &err), 0);
    assert_null(a.state);
    assert_int_equal(plugin_values(&f.space, a.suggestions[0], f.mem, &v, &err), 0);
    assert_int_equal(v[0].integer, 8);
    assert_int_equal(plugin_values(&f.space, a.suggestions[1], f.mem, &v, &err), 0);
    assert_int_equal(v[0].integer, 3);
}

static void no_suggestion_is_an_answer(void **state)
{
    CLEANUP(done) struct fixture f = open_plan("", X);
    struct plugin_answer a;
    struct err err = {0};

    (void)state;
    assert_int_equal(plugin_answer_read("{\"suggestions\":[]}", 18, &f.space, 1, f.mem, &a, &err), 0);
    assert_int_equal(a.n, 0);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *line, *words;
    } cases[] = {
        { "", "is not a JSON object" },
        { "nonsense", "is not a JSON object" },
        { "[]", "is not a JSON object" },
        { "{}", "has no list `suggestions`" },
        { "{\"suggestions\": {}}", "has no list `suggestions`" },
        { "{\"suggestions\": [1]}", "its suggestion 1 is not an object of names and values but 1" },
        { "{\"suggestions\": [{\"x\":1,\"n\":2}, {\"x\":1}]}", "its suggestion 2 has no value for \"n\"" },
        { "{\"suggestions\": [{\"x\":1,\"n\":2,\"y\":3}]}", "sets \"y\", which is not one of its hyperparameters" },
        { "{\"suggestions\": [{\"x\":1,\"n\":2,\"f\":7}]}", "sets \"f\", which is not one of its hyperparameters" },
        { "{\"suggestions\": [{\"x\":1,\"n\":2.5}]}", "gives \"n\" the value 2.5, which is not a whole number within 2^53" },
        { "{\"suggestions\": [{\"x\":1,\"n\":1e300}]}", "whole number" },
        { "{\"suggestions\": [{\"x\":NaN,\"n\":2}]}", "gives \"x\" the value \"NaN\", which is not a finite number" },
        { "{\"suggestions\": [{\"x\":\"0.5 \",\"n\":2}]}", "finite number" },
        { "{\"suggestions\": [{\"x\":true,\"n\":2}]}", "finite number" },
        { "{\"suggestions\": [{\"x\":[],\"n\":2}]}", "finite number" },
        { "{\"suggestions\": [{\"x\":1,\"n\":2},{\"x\":1,\"n\":2},{\"x\":1,\"n\":2}]}", "it gave 3 suggestions, and was asked for 2" },
        { "{\"error\": \"ValueError: no\\nway\"}", "ValueError: no way" },
        { "{\"error\": 5}", "it reported an error without a word" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(done) struct fixture f = open_plan("", X "," N "," FIX);
        struct plugin_answer a;
        struct err err = {0};

        assert_int_equal(plugin_answer_read(cases[i].line, strlen(cases[i].line), &f.space, 2, f.mem, &a, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        if (!strstr(err.text, cases[i].words))
            fail_msg("%s: %s", cases[i].line, err.text);
    }
}

static void exponents_that_lead_nowhere_are_refused(void **state)
{
    static const char *const lines[] = { "{\"suggestions\":[{\"lr\":400,\"w\":1}]}", "{\"suggestions\":[{\"lr\":0,\"w\":60}]}" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        CLEANUP(done) struct fixture f = open_plan("", LR "," W);
        struct plugin_answer a;
        struct err err = {0};

        assert_int_equal(plugin_answer_read(lines[i], strlen(lines[i]), &f.space, 1, f.mem, &a, &err), -1);
        assert_non_null(strstr(err.text, "which is not an exponent that gives a usable value"));
    }
}

static void a_damaged_suggestion_is_not_run(void **state)
{
    CLEANUP(done) struct fixture f = open_plan("", X);
    struct value *v;
    struct err err = {0};

    (void)state;
    assert_int_equal(plugin_values(&f.space, "{}", f.mem, &v, &err), -1);
    assert_int_equal(err.kind, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_says_what_there_is_to_search),
        cmocka_unit_test(outcomes_are_told_with_every_name_there_is_for_them),
        cmocka_unit_test(a_step_becomes_a_list_that_has_a_limit),
        cmocka_unit_test(an_answer_is_kept_as_it_was_given),
        cmocka_unit_test(whole_numbers_with_power_are_rounded),
        cmocka_unit_test(no_suggestion_is_an_answer),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(exponents_that_lead_nowhere_are_refused),
        cmocka_unit_test(a_damaged_suggestion_is_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
