// SPDX-License-Identifier: Apache-2.0
#include "search/insight/csv.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void text_is_quoted_where_it_must_be_and_never_a_formula(void **state)
{
    static const struct { const char *text, *cell; } rows[] = {
        { "", "" },                     { "adam", "adam" },                     { "a b", "a b" },
        { "a,b", "\"a,b\"" },           { "say \"x\"", "\"say \"\"x\"\"\"" },   { "two\nlines", "\"two\nlines\"" },
        { " x", "\" x\"" },             { "=1+1", "\"'=1+1\"" },                { "@SUM(A1)", "\"'@SUM(A1)\"" },
        { "+cmd|' /C calc'!A0", "\"'+cmd|' /C calc'!A0\"" },                    { "-x", "\"'-x\"" },
        { "\t=1", "\"'\t=1\"" },        { "\r=1", "\"'\r=1\"" },                { "-0.5", "-0.5" },
        { "+1e-05", "+1e-05" },         { "-inf", "\"'-inf\"" },                { "-1 ", "\"'-1 \"" },
        { "x=1", "x=1" },               { "=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(text_done) struct text out = {0};

        csv_text(rows[i].text, &out);
        assert_string_equal(out.data ? out.data : "", rows[i].cell);
    }
}

static void a_table_has_a_heading_and_typed_values(void **state)
{
    static const char document[] =
        "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss', 'additionalMetrics':"
        "{'acc': 'maximize', 'time': 'latest'}}, 'hyperParams': ["
        "{'name': 'x', 'type': 'range', 'dataType': 'double', 'minDbVal': -1, 'maxDbVal': 1},"
        "{'name': '=o', 'type': 'discrete', 'dataType': 'str', 'discreateStrVal': ['-a', 'b']}]}";
    const struct experiment ended = {
        .id = 7, .state = "FINISHED", .metric = 0.25, .exec = "ann-1", .started_ms = 1767607200000, .ended_ms = 1767607201500,
        .metrics = "[{\"name\":\"acc\",\"min\":0.1,\"max\":0.9,\"latest\":0.5}]",
        .hyperparams = "[{\"name\":\"x\",\"dataType\":\"double\",\"fixedVal\":\"-0.5\"},{\"name\":\"=o\",\"dataType\":\"str\",\"fixedVal\":\"-a\"}]",
    };
    const struct experiment failed = { .id = 8, .state = "FAILED", .metric = METRIC_FAILED, .hyperparams = "[]", .message = "why, oh why",
                                       .started_ms = INT_UNSET, .ended_ms = INT_UNSET };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text out = {0};
    CLEANUP(tried_freep) struct tried *t = NULL;
    struct search_plan plan;
    struct err err = {0};

    (void)state;
    assert_int_equal(document_read(document, strlen(document), true, NULL, mem, &plan, &err), 0);
    t = tried_new(&plan, false, 0);
    csv_heading(t, &plan.doc.algo, &out);
    csv_line(t, &plan.doc.algo, &ended, &out);
    csv_line(t, &plan.doc.algo, &failed, &out);
    assert_string_equal(out.data,
        "id,state,metricVal,params.x,params.=o,metrics.acc,metrics.time,startTime,endTime,seconds,appId,message\r\n"
        "7,FINISHED,0.25,-0.5,\"'-a\",0.9,,2026-01-05 10:00:00,2026-01-05 10:00:01,1.5,ann-1,\r\n"
        "8,FAILED,,,,,,,,,,\"why, oh why\"\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_quoted_where_it_must_be_and_never_a_formula),
        cmocka_unit_test(a_table_has_a_heading_and_typed_values),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
