// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/orders.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "\"version\":1,\"name\":\"n\",\"kind\":\"OTHER\",\"backend\":\"Other\",\"target\":\"/t\",\"roots\":[\"/d\"]"

static int read_orders(const char *text, struct mem *mem, struct orders *o, struct err *err)
{
    return orders_read(text, strlen(text), mem, o, err);
}

static void what_is_null_or_left_out_gets_its_default(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct orders o;
    struct err err;

    (void)state;
    assert_int_equal(read_orders("{" HEAD ",\"shards\":null,\"image\":{\"height\":null}}", mem, &o, &err), 0);
    assert_string_equal(o.image.type, "color");
    assert_string_equal(o.image.resize, "squash");
    assert_string_equal(o.image.split, "hold-out");
    assert_int_equal(o.shards, 1);
    assert_int_equal(o.seed, 1);
    assert_true(o.max_broken == 0);
    assert_true(o.image.height == INT_UNSET && o.threads == INT_UNSET);
    assert_null(o.train);
}

static void sources_are_found_by_their_split(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct orders o;
    struct err err;

    (void)state;
    assert_int_equal(read_orders("{" HEAD ",\"train\":\"a\",\"val\":\"b\",\"test\":\"c\",\"image\":{\"valText\":\"l\","
                                 "\"testImages\":\"i\"}}", mem, &o, &err), 0);
    assert_string_equal(orders_source(&o, SPLIT_TRAIN), "a");
    assert_string_equal(orders_source(&o, SPLIT_VAL), "b");
    assert_string_equal(orders_source(&o, SPLIT_TEST), "c");
    assert_string_equal(orders_list(&o, SPLIT_VAL), "l");
    assert_string_equal(orders_images(&o, SPLIT_TEST), "i");
    assert_null(orders_images(&o, SPLIT_TRAIN));
}

static void what_does_not_fit_is_named(void **state)
{
    static const struct { const char *text, *field; } bad[] = {
        { "{\"version\":1}", "name" },
        { "{\"version\":2,\"name\":\"n\"}", "version" },
        { "{" HEAD ",\"shards\":0}", "shards" },
        { "{" HEAD ",\"maxBroken\":1.5}", "maxBroken" },
        { "{" HEAD ",\"image\":{\"width\":70000}}", "image.width" },
        { "{" HEAD ",\"image\":{\"split\":\"guess\"}}", "image.split" },
        { "{" HEAD ",\"image\":{\"valPercentage\":60,\"testPercentage\":41}}", "image.testPercentage" },
        { "{" HEAD ",\"val\":\"a\",\"image\":{\"valPercentage\":10}}", "image.valPercentage" },
        { "{" HEAD ",\"image\":{\"valText\":\"a\",\"valPercentage\":10}}", "image.valPercentage" },
        { "{" HEAD ",\"image\":{\"testImages\":\"a\",\"testPercentage\":1}}", "image.testPercentage" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct orders o;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};

        assert_int_equal(read_orders(bad[i].text, mem, &o, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, bad[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_null_or_left_out_gets_its_default),
        cmocka_unit_test(sources_are_found_by_their_split),
        cmocka_unit_test(what_does_not_fit_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
