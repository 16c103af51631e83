// SPDX-License-Identifier: Apache-2.0
#include "tasks/metrics_store.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"
#include "tasks/exec.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char add_exec[] =
    "INSERT INTO exec (id, args, submissionId, creator, state, appId, created_ms, numWorker, framework, sigName,"
    "                  sigId, plan, cpus, gpus, memory_mib, priority, ended_ms)"
    " VALUES (:id, '', :id, 'ann', 'FINISHED', :id, 0, 1, 'PyTorch', 'default', 'g', '{}', 1, 0, 0, 1, :ended)";
static const char add_event[] =
    "INSERT INTO event (time_ms, owner, kind, subject, data) VALUES (:time, 'ann', 'exec.state', :id, '{}')";
static const char drop_exec[] = "DELETE FROM exec WHERE id = :id";

static void put_exec(struct db *db, const char *id, int64_t ended_ms)
{
    struct err err = {0};

    assert_int_equal(db_run(db, add_exec, BINDS(BIND_T(":id", id), BIND_I(":ended", ended_ms)), &err), 1);
    assert_int_equal(db_run(db, add_event, BINDS(BIND_T(":id", id), BIND_I(":time", ended_ms)), &err), 1);
}

static struct db *open_store(void)
{
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    put_exec(db, "a", 1000);
    return db;
}

static const struct metric_row rows[] = {
    { "train/loss", 0, 1, 100, 0.9 },
    { "train/loss", 1, 2, 200, 0.4 },
    { "train/loss", 2, NAN, 300, 0.5 },
    { "test/acc", 0, NAN, 300, 0.75 },
};

static void write_row(void *arg, const struct metric_row *row)
{
    text_addf(arg, "%" PRId64 ":%g@%" PRId64 "=%g ", row->n, isnan(row->step) ? -1 : row->step, row->time_ms, row->value);
}

static void points_come_back_in_order_of_arrival(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    CLEANUP(text_done) struct text got = {0};
    struct err err = {0};
    int64_t n;

    (void)state;
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_each(db, "a", "train/loss", NAN, write_row, &got, &err), 0);
    assert_string_equal(got.data, "0:1@100=0.9 1:2@200=0.4 2:-1@300=0.5 ");
    text_clear(&got);
    assert_int_equal(metrics_each(db, "a", "train/loss", 2, write_row, &got, &err), 0);
    assert_string_equal(got.data, "1:2@200=0.4 ");
    assert_int_equal(metrics_count(db, "a", "train/loss", 2, &n, &err), 0);
    assert_int_equal(n, 1);
}

static void a_point_that_is_stored_twice_is_there_once(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    struct err err = {0};
    int64_t n;

    (void)state;
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_count(db, "a", "train/loss", NAN, &n, &err), 0);
    assert_int_equal(n, 3);
}

static void a_series_has_its_number_of_points_its_bounds_and_its_newest_value(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct metric_series *s;
    struct err err = {0};
    struct list list;

    (void)state;
    assert_int_equal(metrics_series(db, "a", mem, &list, &err), 0);
    assert_int_equal(list.n, 0);
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_series(db, "a", mem, &list, &err), 0);
    assert_int_equal(list.n, 2);
    s = list.items;
    assert_string_equal(s[0].name, "test/acc");
    assert_string_equal(s[1].name, "train/loss");
    assert_true(s[1].n == 3 && s[1].min == 0.4 && s[1].max == 0.9 && s[1].latest == 0.5);
}

static void clearing_takes_one_series_or_all(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct list list;

    (void)state;
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_clear_series(db, "a", "test/acc", &err), 0);
    assert_int_equal(metrics_series(db, "a", mem, &list, &err), 0);
    assert_int_equal(list.n, 1);
    assert_int_equal(metrics_clear(db, "a", &err), 0);
    assert_int_equal(metrics_series(db, "a", mem, &list, &err), 0);
    assert_int_equal(list.n, 0);
}

static void points_are_trimmed_a_few_at_a_time(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    struct err err = {0};

    (void)state;
    put_exec(db, "b", 1000);
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_add(db, "b", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(metrics_trim(db, "a", 3, &err), 3);
    assert_int_equal(metrics_trim(db, "a", 3, &err), 1);
    assert_int_equal(metrics_trim(db, "a", 3, &err), 0);
    assert_int_equal(metrics_trim(db, "b", 9, &err), 4);
}

static void points_of_a_task_that_is_gone_are_a_conflict(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    struct err err = {0};

    (void)state;
    assert_int_equal(metrics_add(db, "nobody", rows, 1, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
}

static void a_task_that_is_deleted_takes_its_points_with_it(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    struct err err = {0};
    int64_t n;

    (void)state;
    assert_int_equal(metrics_add(db, "a", rows, ARRAY_LEN(rows), &err), 0);
    assert_int_equal(db_run(db, drop_exec, BINDS(BIND_T(":id", "a")), &err), 1);
    assert_int_equal(metrics_count(db, "a", "train/loss", NAN, &n, &err), 0);
    assert_int_equal(n, 0);
}

static void write_id(void *arg, const struct exec *exec)
{
    text_addf(arg, "%s/%s ", exec->creator, exec->id);
}

static void the_last_tasks_of_an_earlier_life_are_unsure(void **state)
{
    CLEANUP(db_closep) struct db *db = open_store();
    CLEANUP(text_done) struct text got = {0};
    struct err err = {0};

    (void)state;
    put_exec(db, "b", 90000);
    put_exec(db, "c", 100000);
    assert_int_equal(metrics_each_unsure(db, 60000, 10, write_id, &got, &err), 0);
    assert_string_equal(got.data, "ann/b ann/c ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_come_back_in_order_of_arrival),
        cmocka_unit_test(a_point_that_is_stored_twice_is_there_once),
        cmocka_unit_test(a_series_has_its_number_of_points_its_bounds_and_its_newest_value),
        cmocka_unit_test(clearing_takes_one_series_or_all),
        cmocka_unit_test(points_are_trimmed_a_few_at_a_time),
        cmocka_unit_test(points_of_a_task_that_is_gone_are_a_conflict),
        cmocka_unit_test(a_task_that_is_deleted_takes_its_points_with_it),
        cmocka_unit_test(the_last_tasks_of_an_earlier_life_are_unsure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
