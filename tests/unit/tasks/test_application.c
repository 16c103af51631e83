// SPDX-License-Identifier: Apache-2.0
#include "tasks/application.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define UUID "0f8fad5b-d9cb-469f-a165-70867728950e"

static const struct settings settings = { .data_dir = "/data", .result_fs = "/data/results" };

static struct exec make_exec(const char *state)
{
    struct exec e = {0};

    fields_init(exec_fields, &e);
    e.id = e.app_id = "ann-1-2";
    e.submission_id = "driver-20260105100000-0001-" UUID;
    e.creator = "ann";
    e.state = state;
    e.framework = "PyTorch";
    e.n_workers = 2;
    e.cpus = 4;
    e.gpus = 0;
    e.memory_mib = 8192;
    e.priority = 5000;
    e.created_ms = 1000000;
    return e;
}

static void a_running_task_holds_its_slots_and_wants_them(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec("RUNNING");
    const struct app_executor *executors;
    struct application a;

    (void)state;
    e.started_ms = 1060000;
    application_make(&e, &settings, /* now_ms= */ 1150000, mem, &a);
    assert_int_equal(a.slots, 4);
    assert_int_equal(a.demand_slots, 4);
    assert_int_equal(a.hosts, 1);
    assert_true(a.cores == 4 && a.memory_mib == 8192 && a.run_minutes == 1.5);
    assert_int_equal(a.timestamp_ms, 1060000);
    assert_int_equal(a.ended_ms, 0);
    assert_int_equal(a.executors.n, 2);
    executors = a.executors.items;
    assert_string_equal(executors[1].id, "1-" UUID);
    assert_string_equal(executors[1].out, "/data/run/ann-1-2/worker-1.out");
    assert_true(executors[1].cores == 2);
    e.gpus = 1;
    application_make(&e, &settings, 1150000, mem, &a);
    assert_int_equal(a.slots, 1);       /* devices count where there are some */
    assert_int_equal(a.gpu_slots, 1);
}

static void a_waiting_task_wants_and_an_ended_one_neither(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec("PENDING_CRD_SCHEDULER");
    struct application a;

    (void)state;
    application_make(&e, &settings, 2000000, mem, &a);
    assert_true(a.slots == 0 && a.demand_slots == 4 && a.hosts == 0 && a.cores == 0);
    assert_true(a.run_minutes == 0);
    assert_int_equal(a.timestamp_ms, e.created_ms);
    e.state = "KILLED";
    e.started_ms = 1060000;
    e.ended_ms = 1120000;
    application_make(&e, &settings, 2000000, mem, &a);
    assert_true(a.slots == 0 && a.demand_slots == 0 && a.run_minutes == 1);
    assert_int_equal(a.ended_ms, 1120000);
}

static void requests_are_of_one_worker_and_times_in_seconds(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec("FINISHED");
    struct engine_app a;

    (void)state;
    e.started_ms = 1060000;
    e.search = "mine";
    engine_app_make(&e, NULL, mem, &a);
    assert_string_equal(a.task12n_resreq, "ncpus=2,mem=4096,ngpus=0");
    assert_true(a.submit_s == 1000 && a.start_s == 1060 && a.end_s == 0);
    assert_true(a.used_cpus == 0 && a.used_memory_mib == 0);
    assert_string_equal(a.type, "hpo");
    assert_string_equal(a.tag, "mine");
    assert_string_equal(a.consumer, "");
}

static const struct { const char *id; int64_t want; } executor_ids[] = {
    { "0-" UUID, 0 }, { "1-" UUID, 1 }, { "2-" UUID, -1 }, { "-1-" UUID, -1 }, { UUID, -1 }, { "", -1 },
    { "0", -1 }, { "0-", -1 }, { "0-0f8fad5b-d9cb-469f-a165-70867728950f", -1 },
    { "99999999999999999999-" UUID, -1 },
};

static void an_executor_is_known_by_its_number_and_uuid(void **state)
{
    struct exec e = make_exec("RUNNING");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(executor_ids); i++)
        assert_int_equal(application_executor(&e, executor_ids[i].id), executor_ids[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_task_holds_its_slots_and_wants_them),
        cmocka_unit_test(a_waiting_task_wants_and_an_ended_one_neither),
        cmocka_unit_test(requests_are_of_one_worker_and_times_in_seconds),
        cmocka_unit_test(an_executor_is_known_by_its_number_and_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
