// SPDX-License-Identifier: Apache-2.0
/* The engine over the back end that runs nothing: what happens is scripted, nothing is slept for. */
#include "tasks/engine.h"

#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/work.h"
#include "cluster/cluster.h"
#include "cluster/null/null.h"
#include "frameworks/framework.h"
#include "http/stream.h"
#include "store/db.h"
#include "store/writer.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_store.h"
#include "tasks/submit.h"
#include "tasks/tasks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MOVES_MAX = 256, WAIT_S = 20 };

struct fixture {
    char folder[64];
    struct mem *mem;
    struct settings *settings;
    struct writer *writer;
    struct work *work;
    struct hub *hub;
    struct loop *loop;
    struct cluster *cluster;
    struct frameworks *frameworks;
    struct tasks *tasks;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct { char id[128], state[32]; } moves[MOVES_MAX];
    int n_moves;
};

static void on_move(void *arg, const struct exec *exec)
{
    struct fixture *f = arg;

    pthread_mutex_lock(&f->lock);
    assert_true(f->n_moves < MOVES_MAX);
    snprintf(f->moves[f->n_moves].id, sizeof f->moves[0].id, "%s", exec->id);
    snprintf(f->moves[f->n_moves++].state, sizeof f->moves[0].state, "%s", exec->state);
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
}

static bool has_moved(const struct fixture *f, const char *id, const char *state)
{
    for (int i = 0; i < f->n_moves; i++)
        if (strcmp(f->moves[i].id, id) == 0 && strcmp(f->moves[i].state, state) == 0)
            return true;
    return false;
}

static void wait_for(struct fixture *f, const char *id, const char *state)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&f->lock);
    while (!has_moved(f, id, state) && rc == 0)
        rc = pthread_cond_timedwait(&f->moved, &f->lock, &until);
    pthread_mutex_unlock(&f->lock);
    if (rc != 0)
        fail_msg("%s did not become %s", id, state);
}

static const char *db_path(struct fixture *f) { return mem_printf(f->mem, "%s/trainyard.db", f->folder); }

/* The server's parts, on whatever the folder holds. */
static void start(struct fixture *f)
{
    struct err err = {0};
    struct tasks_config config;

    f->settings = settings_load(f->folder, NULL, &err);
    assert_non_null(f->settings);
    f->writer = writer_start(db_path(f), &err);
    f->work = work_start(2, &err);
    f->hub = hub_new();
    f->loop = loop_new(&err);
    f->cluster = cluster_new(f->settings, &err);
    f->frameworks = frameworks_new(f->settings, &err);
    if (!f->writer || !f->work || !f->loop || !f->cluster || !f->frameworks)
        fail_msg("%s", err.text);
    config = (struct tasks_config){ .settings = f->settings, .cluster = f->cluster,
        .frameworks = f->frameworks, .writer = f->writer, .work = f->work, .loop = f->loop,
        .hub = f->hub, .db_path = db_path(f) };
    f->tasks = tasks_new(&config, &err);
    if (!f->tasks)
        fail_msg("%s", err.text);
    f->n_moves = 0;
    tasks_on_move(f->tasks, on_move, f);
    assert_int_equal(loop_start(f->loop, "engine", &err), 0);
    if (tasks_recover(f->tasks, &err) < 0)
        fail_msg("%s", err.text);
}

