// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct db *open_db(void)
{
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    return db;
}

/* "ann-1" of ann, and so on; the submission id is made of it. */
static struct exec make_exec(const char *id, const char *creator, struct mem *mem)
{
    struct exec e;

    fields_init(exec_fields, &e);
    e.id = e.app_id = id;
    e.submission_id = mem_printf(mem, "driver-%s", id);
    e.args = "--exec-start tensorflow";
    e.creator = creator;
    e.state = "SUBMITTED";
    e.created_ms = 1767607200000;
    e.n_workers = 1;
    e.framework = "tensorflow";
    e.sig_name = "default";
    e.sig_id = "uuid";
    e.plan = "{\"userCmd\":false}";
    e.cpus = 1;
    e.gpus = 0;
    e.memory_mib = 100;
    e.priority = 5000;
    return e;
}

static void add(struct db *db, const char *id, const char *creator)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec(id, creator, mem);
    struct err err = {0};

    assert_int_equal(execs_insert(db, &e, &err), 0);
}

static void move(struct db *db, const char *id, const char *from, const char *to)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec(id, "ann", mem);
    struct err err = {0};
    int64_t event;

    e.state = to;
    assert_int_equal(execs_move(db, &e, from, &event, &err), 0);
}

static int add_id(void *arg, const struct exec *exec, struct err *err)
{
    struct text *t = arg;

    (void)err;
    text_addf(t, "%s%s", t->len ? " " : "", exec->id);
    return 0;
}

static void expect_list(struct db *db, const struct exec_filter *f, const char *ids)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    assert_int_equal(execs_each(db, f, add_id, &t, &err), 0);
    assert_string_equal(t.data ? t.data : "", ids);
}

static void a_stored_task_is_found_by_either_id(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct exec e;

    (void)state;
    add(db, "ann-1", "ann");
    assert_int_equal(execs_find(db, "ann-1", mem, &e, &err), 0);
    assert_string_equal(e.creator, "ann");
    assert_string_equal(e.create_time, "2026-01-05T10:00:00Z");
    assert_null(e.plan);
    assert_int_equal(e.exit_code, INT_UNSET);
    assert_int_equal(execs_find(db, "driver-ann-1", mem, &e, &err), 0);
    assert_string_equal(e.id, "ann-1");
    assert_int_equal(execs_load(db, "ann-1", mem, &e, &err), 0);
    assert_string_equal(e.plan, "{\"userCmd\":false}");
}

