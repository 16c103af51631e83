// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec.h"

#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void nothing_happens_to_a_final_state(void **state)
{
    (void)state;
    for (int from = EXEC_FINISHED; from < EXEC_N_STATES; from++)
        for (int event = 0; event < EV_N_EVENTS; event++)
            assert_null(exec_step((enum exec_state)from, (enum exec_event)event));
}

static void every_end_is_understood_in_every_state_before_it(void **state)
{
    static const struct { enum exec_event event; enum exec_state to; } ends[] = {
        { EV_EXIT_OK, EXEC_FINISHED }, { EV_EXIT_BAD, EXEC_ERROR },
        { EV_STOPPED, EXEC_KILLED },   { EV_LOST, EXEC_ERROR },
    };

    (void)state;
    for (int from = 0; from < EXEC_FINISHED; from++) {
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            const struct exec_step *step = exec_step((enum exec_state)from, ends[i].event);

            assert_non_null(step);
            assert_int_equal(step->to, ends[i].to);
            assert_int_equal(step->effect, DO_RELEASE);
        }
    }
}

static void a_stop_ends_what_waits_and_signals_what_runs(void **state)
{
    (void)state;
    assert_int_equal(exec_step(EXEC_SUBMITTED, EV_STOP)->to, EXEC_KILLED);
    assert_int_equal(exec_step(EXEC_PENDING, EV_STOP)->to, EXEC_KILLED);
    assert_int_equal(exec_step(EXEC_RUNNING, EV_STOP)->to, EXEC_RUNNING);
    assert_int_equal(exec_step(EXEC_RUNNING, EV_STOP)->effect, DO_SIGNAL);
}

static void no_state_goes_back(void **state)
{
    (void)state;
    for (int from = 0; from < EXEC_N_STATES; from++) {
        for (int event = 0; event < EV_N_EVENTS; event++) {
            const struct exec_step *step = exec_step((enum exec_state)from, (enum exec_event)event);

            assert_true(!step || step->to >= step->from);
            assert_true(!step || exec_state_is_final(step->to) == (step->effect == DO_RELEASE));
        }
    }
}

static void every_state_name_is_read_back(void **state)
{
    (void)state;
    for (int s = 0; s < EXEC_N_STATES; s++)
        assert_int_equal(exec_state_parse(exec_state_name((enum exec_state)s)), s);
    assert_int_equal(exec_state_parse("running"), EXEC_RUNNING);
    assert_int_equal(exec_state_parse("LAUNCHING"), -1);
    assert_int_equal(exec_state_parse(""), -1);
}

static void the_record_has_scalars_only_and_hides_what_launching_needs(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text t = {0};
    struct exec e;
    json_t *json, *value;
    const char *key;

    (void)state;
    fields_init(exec_fields, &e);
    e.id = e.app_id = "ann-1-2";
    e.creator = "ann";
    e.created_ms = 1767607200000;
    e.plan = "{}";
    e.events = "it broke";
    exec_set_times(&e, mem);
    fields_to_text(exec_fields, &e, &t);
    json = json_loads(t.data, 0, NULL);
    assert_non_null(json);
    json_object_foreach(json, key, value)
        assert_false(json_is_object(value) || json_is_array(value));
    assert_string_equal(json_string_value(json_object_get(json, "createTime")), "2026-01-05T10:00:00Z");
    assert_string_equal(json_string_value(json_object_get(json, "userName")), "ann");
    assert_string_equal(json_string_value(json_object_get(json, "failReason")), "it broke");
    assert_null(json_object_get(json, "plan"));
    assert_null(json_object_get(json, "endTime"));
    assert_null(json_object_get(json, "exitCode"));
    json_decref(json);
}

static void an_event_names_the_task_its_state_and_its_search(void **state)
{
    CLEANUP(text_done) struct text t = {0};
    struct exec e;

    (void)state;
    fields_init(exec_fields, &e);
    e.id = "ann-1-2";
    e.state = "FINISHED";
    e.creator = "ann";
    e.exit_code = 0;
    e.search = "s";
    e.trial = 3;
    exec_event_json(&e, &t);
    assert_string_equal(t.data, "{\"id\":\"ann-1-2\",\"state\":\"FINISHED\",\"creator\":\"ann\","
                                "\"exitCode\":0,\"search\":\"s\",\"experiment\":3}");
}

static void an_end_is_not_before_its_start(void **state)
{
    (void)state;
    struct exec e = { .started_ms = 5000, .ended_ms = INT_UNSET };

    exec_set_end(&e, 4971);     /* the clock was set back */
    assert_int_equal(e.ended_ms, 5000);
    exec_set_end(&e, 5029);
    assert_int_equal(e.ended_ms, 5029);
}

static void the_end_of_what_never_started_is_as_told(void **state)
{
    (void)state;
    struct exec e = { .started_ms = INT_UNSET, .ended_ms = INT_UNSET };

    exec_set_end(&e, 4971);
    assert_int_equal(e.ended_ms, 4971);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_to_a_final_state),
        cmocka_unit_test(every_end_is_understood_in_every_state_before_it),
        cmocka_unit_test(a_stop_ends_what_waits_and_signals_what_runs),
        cmocka_unit_test(no_state_goes_back),
        cmocka_unit_test(every_state_name_is_read_back),
        cmocka_unit_test(the_record_has_scalars_only_and_hides_what_launching_needs),
        cmocka_unit_test(an_end_is_not_before_its_start),
        cmocka_unit_test(the_end_of_what_never_started_is_as_told),
        cmocka_unit_test(an_event_names_the_task_its_state_and_its_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
