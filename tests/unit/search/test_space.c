// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/methods/rng.h"
#include "search/space.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct specs {
    struct list list;
};

static const struct field specs_fields[] = {
    { "hyperParams", LIST(struct specs, list, struct param_spec, param_spec_fields) },
    { .type = FIELD_END },
};

/* Decodes one list of hyperparameters, spelled with single quotes for the sake of this file. */
static int decode(const char *text, struct mem *mem, struct list *ret, struct err *err)
{
    CLEANUP(text_done) struct text doc = {0};
    struct specs specs;
    json_t *json;
    int rc;

    text_addf(&doc, "{'hyperParams': [%s]}", text);
    for (char *c = doc.data; *c; c++)
        if (*c == '\'')
            *c = '"';
    json = json_loads(doc.data, 0, NULL);
    assert_non_null(json);
    space_respell(json_object_get(json, "hyperParams"));
    rc = fields_from_json(specs_fields, json, &specs, mem, err);
    json_decref(json);
    *ret = specs.list;
    return rc;
}

static int make(const char *text, bool log_power, struct mem *mem, struct space *ret, struct err *err)
{
    struct list list;

    return decode(text, mem, &list, err) < 0 ? -1 : space_make(&list, log_power, mem, ret, err);
}

/* The text of the one parameter's value at u. */
static const char *at(const char *param, bool log_power, double u, struct mem *mem)
{
    struct err err = {0};
    struct space s;
    struct value v;
    char buf[32];

    if (make(param, log_power, mem, &s, &err) < 0)
        fail_msg("%s", err.text);
    space_values(&s, &u, &v);
    return mem_strdup(mem, value_text(&v, buf));
}

static const double almost_one = 1 - 0x1p-53;

static void a_double_range_stays_below_its_upper_bound(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'lr','type':'Range','dataType':'DOUBLE','minDbVal':0.5,'maxDbVal':1.5}";

    (void)state;
    assert_string_equal(at(p, true, 0, mem), "0.5");
    assert_string_equal(at(p, true, 0.5, mem), "1.0");
    assert_true(strtod(at(p, true, almost_one, mem), NULL) < 1.5);
}

static void an_int_range_includes_both_ends(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'n','type':'range','dataType':'INT','minIntVal':3,'maxIntVal':14}";

    (void)state;
    assert_string_equal(at(p, true, 0, mem), "3");
    assert_string_equal(at(p, true, almost_one, mem), "14");
}

static void equal_bounds_are_a_constant(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    assert_string_equal(at("{'name':'a','type':'range','dataType':'double','minDbVal':2,'maxDbVal':2}", true,
                           almost_one, mem), "2.0");
    assert_string_equal(at("{'name':'a','type':'range','dataType':'int','minIntVal':2,'maxIntVal':2}", true, 0.7, mem), "2");
}

static void steps_start_at_the_minimum_and_print_clean_decimals(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'a','type':'Range','dataType':'double','minDbVal':0.01,'maxDbVal':1.0,'step':'0.01'}";
    static const char odd[] = "{'name':'a','type':'Range','dataType':'double','minDbVal':0.001,'maxDbVal':0.1,'step':0.002}";

    (void)state;
    for (int k = 0; k < 100; k++) {
        char want[32];

        real_to_text(strtod(mem_printf(mem, "%.2f", 0.01 * (k + 1)), NULL), want);
        assert_string_equal(at(p, true, (k + 0.5) / 100, mem), want);
    }
    assert_string_equal(at(odd, true, 0, mem), "0.001");
    assert_string_equal(at(odd, true, almost_one, mem), "0.099");     /* 0.101 is beyond the maximum */
    assert_string_equal(at("{'name':'a','type':'Range','dataType':'double','minDbVal':1e-5,'maxDbVal':3e-5,'step':'1e-5'}",
                           true, almost_one, mem), "3e-05");
    assert_string_equal(at("{'name':'a','type':'Range','dataType':'double','minDbVal':-0.3,'maxDbVal':0.3,'step':0.1}",
                           true, 0.5, mem), "0.0");
}