static void an_unknown_task_is_named(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct exec e;

    (void)state;
    assert_int_equal(execs_find(db, "nobody-1", mem, &e, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_string_equal(err.text, "there is no task nobody-1");
}

static void a_stale_move_is_a_conflict(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec e = make_exec("ann-1", "ann", mem), found;
    struct err err = {0};
    int64_t event = 0;

    (void)state;
    add(db, "ann-1", "ann");
    e.state = "RUNNING";
    e.started_ms = 1767607201000;
    assert_int_equal(execs_move(db, &e, "SUBMITTED", &event, &err), 0);
    assert_true(event > 0);
    assert_int_equal(execs_move(db, &e, "SUBMITTED", &event, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(execs_find(db, "ann-1", mem, &found, &err), 0);
    assert_string_equal(found.state, "RUNNING");
    assert_string_equal(found.start_time, "2026-01-05T10:00:01Z");
}

static void lists_filter_sort_and_page(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();

    (void)state;
    add(db, "ann-1", "ann");
    add(db, "bob-1", "bob");
    add(db, "ann-2", "ann");
    add(db, "ann-3", "ann");
    move(db, "ann-2", "SUBMITTED", "RUNNING");

    expect_list(db, &(struct exec_filter){0}, "ann-1 bob-1 ann-2 ann-3");
    expect_list(db, &(struct exec_filter){ .creator = "ann" }, "ann-1 ann-2 ann-3");
    expect_list(db, &(struct exec_filter){ .descending = true }, "ann-3 ann-2 bob-1 ann-1");
    expect_list(db, &(struct exec_filter){ .states = "running" }, "ann-2");
    expect_list(db, &(struct exec_filter){ .states = "RUNNING, SUBMITTED", .limit = 2 }, "ann-1 bob-1");
    expect_list(db, &(struct exec_filter){ .start = 1, .limit = 2 }, "bob-1 ann-2");
    expect_list(db, &(struct exec_filter){ .after = "bob-1" }, "ann-2 ann-3");
    expect_list(db, &(struct exec_filter){ .after = "ann-3", .descending = true }, "ann-2 bob-1 ann-1");
    expect_list(db, &(struct exec_filter){ .search = "BOB" }, "bob-1");
    expect_list(db, &(struct exec_filter){ .framework = "TENSORFLOW", .creator = "bob" }, "bob-1");
    expect_list(db, &(struct exec_filter){ .sig_name = "other" }, "");
    expect_list(db, &(struct exec_filter){ .sort = "creator", .descending = true },
                "bob-1 ann-3 ann-2 ann-1");
    expect_list(db, &(struct exec_filter){ .sort = "state" }, "ann-2 ann-1 bob-1 ann-3");
    expect_list(db, &(struct exec_filter){ .sort = "createTime", .creator = "ann" }, "ann-1 ann-2 ann-3");
}

static void a_filter_nobody_knows_is_refused(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(execs_each(db, &(struct exec_filter){ .states = "DONE" }, add_id, &t, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.text, "there is no state DONE");
    assert_int_equal(execs_each(db, &(struct exec_filter){ .sort = "colour" }, add_id, &t, &err), -1);
    assert_string_equal(err.field, "sort_by");
    assert_int_equal(execs_each(db, &(struct exec_filter){ .after = "x" }, add_id, &t, &err), -1);
    assert_string_equal(err.field, "after");
}

static void a_deleted_task_is_invisible_until_its_row_goes(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text doomed = {0}, condemned = {0};
    struct err err = {0};
    struct exec e;

    (void)state;
    add(db, "ann-1", "ann");
    add(db, "ann-2", "ann");
    move(db, "ann-1", "SUBMITTED", "FINISHED");
    assert_int_equal(execs_mark_all_deleted(db, "ann", &err), 0);
    expect_list(db, &(struct exec_filter){0}, "");
    assert_int_equal(execs_find(db, "ann-1", mem, &e, &err), -1);
    assert_int_equal(execs_load(db, "ann-1", mem, &e, &err), 0);
    assert_true(e.deleted);
    assert_int_equal(execs_each_doomed(db, 10, add_id, &doomed, &err), 0);
    assert_string_equal(doomed.data, "ann-1");
    assert_int_equal(execs_each_condemned(db, add_id, &condemned, &err), 0);
    assert_string_equal(condemned.data, "ann-2");
    assert_true(execs_exist(db, "ann-1"));
    assert_int_equal(execs_remove(db, "ann-1", &err), 0);
    assert_false(execs_exist(db, "ann-1"));
}

static void trials_of_a_search_that_goes_on_survive_delete_all(void **state)
{
    static const char sql_search[] =
        "INSERT INTO search (name, creator, state, sig_name, args, spec, seed, created_ms, ended_ms, planned)"
        " VALUES (:name, 'ann', 'RUNNING', 'default', '', '{}', 1, 0, :ended, 1)";
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct exec live = make_exec("ann-1", "ann", mem), done = make_exec("ann-2", "ann", mem);
    struct err err = {0};

    (void)state;
    assert_int_equal(db_run(db, sql_search, BINDS(BIND_T(":name", "live"), BIND_T(":ended", NULL)), &err), 1);
    assert_int_equal(db_run(db, sql_search, BINDS(BIND_T(":name", "done"), BIND_I(":ended", 5)), &err), 1);
    live.search = "live";
    live.trial = 0;
    done.search = "done";
    done.trial = 0;
    assert_int_equal(execs_insert(db, &live, &err), 0);
    assert_int_equal(execs_insert(db, &done, &err), 0);
    assert_int_equal(execs_mark_all_deleted(db, "ann", &err), 0);
    expect_list(db, &(struct exec_filter){0}, "ann-1");
}

static void a_stop_is_remembered_unless_it_is_too_late(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct exec e;

    (void)state;
    add(db, "ann-1", "ann");
    add(db, "ann-2", "ann");
    move(db, "ann-2", "SUBMITTED", "FINISHED");
    assert_int_equal(execs_ask_stop(db, "ann-1", &err), 0);
    assert_int_equal(execs_ask_stop(db, "ann-2", &err), 0);
    assert_int_equal(execs_load(db, "ann-1", mem, &e, &err), 0);
    assert_true(e.stop_asked);
    assert_int_equal(execs_load(db, "ann-2", mem, &e, &err), 0);
    assert_false(e.stop_asked);
}

static void counts_say_what_runs_and_waits(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    struct exec_counts n;
    struct err err = {0};
    int64_t all;

    (void)state;
    add(db, "ann-1", "ann");
    add(db, "ann-2", "ann");
    add(db, "bob-3", "bob");
    move(db, "ann-2", "SUBMITTED", "RUNNING");
    assert_int_equal(execs_counts(db, &n, &err), 0);
    assert_int_equal(n.n_running, 1);
    assert_int_equal(n.n_pending, 2);
    assert_int_equal(n.n_searches, 0);
    assert_int_equal(execs_count(db, &(struct exec_filter){ .creator = "ann" }, &all, &err), 0);
    assert_int_equal(all, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_task_is_found_by_either_id),
        cmocka_unit_test(an_unknown_task_is_named),
        cmocka_unit_test(a_stale_move_is_a_conflict),
        cmocka_unit_test(lists_filter_sort_and_page),
        cmocka_unit_test(a_filter_nobody_knows_is_refused),
        cmocka_unit_test(a_deleted_task_is_invisible_until_its_row_goes),
        cmocka_unit_test(trials_of_a_search_that_goes_on_survive_delete_all),
        cmocka_unit_test(a_stop_is_remembered_unless_it_is_too_late),
        cmocka_unit_test(counts_say_what_runs_and_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