static void stop(struct fixture *f)
{
    loop_stop(f->loop);
    work_stop(f->work);
    writer_stop(f->writer);
    tasks_free(f->tasks);
    frameworks_free(f->frameworks);
    cluster_free(f->cluster);
    loop_free(f->loop);
    hub_free(f->hub);
    settings_free(f->settings);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct err err = {0};
    char conf[512], path[128];

    snprintf(f->folder, sizeof f->folder, "/tmp/trainyard-engine-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->moved, NULL);
    f->mem = mem_new();
    snprintf(conf, sizeof conf, "group.default.backend = null\ngroup.default.slots = 2\n"
             "group.default.gpus = none\npaths.frameworks = %s/frameworks\n"
             "paths.runtime = %s/runtime/python\n", ROOT, ROOT);
    snprintf(path, sizeof path, "%s/dlpd.conf", f->folder);
    assert_int_equal(file_write(path, conf, strlen(conf), 0644, &err), 0);
    null_script(NULL, 0);
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    stop(f);
    file_remove_tree(f->folder, &err);
    mem_free(f->mem);
    free(f);
    return 0;
}

static int store(struct db *db, void *arg, struct err *err) { return submit_store(db, arg, err); }

/* The three steps; returns the id. */
static const char *submit(struct fixture *f, const char *options)
{
    static const char program[] = "pass\n";
    const struct submission_file file = { .data = program, .len = sizeof program - 1, .name = "main.py" };
    struct submission *s = mem_alloc(f->mem, sizeof *s);
    struct err err = {0};

    *s = (struct submission){ .user = "ann", .files = &file, .n_files = 1, .trial = INT_UNSET,
                              .args = mem_printf(f->mem, "--exec-start tensorflow %s", options) };
    if (submit_check(f->tasks, s, f->mem, &err) < 0 || submit_place(f->tasks, s, f->mem, &err) < 0
        || writer_run(f->writer, store, &s->exec, &err) < 0)
        fail_msg("%s", err.text);
    tasks_admit(f->tasks, s->exec.id);
    return s->exec.id;
}

static struct exec find(struct fixture *f, const char *id)
{
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = db_open(db_path(f), DB_READ, &err);
    struct exec e;

    if (execs_find(db, id, f->mem, &e, &err) < 0)
        fail_msg("%s", err.text);
    return e;
}

static void a_task_that_exits_with_0_is_finished(void **state)
{
    struct fixture *f = *state;
    const char *id = submit(f, "");
    struct exec e;

    wait_for(f, id, "RUNNING");
    null_end(id, 0);
    wait_for(f, id, "FINISHED");
    e = find(f, id);
    assert_int_equal(e.exit_code, 0);
    assert_true(e.created_ms <= e.started_ms && e.started_ms <= e.ended_ms);
    assert_null(e.events);
}

static void a_task_that_exits_with_another_code_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state;
    const char *id = submit(f, "");

    wait_for(f, id, "RUNNING");
    null_end(id, 3);
    wait_for(f, id, "ERROR");
    assert_non_null(strstr(find(f, id).events, "exit code 3"));
}

static void a_lost_task_is_an_error_with_the_back_ends_reason(void **state)
{
    static const struct null_step steps[] = { { .outcome = NULL_IS_LOST, .reason = "its shepherd was killed" } };
    struct fixture *f = *state;
    const char *id;

    null_script(steps, 1);
    id = submit(f, "");
    wait_for(f, id, "ERROR");
    assert_string_equal(find(f, id).events, "its shepherd was killed");
}

static void a_task_that_cannot_be_launched_is_an_error_and_frees_its_slots(void **state)
{
    static const struct null_step steps[] = { { .outcome = NULL_CANNOT_START } };
    struct fixture *f = *state;
    const char *id, *next;

    null_script(steps, 1);
    id = submit(f, "--workerDeviceNum 2");
    wait_for(f, id, "ERROR");
    assert_non_null(strstr(find(f, id).events, "could not be launched"));
    next = submit(f, "--workerDeviceNum 2");
    wait_for(f, next, "RUNNING");
}

static void what_does_not_fit_waits_until_slots_are_free(void **state)
{
    struct fixture *f = *state;
    const char *first = submit(f, ""), *second = submit(f, ""), *third = submit(f, "");

    wait_for(f, first, "RUNNING");
    wait_for(f, second, "RUNNING");
    wait_for(f, third, "PENDING_CRD_SCHEDULER");
    null_end(first, 0);
    wait_for(f, third, "RUNNING");
}

static void a_stop_kills_what_runs_and_what_waits(void **state)
{
    struct fixture *f = *state;
    const char *running = submit(f, "--workerDeviceNum 2"), *waiting = submit(f, "");

    wait_for(f, running, "RUNNING");
    wait_for(f, waiting, "PENDING_CRD_SCHEDULER");
    tasks_stop(f->tasks, waiting, /* force= */ false, NULL, NULL);
    wait_for(f, waiting, "KILLED");
    assert_int_equal(find(f, waiting).started_ms, INT_UNSET);
    tasks_stop(f->tasks, running, /* force= */ true, NULL, NULL);
    wait_for(f, running, "KILLED");
    assert_null(find(f, running).events);
}

static void waiting_too_long_is_an_error(void **state)
{
    struct fixture *f = *state;
    const char *late;

    wait_for(f, submit(f, "--workerDeviceNum 2"), "RUNNING");
    late = submit(f, "--msd-pending-timeout 1");
    wait_for(f, late, "ERROR");
    assert_non_null(strstr(find(f, late).events, "--msd-pending-timeout"));
}

