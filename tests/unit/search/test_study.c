// SPDX-License-Identifier: Apache-2.0
#include "search/insight/study.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *param, *distribution, *text;
    double number;              /* that stands for `text`; NaN: nothing does */
} rows[] = {
    { "'type':'range','dataType':'double','minDbVal':-1,'maxDbVal':1",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": -1.0, \"high\": 1.0, \"log\": false}}", "0.25", 0.25 },
    { "'type':'range','dataType':'double','minDbVal':-4,'maxDbVal':-1,'power':10",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, \"high\": 0.1, \"log\": true}}", "0.01", 0.01 },
    { "'type':'range','dataType':'double','minDbVal':-4,'maxDbVal':-1,'power':10,'step':1",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0001, \"high\": 0.1, \"log\": true}}", "0.01", 0.01 },
    { "'type':'range','dataType':'double','minDbVal':0,'maxDbVal':1,'step':0.3",
      "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.3, \"low\": 0.0, \"high\": 0.9, \"log\": false}}", "0.6", 0.6 },
    { "'type':'range','dataType':'int','minIntVal':2,'maxIntVal':9",
      "{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 1, \"low\": 2, \"high\": 9, \"log\": false}}", "3", 3 },
    { "'type':'range','dataType':'int','minIntVal':2,'maxIntVal':9,'step':3",
      "{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 3, \"low\": 2, \"high\": 8, \"log\": false}}", "5", 5 },
    { "'type':'range','dataType':'int','minIntVal':0,'maxIntVal':5,'power':2",
      "{\"name\": \"IntDistribution\", \"attributes\": {\"step\": 1, \"low\": 1, \"high\": 32, \"log\": true}}", "7", 7 },
    { "'type':'discrete','dataType':'str','discreateStrVal':['a','b\\\"c']",
      "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"a\", \"b\\\"c\"]}}", "b\"c", 1 },
    { "'type':'discrete','dataType':'double','discreteDbVal':[1,1e-05]",
      "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [1.0, 1e-05]}}", "1e-05", 1 },
    { "'type':'discrete','dataType':'int','discreteIntVal':[32,64]",
      "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [32, 64]}}", "48", NAN },
    { "'type':'fix','dataType':'str','fixedVal':'x'",
      "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"x\"]}}", "x", 0 },
};

static void every_kind_of_parameter_has_its_distribution(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        CLEANUP(text_done) struct text document = {0};
        CLEANUP(text_done) struct text out = {0};
        CLEANUP(tried_freep) struct tried *t = NULL;
        struct search_plan plan;
        struct err err = {0};
        double number;

        text_addf(&document, "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss'}, "
                             "'hyperParams': [{'name': 'p', %s}]}", rows[i].param);
        if (document_read(document.data, document.len, true, NULL, mem, &plan, &err) < 0)
            fail_msg("%s", err.text);
        t = tried_new(&plan, false, 0);
        study_distribution(&t->columns[0], &out);
        assert_string_equal(out.data, rows[i].distribution);
        assert_int_equal(study_number(&t->columns[0], rows[i].text, &number), !isnan(rows[i].number));
        if (!isnan(rows[i].number))
            assert_true(number == rows[i].number);
    }
}

static struct known known(const char *distribution, double number)
{
    static json_t *json;

    json_decref(json); /* texts are borrowed from it until the next call */
    json = json_loads(distribution, 0, NULL);
    return study_known(json, number);
}

#define CHOICES "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"adam\", 3, 0.5, true, null, [1]]}}"

static void numbers_of_a_trial_are_read_by_their_distribution(void **state)
{
    static const char *const numeric[] = { "FloatDistribution", "IntDistribution", "UniformDistribution", "LogUniformDistribution",
                                           "DiscreteUniformDistribution", "IntUniformDistribution", "IntLogUniformDistribution" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numeric); i++) {
        CLEANUP(text_done) struct text t = {0};

        text_addf(&t, "{\"name\": \"%s\", \"attributes\": {}}", numeric[i]);
        assert_true(known(t.data, 2.5).kind == KNOWN_NUMBER && known(t.data, 2.5).number == 2.5);
        assert_int_equal(known(t.data, NAN).kind, KNOWN_NOT);
    }
    assert_string_equal(known(CHOICES, 0).text, "adam");
    assert_true(known(CHOICES, 1).number == 3 && known(CHOICES, 2).number == 0.5);
    assert_string_equal(known(CHOICES, 3).text, "True");
    known("null", 0);
}

static void numbers_that_mean_nothing_are_known_not_to(void **state)
{
    static const struct { const char *distribution; double number; } odd[] = {
        { CHOICES, 4 }, { CHOICES, 5 }, { CHOICES, 6 }, { CHOICES, -1 }, { CHOICES, 0.5 }, { CHOICES, INFINITY }, { CHOICES, 1e300 },
        { "[]", 0 }, { "{}", 0 }, { "{\"name\": 3}", 0 }, { "{\"name\": \"CategoricalDistribution\"}", 0 },
        { "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": {}}}", 0 }, { "not JSON", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        if (known(odd[i].distribution, odd[i].number).kind != KNOWN_NOT)
            fail_msg("%s %g", odd[i].distribution, odd[i].number);
    known("null", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_parameter_has_its_distribution),
        cmocka_unit_test(numbers_of_a_trial_are_read_by_their_distribution),
        cmocka_unit_test(numbers_that_mean_nothing_are_known_not_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
