// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/echo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct experiment ended = {
    .id = 3, .hyperparams = "[{\"name\":\"x\",\"dataType\":\"double\",\"fixedVal\":\"0.1\",\"userDefined\":false}]",
    .state = "FINISHED", .metric = 0.25, .metrics = "[{\"name\":\"acc\",\"min\":0.1,\"max\":0.2,\"latest\":0.15}]",
    .exec = "ann-1-2", .driver_id = "driver-1", .started_ms = 1767607200000, .ended_ms = 1767607261000,
    .message = "said \"so\"",
};

static struct search row(void)
{
    struct search s;

    fields_init(search_fields, &s);
    s.name = "n";
    s.creator = "ann";
    s.state = "RUNNING";
    s.sig_name = "default";
    s.args = "--exec-start PyTorch";
    s.created_ms = s.started_ms = 1767607200000;
    s.spent_ms = 60000;
    s.planned = 8;
    s.n_running = 2;
    s.n_complete = 3;
    s.n_failed = 1;
    return s;
}

static void an_experiment_has_every_field_once_it_has_ended(void **state)
{
    CLEANUP(text_done) struct text out = {0};

    (void)state;
    echo_experiment(&ended, &out);
    assert_string_equal(out.data,
        "{\"id\":3,\"hyperParams\":[{\"name\":\"x\",\"dataType\":\"double\",\"fixedVal\":\"0.1\",\"userDefined\":false}],"
        "\"state\":\"FINISHED\",\"metricVal\":0.25,\"metrics\":[{\"name\":\"acc\",\"min\":0.1,\"max\":0.2,\"latest\":0.15}],"
        "\"maxiteration\":0,\"appId\":\"ann-1-2\",\"driverId\":\"driver-1\",\"startTime\":\"2026-01-05 10:00:00\","
        "\"endTime\":\"2026-01-05 10:01:01\",\"message\":\"said \\\"so\\\"\"}");
}

static void an_experiment_that_waits_leaves_out_what_is_not_known(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    struct experiment e;

    (void)state;
    fields_init(experiment_fields, &e);
    e.id = 0;
    e.hyperparams = "[]";
    e.state = "NOTRUN";
    echo_experiment(&e, &out);
    assert_string_equal(out.data, "{\"id\":0,\"hyperParams\":[],\"state\":\"NOTRUN\",\"maxiteration\":0}");
}

static void the_head_counts_the_time_of_all_runs(void **state)
{
    CLEANUP(text_done) struct text running = {0};
    CLEANUP(text_done) struct text stopped = {0};
    struct search s = row();

    (void)state;
    echo_head(&s, RECORD_WHOLE, s.started_ms + 71000, &running);
    assert_non_null(strstr(running.data, "\"progress\":\"3/8\",\"duration\":\"00:02:11\",\"creator\":\"ann\","
                                         "\"createtime\":\"2026-01-05 10:00:00\",\"running\":2,\"complete\":3,\"failed\":1"));
    s.ended_ms = s.started_ms + 1000;
    s.planned = -1;
    echo_head(&s, RECORD_WHOLE, s.started_ms + 3600000, &stopped);
    assert_non_null(strstr(stopped.data, "\"progress\":\"3/-\",\"duration\":\"00:01:01\""));
}

/* Every member of `value` is in the table, and so on below. */
static void check_described(const struct field *fields, json_t *value)
{
    const char *key;
    json_t *member;

    json_object_foreach(value, key, member) {
        const struct field *f = fields_find(fields, key);

        if (!f)
            fail_msg("\"%s\" is not described", key);
        if (f->type == FIELD_OBJECT)
            check_described(f->sub, member);
        for (size_t i = 0; f->type == FIELD_LIST && f->sub && i < json_array_size(member); i++)
            check_described(f->sub, json_array_get(member, i));
    }
}

static void a_record_has_only_members_that_the_api_page_describes(void **state)
{
    static const char document[] =
        "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss', 'additionalMetrics':"
        "{'acc': 'max'}, 'algoParams': [{'name': 'RandomSeed', 'value': 1}]}, 'hyperParams': [{'name': 'x', 'type': 'range',"
        "'dataType': 'double', 'minDbVal': 0, 'maxDbVal': 1, 'step': 0.1}]}";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text list = {0};
    CLEANUP(text_done) struct text out = {0};
    struct search_plan plan;
    struct search s = row();
    struct err err = {0};
    json_t *json;

    (void)state;
    s.message = "why";
    s.prior_told = 3;
    s.prior_skipped = 1;
    assert_int_equal(document_read(document, strlen(document), true, NULL, mem, &plan, &err), 0);
    echo_experiment(&ended, &list);
    echo_head(&s, RECORD_WHOLE, s.started_ms, &out);
    out.data[0] = '{';
    echo_algo(&plan.doc, &out);
    echo_params(&plan.doc, &out);
    text_addf(&out, ",\"best\":%s,\"experiments\":[%s]}", list.data, list.data);
    json = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    check_described(task_state_fields, json);
    assert_int_equal(json_object_size(json), RECORD_N_MEMBERS);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "algoDef"), "objective")), "minimize");
    json_decref(json);
}

static void members_are_written_in_the_order_of_the_record_whatever_the_order_asked(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    struct search s = row();
    struct err err = {0};
    uint32_t members;

    (void)state;
    assert_int_equal(record_members_read("failed, STATE,,message,hpoName", &members, &err), 0);
    echo_head(&s, members, s.started_ms, &out);
    assert_string_equal(out.data, ",\"hpoName\":\"n\",\"state\":\"RUNNING\",\"failed\":1");
}

static void no_names_are_the_whole_record(void **state)
{
    static const char *const names[] = { NULL, "", ",", "experiments,hpoName,state,progress,duration,creator,createtime,"
        "running,complete,failed,sigName,args,message,prior,algoDef,hyperParams,best" };
    struct err err = {0};
    uint32_t members;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(record_members_read(names[i], &members, &err), 0);
        assert_int_equal(members, RECORD_WHOLE);
    }
}

static void an_unknown_member_is_refused_with_the_list(void **state)
{
    static const char *const names[] = { "states", "state,since", "state;best", "stat" };
    uint32_t members;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err = {0};

        assert_int_equal(record_members_read(names[i], &members, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, "fields");
        assert_string_equal(err.accepted, "hpoName, state, progress, duration, creator, createtime, running, complete, failed, "
                                          "sigName, args, message, prior, algoDef, hyperParams, best, experiments");
    }
}

static void events_carry_the_counters_and_the_experiment(void **state)
{
    CLEANUP(text_done) struct text out = {0};
    struct search s = row();
    json_t *json;

    (void)state;
    s.best = 3;
    s.best_metric = 0.25;
    echo_event(&s, &ended, &out);
    json = json_loads(out.data, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "best")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "experiment"), "id")), 3);
    assert_null(strchr(out.data, '\n'));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experiment_has_every_field_once_it_has_ended),
        cmocka_unit_test(an_experiment_that_waits_leaves_out_what_is_not_known),
        cmocka_unit_test(the_head_counts_the_time_of_all_runs),
        cmocka_unit_test(a_record_has_only_members_that_the_api_page_describes),
        cmocka_unit_test(members_are_written_in_the_order_of_the_record_whatever_the_order_asked),
        cmocka_unit_test(no_names_are_the_whole_record),
        cmocka_unit_test(an_unknown_member_is_refused_with_the_list),
        cmocka_unit_test(events_carry_the_counters_and_the_experiment),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