static void a_step_wider_than_the_range_leaves_the_minimum(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    assert_string_equal(at("{'name':'a','type':'range','dataType':'int','minIntVal':5,'maxIntVal':9,'step':10}", true,
                           almost_one, mem), "5");
}

static void int_steps_reach_a_maximum_on_the_grid(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    assert_string_equal(at("{'name':'a','type':'range','dataType':'int','minIntVal':16,'maxIntVal':128,'step':16}", true,
                           almost_one, mem), "128");
}

static void power_draws_exponents_or_values_as_configured(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'lr','type':'range','dataType':'double','minDbVal':-2,'maxDbVal':0,'power':'10'}";

    (void)state;
    assert_string_equal(at(p, true, 0.5, mem), "0.1");
    assert_string_equal(at(p, true, 0, mem), "0.01");
    assert_string_equal(at(p, false, 0.5, mem), "0.505");
    assert_string_equal(at(p, false, 0, mem), "0.01");
}

static void power_below_one_turns_the_range_around(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'a','type':'range','dataType':'double','minDbVal':0,'maxDbVal':2,'power':0.5}";

    (void)state;
    assert_string_equal(at(p, true, 0, mem), "1.0");
    assert_string_equal(at(p, true, 0.5, mem), "0.5");
    assert_string_equal(at(p, false, 0, mem), "0.25");
}

static void power_with_step_walks_the_exponents_and_ints_are_rounded(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char p[] = "{'name':'b','type':'range','dataType':'int','minIntVal':4,'maxIntVal':8,'power':2,'step':1}";

    (void)state;
    for (int k = 0; k < 5; k++) {
        assert_string_equal(at(p, true, (k + 0.5) / 5, mem), mem_printf(mem, "%d", 16 << k));
        assert_string_equal(at(p, false, (k + 0.5) / 5, mem), mem_printf(mem, "%d", 16 << k));
    }
}

static void choices_are_taken_by_equal_shares_and_keep_their_type(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const char str[] = "{'name':'o','type':'Discreate','dataType':'STRING','discreateStrVal':['sgd','adam'],'discreteIntVal':[]}";
    static const char other[] = "{'name':'o','type':'discrete','dataType':'Float','discreteDbVal':[0.1,2]}";

    (void)state;
    assert_string_equal(at(str, true, 0.49, mem), "sgd");
    assert_string_equal(at(str, true, 0.5, mem), "adam");
    assert_string_equal(at(other, true, almost_one, mem), "2.0");
    assert_string_equal(at("{'name':'f','type':'fixed','dataType':'integer','fixedVal':'7'}", true, 0.9, mem), "7");
}