static void a_restart_finds_what_runs_what_ended_and_what_waits(void **state)
{
    static const struct null_step steps[] = { { .outcome = NULL_RUNS }, { .outcome = NULL_ENDS } };
    struct fixture *f = *state;
    const char *first = submit(f, ""), *second, *third;

    wait_for(f, first, "RUNNING");
    second = submit(f, "");
    wait_for(f, second, "RUNNING");
    third = submit(f, "");
    wait_for(f, third, "PENDING_CRD_SCHEDULER");
    stop(f);
    null_script(steps, 2);
    start(f);
    wait_for(f, second, "FINISHED");
    wait_for(f, third, "RUNNING");
    assert_string_equal(find(f, first).state, "RUNNING");
}

static void a_restart_launches_what_had_not_been_launched(void **state)
{
    static const struct null_step steps[] = { { .outcome = NULL_NEVER_STARTED }, { .outcome = NULL_ENDS } };
    struct fixture *f = *state;
    const char *id = submit(f, "");

    wait_for(f, id, "RUNNING");
    stop(f);
    null_script(steps, 2);
    start(f);
    wait_for(f, id, "FINISHED");
}

static void a_stored_stop_is_carried_out_after_a_restart(void **state)
{
    static const char sql_ask[] = "UPDATE exec SET stop_asked = 1";
    struct fixture *f = *state;
    const char *id = submit(f, "");
    struct err err = {0};

    wait_for(f, id, "RUNNING");
    stop(f);
    {
        CLEANUP(db_closep) struct db *db = db_open(db_path(f), DB_WRITE, &err);

        assert_int_equal(db_run(db, sql_ask, NULL, &err), 1);
    }
    start(f);
    wait_for(f, id, "KILLED");
}

static int mark(struct db *db, void *arg, struct err *err) { return execs_mark_deleted(db, arg, err); }

static void a_deleted_task_is_stopped_and_its_files_go(void **state)
{
    struct fixture *f = *state;
    const char *id = submit(f, ""), *run_dir = exec_run_dir(f->settings, id, f->mem);
    struct err err = {0};

    wait_for(f, id, "RUNNING");
    assert_true(file_exists(run_dir));
    assert_int_equal(writer_run(f->writer, mark, (void *)id, &err), 0);
    tasks_sweep(f->tasks);
    wait_for(f, id, "KILLED");
    stop(f);        /* finishes what the worker threads and the writer were given, or the next start does */
    start(f);
    stop(f);
    start(f);
    {
        CLEANUP(db_closep) struct db *db = db_open(db_path(f), DB_READ, &err);

        assert_false(execs_exist(db, id));
    }
    assert_false(file_exists(run_dir));
}

static void folders_without_a_task_are_removed_at_the_start(void **state)
{
    struct fixture *f = *state;
    const char *kept = submit(f, ""), *stray = mem_printf(f->mem, "%s/run/ann-1-1", f->folder);
    struct err err = {0};

    wait_for(f, kept, "RUNNING");
    assert_int_equal(file_mkdirs(stray, 0755, &err), 0);
    stop(f);
    start(f);
    stop(f);        /* waits for the worker threads */
    start(f);
    assert_false(file_exists(stray));
    assert_true(file_exists(exec_run_dir(f->settings, kept, f->mem)));
}

static void a_refused_package_leaves_nothing(void **state)
{
    static const char program[] = "pass\n";
    struct fixture *f = *state;
    const struct submission_file file = { .data = program, .len = 5, .name = "main.py" };
    struct submission s = { .user = "ann", .files = &file, .n_files = 1, .trial = INT_UNSET,
                            .args = "--exec-start tensorflow --model-main other.py" };
    struct err err = {0};

    assert_int_equal(submit_check(f->tasks, &s, f->mem, &err), 0);
    assert_int_equal(submit_place(f->tasks, &s, f->mem, &err), -1);
    assert_string_equal(err.text, "main file \"other.py\" is not in the package, which has main.py");
    assert_false(file_exists(exec_result_dir(f->settings, "ann", s.exec.id, f->mem)));
    assert_false(file_exists(exec_run_dir(f->settings, s.exec.id, f->mem)));
}

static void what_can_never_fit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct submission s = { .user = "ann", .trial = INT_UNSET,
                            .args = "--exec-start tensorflow --workerDeviceNum 3 --user-cmd -- true" };
    struct err err = {0};

    assert_int_equal(submit_check(f->tasks, &s, f->mem, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_task_that_exits_with_0_is_finished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_that_exits_with_another_code_is_an_error_that_names_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_task_is_an_error_with_the_back_ends_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_that_cannot_be_launched_is_an_error_and_frees_its_slots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_waits_until_slots_are_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_kills_what_runs_and_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_too_long_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_finds_what_runs_what_ended_and_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restart_launches_what_had_not_been_launched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stored_stop_is_carried_out_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deleted_task_is_stopped_and_its_files_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_without_a_task_are_removed_at_the_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_package_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_can_never_fit_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
