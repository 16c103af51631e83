// SPDX-License-Identifier: Apache-2.0
#include "search/insight/importance.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static struct fixture open_table(const char *objective, const char *params)
{
    struct fixture f = { .mem = mem_new() };
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    text_addf(&t, "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss', 'objective': '%s'}, "
                  "'hyperParams': [%s]}", objective, params);
    if (document_read(t.data, t.len, true, NULL, f.mem, &f.plan, &err) < 0)
        fail_msg("%s", err.text);
    f.tried = tried_new(&f.plan, true, 100);
    return f;
}

/* An experiment whose values are the texts given, by name. */
static void add(struct fixture *f, int64_t id, double metric, const char *values)
{
    const struct experiment e = { .id = id, .hyperparams = values, .state = "FINISHED", .metric = metric };

    tried_add(f->tried, &e);
}

static json_t *result(struct fixture *f, bool marginals)
{
    CLEANUP(text_done) struct text out = {0};
    json_t *json;

    importance_write(f->tried, &(struct importance_setup){ .seed = 0, .marginals = marginals }, &out);
    out.data[0] = '{';
    text_add_char(&out, '}');
    json = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

static double share_of(const json_t *json, const char *name)
{
    const json_t *list = json_object_get(json, "importance");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(list, i), "name")), name) == 0)
            return json_real_value(json_object_get(json_array_get(list, i), "importance"));
    return NAN;
}

#define RANGE(name) "{'name':'" name "','type':'range','dataType':'double','minDbVal':0,'maxDbVal':1}"
#define REAL_VALUE(name) "{\"name\":\"" name "\",\"dataType\":\"double\",\"fixedVal\":\"%.6f\"}"

/* y = 3 x + z, and one experiment of which is `odd` instead. */
static json_t *with_outlier(const char *objective, double sign, double odd)
{
    CLEANUP(done) struct fixture f = open_table(objective, RANGE("x") "," RANGE("z"));

    for (uint64_t i = 0; i < 100; i++) {
        double x = rng_uniform(1, i, 0, 0), z = rng_uniform(1, i, 1, 0);
        CLEANUP(text_done) struct text v = {0};

        text_addf(&v, "[" REAL_VALUE("x") "," REAL_VALUE("z") "]", x, z);
        add(&f, (int64_t)i, i == 50 ? odd : sign * (3 * x + z), v.data);
    }
    return result(&f, false);
}

static void an_experiment_that_diverged_is_not_all_of_the_variance(void **state)
{
    json_auto_t *low = with_outlier("minimize", 1, 1e9), *high = with_outlier("maximize", -1, -1e9);

    (void)state;
    assert_true(share_of(low, "x") > 0.6);
    assert_true(share_of(high, "x") > 0.6);
}

static void parameters_that_do_not_vary_are_left_out(void **state)
{
    CLEANUP(done) struct fixture f = open_table("minimize", RANGE("x") ",{'name':'f','type':'fix','dataType':'int','fixedVal':3},"
        "{'name':'one','type':'discrete','dataType':'int','discreteIntVal':[7]}");

    (void)state;
    for (int i = 0; i < 10; i++) {
        CLEANUP(text_done) struct text v = {0};

        text_addf(&v, "[" REAL_VALUE("x") "]", i / 10.0);
        add(&f, i, i, v.data);
    }
    json_auto_t *json = result(&f, false);
    assert_int_equal(json_array_size(json_object_get(json, "importance")), 1);
    assert_true(share_of(json, "x") == 1);
}

static void experiments_with_values_of_another_space_are_left_out(void **state)
{
    CLEANUP(done) struct fixture f = open_table("minimize", RANGE("x"));

    (void)state;
    for (int i = 0; i < 10; i++) {
        CLEANUP(text_done) struct text v = {0};

        text_addf(&v, "[" REAL_VALUE("x") "]", i / 5.0);
        add(&f, i, i, v.data);
    }
    json_auto_t *json = result(&f, false);
    assert_int_equal(json_integer_value(json_object_get(json, "experiments")), 6);
}

static void many_choices_are_taken_in_their_order(void **state)
{
    CLEANUP(text_done) struct text params = {0};

    (void)state;
    text_add(&params, "{'name':'n','type':'discrete','dataType':'int','discreteIntVal':[");
    for (int i = 0; i < 100; i++)
        text_addf(&params, "%d,", 5 * i);
    text_add(&params, "]}");
    CLEANUP(done) struct fixture f = open_table("minimize", params.data);
    for (int i = 0; i < 100; i++) {
        CLEANUP(text_done) struct text v = {0};

        text_addf(&v, "[{\"name\":\"n\",\"dataType\":\"int\",\"fixedVal\":\"%d\"}]", 5 * i);
        add(&f, i, i, v.data);
    }
    json_auto_t *json = result(&f, true);
    const json_t *marginal = json_object_get(json_array_get(json_object_get(json, "importance"), 0), "marginal");
    assert_int_equal(json_array_size(marginal), 33);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(marginal, 0), "value")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(marginal, 32), "value")), 495);
    assert_true(json_real_value(json_object_get(json_array_get(marginal, 32), "mean")) > 90);
}

static void too_little_gives_a_sentence(void **state)
{
    CLEANUP(done) struct fixture few = open_table("minimize", RANGE("x"));
    CLEANUP(done) struct fixture fixed = open_table("minimize", "{'name':'f','type':'fix','dataType':'int','fixedVal':3}");
    json_auto_t *a = result(&few, false), *b = result(&fixed, false);

    (void)state;
    assert_non_null(strstr(json_string_value(json_object_get(a, "message")), "at least 4"));
    assert_non_null(strstr(json_string_value(json_object_get(b, "message")), "no hyperparameter"));
    assert_int_equal(json_array_size(json_object_get(a, "importance")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experiment_that_diverged_is_not_all_of_the_variance),
        cmocka_unit_test(parameters_that_do_not_vary_are_left_out),
        cmocka_unit_test(experiments_with_values_of_another_space_are_left_out),
        cmocka_unit_test(many_choices_are_taken_in_their_order),
        cmocka_unit_test(too_little_gives_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