static void every_bad_parameter_is_refused_by_its_member(void **state)
{
    static const struct { const char *param, *field; } cases[] = {
        { "{'type':'range','dataType':'int','minIntVal':1,'maxIntVal':2}", "hyperParams[0].name" },
        { "{'name':'a','type':'ranges','dataType':'int'}", "hyperParams[0].type" },
        { "{'name':'a','type':'range','dataType':'complex'}", "hyperParams[0].dataType" },
        { "{'name':'a','type':'range','dataType':'str'}", "hyperParams[0].dataType" },
        { "{'name':'a','type':'range','dataType':'double','maxDbVal':1}", "hyperParams[0].minDbVal" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':'NaN','maxDbVal':1}", "hyperParams[0].minDbVal" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':2,'maxDbVal':1}", "hyperParams[0].minDbVal" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':-1.7e308,'maxDbVal':1.7e308}", "hyperParams[0].maxDbVal" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1}", "hyperParams[0].maxIntVal" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1,'maxIntVal':9007199254740993}", "hyperParams[0].maxIntVal" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1.5,'maxIntVal':2}", "hyperParams[0].minIntVal" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1,'maxIntVal':9,'step':0}", "hyperParams[0].step" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1,'maxIntVal':9,'step':'0.5'}", "hyperParams[0].step" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':1,'maxIntVal':9,'step':'two'}", "hyperParams[0].step" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':0,'maxDbVal':1,'step':1e-300}", "hyperParams[0].step" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':0,'maxDbVal':1,'power':1}", "hyperParams[0].power" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':0,'maxDbVal':1,'power':-2}", "hyperParams[0].power" },
        { "{'name':'a','type':'range','dataType':'double','minDbVal':0,'maxDbVal':999,'power':10}", "hyperParams[0].power" },
        { "{'name':'a','type':'range','dataType':'int','minIntVal':0,'maxIntVal':0,'power':10},"
          "{'name':'b','type':'range','dataType':'int','minIntVal':-3,'maxIntVal':-1,'power':10}", "hyperParams[1].power" },
        { "{'name':'a','type':'discrete','dataType':'int','discreteIntVal':[]}", "hyperParams[0].discreteIntVal" },
        { "{'name':'a','type':'discrete','dataType':'str','discreteIntVal':[1]}", "hyperParams[0].discreateStrVal" },
        { "{'name':'a','type':'fix','dataType':'int'}", "hyperParams[0].fixedVal" },
        { "{'name':'a','type':'fix','dataType':'int','fixedVal':'x'}", "hyperParams[0].fixedVal" },
        { "{'name':'a','type':'fix','dataType':'int','fixedVal':1},{'name':'a','type':'fix','dataType':'int','fixedVal':1}",
          "hyperParams[1].name" },
        { "", "hyperParams" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct err err = {0};
        struct space s;

        if (make(cases[i].param, true, mem, &s, &err) == 0)
            fail_msg("accepted: %s", cases[i].param);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, cases[i].field);
        assert_true(err.accepted[0] && strlen(err.text) > 10);
    }
}

static void every_value_lies_within_the_bounds_it_was_given(void **state)
{
    static const char params[] =
        "{'name':'a','type':'range','dataType':'double','minDbVal':-3,'maxDbVal':2,'power':10},"
        "{'name':'b','type':'range','dataType':'int','minIntVal':-7,'maxIntVal':9007199254740992},"
        "{'name':'c','type':'range','dataType':'int','minIntVal':1,'maxIntVal':7,'power':3},"
        "{'name':'d','type':'range','dataType':'double','minDbVal':0.1,'maxDbVal':0.7,'step':0.2}";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct space s;

    (void)state;
    for (int power = 0; power < 2; power++) {
        assert_int_equal(make(params, power, mem, &s, &err), 0);
        for (uint64_t trial = 0; trial < 20000; trial++) {
            double cube[4];
            struct value v[4];

            for (uint32_t i = 0; i < 4; i++)
                cube[i] = rng_uniform(1, trial, i, 0);
            space_values(&s, cube, v);
            assert_true(v[0].real >= 1e-3 && v[0].real <= 100);
            assert_true(v[1].integer >= -7 && v[1].integer <= 9007199254740992);
            assert_true(v[2].integer >= 3 && v[2].integer <= 2187);
            assert_true(v[3].real == 0.1 || v[3].real == 0.3 || v[3].real == 0.5 || v[3].real == 0.7);
        }
    }
}

static void config_json_has_the_real_types_and_the_echo_has_text(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text config = {0};
    CLEANUP(text_done) struct text echo = {0};
    struct err err = {0};
    struct space s;
    struct value v[3];
    const double cube[3] = {0};

    (void)state;
    assert_int_equal(make("{'name':'lr','type':'fix','dataType':'double','fixedVal':0.031},"
                          "{'name':'n','type':'fix','dataType':'INT','fixedVal':'8'},"
                          "{'name':'o','type':'fix','dataType':'string','fixedVal':7}", true, mem, &s, &err), 0);
    space_values(&s, cube, v);
    values_config(v, 3, &config);
    values_echo(v, 3, &echo);
    assert_string_equal(config.data, "{\"lr\": 0.031, \"n\": 8, \"o\": \"7\"}\n");
    assert_string_equal(echo.data,
                        "[{\"name\":\"lr\",\"type\":\"fix\",\"dataType\":\"double\",\"fixedVal\":\"0.031\",\"userDefined\":false},"
                        "{\"name\":\"n\",\"type\":\"fix\",\"dataType\":\"int\",\"fixedVal\":\"8\",\"userDefined\":false},"
                        "{\"name\":\"o\",\"type\":\"fix\",\"dataType\":\"string\",\"fixedVal\":\"7\",\"userDefined\":false}]");
}

static void an_echo_reads_back_as_the_same_values(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text first = {0};
    CLEANUP(text_done) struct text second = {0};
    struct err err = {0};
    struct list list;
    struct value *v;

    (void)state;
    assert_int_equal(decode("{'name':'lr','type':'fix','dataType':'double','fixedVal':0.1},"
                            "{'name':'o','type':'fix','dataType':'str','fixedVal':'a b'}", mem, &list, &err), 0);
    assert_int_equal(values_fixed(&list, "hyperParams", mem, &v, &err), 0);
    values_echo(v, 2, &first);
    first.data[first.len - 1] = '\0';       /* without the brackets, as decode() wants it */
    assert_int_equal(decode(first.data + 1, mem, &list, &err), 0);
    assert_int_equal(values_fixed(&list, "hyperParams", mem, &v, &err), 0);
    values_echo(v, 2, &second);
    assert_string_equal(second.data, mem_printf(mem, "%s]", first.data));
}

static void the_point_of_a_value_has_that_value(void **state)
{
    static const char *const params[] = {
        "{'name':'x','type':'range','dataType':'double','minDbVal':-2,'maxDbVal':3}",
        "{'name':'x','type':'range','dataType':'double','minDbVal':0,'maxDbVal':1,'step':0.1}",
        "{'name':'x','type':'range','dataType':'int','minIntVal':-3,'maxIntVal':11}",
        "{'name':'x','type':'range','dataType':'double','minDbVal':-4,'maxDbVal':-1,'power':10}",
        "{'name':'x','type':'range','dataType':'int','minIntVal':1,'maxIntVal':9,'power':2}",
        "{'name':'x','type':'discrete','dataType':'str','discreateStrVal':['a','b','c']}",
        "{'name':'x','type':'fix','dataType':'int','fixedVal':'7'}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct err err = {0};
        struct value v, back;
        struct space s;

        assert_int_equal(make(params[i], true, mem, &s, &err), 0);
        for (uint64_t t = 0; t < 200; t++) {
            double u = rng_uniform(3, t, 0, 0), point;

            space_values(&s, &u, &v);
            assert_int_equal(space_point(&s, &v, &point, &err), 0);
            space_values(&s, &point, &back);
            assert_true(point >= 0 && point < 1);
            assert_int_equal(back.integer, v.integer);
            assert_ptr_equal(back.str, v.str);
            assert_true(fabs(back.real - v.real) <= 1e-13 * (1 + fabs(v.real)));
        }
    }
}

static void what_is_no_value_has_no_point(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct value v = { .data = PARAM_INT, .integer = 12 };
    struct err err = {0};
    struct space s;
    double u;

    (void)state;
    assert_int_equal(make("{'name':'x','type':'range','dataType':'int','minIntVal':-3,'maxIntVal':11}", true, mem, &s, &err), 0);
    assert_int_equal(space_point(&s, &v, &u, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_int_equal(make("{'name':'x','type':'discrete','dataType':'int','discreteIntVal':[1,2]}", true, mem, &s, &err), 0);
    assert_int_equal(space_point(&s, &v, &u, &err), -1);
}

static void a_value_beside_its_steps_has_no_exact_point(void **state)
{
    static const struct { const char *range; struct value v; bool fine; } cases[] = {
        { "'int','minIntVal':1,'maxIntVal':100,'step':25", { .integer = 76 }, true },
        { "'int','minIntVal':1,'maxIntVal':100,'step':25", { .integer = 25 }, false },
        { "'int','minIntVal':1,'maxIntVal':100,'step':25", { .integer = 100 }, false },
        { "'int','minIntVal':0,'maxIntVal':1000000000000,'step':1000", { .integer = 999999999999 }, false },
        { "'double','minDbVal':0,'maxDbVal':1,'step':0.1", { .real = 0.1 + 0.2 }, true },
        { "'double','minDbVal':0,'maxDbVal':1,'step':0.1", { .real = 0.35 }, false },
        { "'double','minDbVal':-12,'maxDbVal':-10,'power':10,'step':1", { .real = 1e-11 }, true },
        { "'double','minDbVal':-12,'maxDbVal':-10,'power':10,'step':1", { .real = 5e-11 }, false },
        { "'int','minIntVal':0,'maxIntVal':8,'power':2,'step':1", { .integer = 64 }, true },
        { "'int','minIntVal':0,'maxIntVal':8,'power':2,'step':1", { .integer = 65 }, false },
        /* 2^0.74 is rounded to 2, but 2^1.11 is nearer to it */
        { "'int','minIntVal':0,'maxIntVal':8,'power':2,'step':0.37", { .integer = 2 }, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct value v = cases[i].v, back;
        struct err err = {0};
        struct space s;
        double u;

        assert_int_equal(make(mem_printf(mem, "{'name':'x','type':'range','dataType':%s}", cases[i].range), true, mem, &s, &err), 0);
        v.data = s.dims[0].data;
        assert_false(isnan(dimension_point(&s.dims[0], &v)));
        assert_int_equal(space_point(&s, &v, &u, &err), cases[i].fine ? 0 : -1);
        if (!cases[i].fine)
            continue;
        back = dimension_value(&s.dims[0], u);
        assert_int_equal(back.integer, v.integer);
    }
}

static void whole_numbers_beyond_2_to_the_53_are_exact_or_refused(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct value v = { .data = PARAM_INT, .integer = 9007199254740993 };
    struct err err = {0};
    struct space s;
    double u;

    (void)state;
    assert_string_equal(at("{'name':'f','type':'fix','dataType':'int','fixedVal':9007199254740993}", true, 0, mem), "9007199254740993");
    assert_string_equal(at("{'name':'f','type':'fix','dataType':'int','fixedVal':'-9223372036854775807'}", true, 0, mem),
                        "-9223372036854775807");
    assert_string_equal(at("{'name':'f','type':'fix','dataType':'int','fixedVal':'3.0'}", true, 0, mem), "3");
    assert_int_equal(make("{'name':'f','type':'fix','dataType':'int','fixedVal':'9223372036854775808'}", true, mem, &s, &err), -1);
    assert_int_equal(make("{'name':'x','type':'range','dataType':'int','minIntVal':0,'maxIntVal':9007199254740992}", true, mem, &s, &err), 0);
    assert_int_equal(space_point(&s, &v, &u, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_point_of_a_value_has_that_value),
        cmocka_unit_test(what_is_no_value_has_no_point),
        cmocka_unit_test(a_value_beside_its_steps_has_no_exact_point),
        cmocka_unit_test(whole_numbers_beyond_2_to_the_53_are_exact_or_refused),
        cmocka_unit_test(a_double_range_stays_below_its_upper_bound),
        cmocka_unit_test(an_int_range_includes_both_ends),
        cmocka_unit_test(equal_bounds_are_a_constant),
        cmocka_unit_test(steps_start_at_the_minimum_and_print_clean_decimals),
        cmocka_unit_test(a_step_wider_than_the_range_leaves_the_minimum),
        cmocka_unit_test(int_steps_reach_a_maximum_on_the_grid),
        cmocka_unit_test(power_draws_exponents_or_values_as_configured),
        cmocka_unit_test(power_below_one_turns_the_range_around),
        cmocka_unit_test(power_with_step_walks_the_exponents_and_ints_are_rounded),
        cmocka_unit_test(choices_are_taken_by_equal_shares_and_keep_their_type),
        cmocka_unit_test(every_bad_parameter_is_refused_by_its_member),
        cmocka_unit_test(every_value_lies_within_the_bounds_it_was_given),
        cmocka_unit_test(config_json_has_the_real_types_and_the_echo_has_text),
        cmocka_unit_test(an_echo_reads_back_as_the_same_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
