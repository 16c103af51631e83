// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/insight/experiment_store.h"
#include "search/search_store.h"
#include "store/db.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct db *db;
    struct mem *mem;
    struct search_news news;
};

static void done(struct fixture *f)
{
    text_done(&f->news.json);
    db_close(f->db);
    mem_free(f->mem);
}

static int insert(struct fixture *f, const char *name, const char *creator, struct err *err)
{
    const struct search s = { .name = name, .creator = creator, .state = "SUBMITTED", .sig_name = "default", .args = "a",
                              .spec = "{}", .package = name, .created_ms = 1000, .planned = 3 };

    return searches_insert(f->db, &s, &f->news, err);
}

/* A database with the search "s" of ann. */
static struct fixture open_store(void)
{
    struct err err = {0};
    struct fixture f = { .db = db_open(":memory:", DB_WRITE, &err), .mem = mem_new() };

    assert_non_null(f.db);
    assert_int_equal(insert(&f, "s", "ann", &err), 0);
    return f;
}

static struct search find(struct fixture *f, const char *name)
{
    struct search s;
    struct err err = {0};

    assert_int_equal(searches_find(f->db, name, f->mem, &s, &err), 0);
    return s;
}

/* Submitted without a task of its own: the tasks' rows are not the point here. */
static int start(struct fixture *f, int64_t id, bool again, struct err *err)
{
    const struct experiment e = { .id = id, .cube = "[]", .hyperparams = "[]", .state = "SUBMITTED", .exec = "x",
                                  .driver_id = "d" };

    return experiments_start(f->db, "s", &e, again, NULL, &f->news, err);
}

static int end(struct fixture *f, int64_t id, const char *state, double metric)
{
    const struct experiment e = { .id = id, .state = state, .metric = metric, .exec = "x", .started_ms = 1, .ended_ms = 2 };
    struct err err = {0};

    return experiments_end(f->db, "s", &e, /* maximize= */ false, &f->news, &err);
}

static int keep_experiment(void *arg, const struct experiment *e, struct err *err)
{
    struct text *t = arg;

    (void)err;
    text_addf(t, "%d %s %s;", (int)e->id, e->state, e->exec ? e->exec : "-");
    return 0;
}

static void check_experiments(struct fixture *f, const char *want)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    assert_int_equal(experiments_each(f->db, "s", keep_experiment, &t, &err), 0);
    assert_string_equal(t.data, want);
}

static void check_since(struct fixture *f, int64_t version, const char *want)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    assert_int_equal(experiments_since(f->db, "s", version, keep_experiment, &t, &err), 0);
    assert_string_equal(t.data ? t.data : "", want);
}

static void a_second_search_of_one_name_is_a_conflict(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};

    (void)state;
    assert_int_equal(insert(&f, "s", "bob", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "\"s\""));
}

static void an_unknown_search_is_not_found(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct search s;
    struct err err = {0};

    (void)state;
    assert_int_equal(searches_find(f.db, "other", f.mem, &s, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void counters_and_the_best_follow_the_experiments(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};
    struct search s;

    (void)state;
    for (int64_t id = 0; id < 3; id++)
        assert_int_equal(start(&f, id, false, &err), 0);
    s = find(&f, "s");
    assert_string_equal(s.state, "RUNNING");
    assert_int_equal(s.n_running, 3);
    end(&f, 2, "FINISHED", 0.5);
    end(&f, 1, "FAILED", METRIC_FAILED);
    end(&f, 0, "FINISHED", 0.5);
    s = find(&f, "s");
    assert_int_equal(s.n_running, 0);
    assert_int_equal(s.n_complete, 3);
    assert_int_equal(s.n_failed, 1);
    assert_int_equal(s.best, 0);        /* as good as 2, but earlier */
    assert_true(s.best_metric == 0.5);
}

static void every_change_grows_the_version_and_tells(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct experiment run = { .id = 0, .state = "RUNNING", .exec = "x", .started_ms = 5 };
    struct err err = {0};
    int64_t before = find(&f, "s").version;

    (void)state;
    assert_string_equal(f.news.kind, "search.state");
    assert_int_equal(start(&f, 0, false, &err), 0);
    assert_true(f.news.event_id > 0 && find(&f, "s").version > before);
    before = find(&f, "s").version;
    assert_int_equal(experiments_run(f.db, "s", &run, &f.news, &err), 0);
    assert_true(f.news.event_id > 0 && find(&f, "s").version > before);
    assert_string_equal(f.news.kind, "search.experiment");
    before = find(&f, "s").version;
    end(&f, 0, "FINISHED", 1);
    assert_true(f.news.event_id > 0 && find(&f, "s").version > before);
}

static void late_news_change_nothing(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct experiment late = { .id = 0, .state = "RUNNING", .exec = "x", .started_ms = 5 };
    struct experiment other = { .id = 1, .state = "FINISHED", .exec = "another", .metric = 0, .ended_ms = 9 };
    struct err err = {0};

    (void)state;
    assert_int_equal(start(&f, 0, false, &err), 0);
    assert_int_equal(start(&f, 1, false, &err), 0);
    end(&f, 0, "FINISHED", 1);
    end(&f, 0, "FAILED", METRIC_FAILED);
    assert_int_equal(f.news.event_id, 0);
    assert_int_equal(experiments_run(f.db, "s", &late, &f.news, &err), 0);
    assert_int_equal(experiments_end(f.db, "s", &other, false, &f.news, &err), 0);
    assert_int_equal(f.news.event_id, 0);
    check_experiments(&f, "0 FINISHED x;1 SUBMITTED x;");
    assert_int_equal(find(&f, "s").n_complete, 1);
}

static void a_search_that_is_to_stop_takes_no_experiments(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};

    (void)state;
    assert_int_equal(searches_ask_stop(f.db, "s", &err), 0);
    assert_int_equal(start(&f, 0, false, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(searches_end(f.db, "s", SEARCH_STOPPED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(searches_ask_stop(f.db, "s", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(searches_end(f.db, "s", SEARCH_FINISHED, NULL, 2000, &f.news, &err), -1);
    assert_string_equal(find(&f, "s").state, "STOPPED");
}

static void a_forced_stop_kills_what_has_not_ended_and_a_restart_reopens_it(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};
    struct search s;

    (void)state;
    for (int64_t id = 0; id < 3; id++)
        assert_int_equal(start(&f, id, false, &err), 0);
    end(&f, 1, "FINISHED", 1);
    assert_int_equal(searches_force(f.db, "s", 5000, &f.news, &err), 0);
    check_experiments(&f, "0 KILLED x;1 FINISHED x;2 KILLED x;");
    s = find(&f, "s");
    assert_string_equal(s.wish, "force");
    assert_int_equal(s.n_running, 0);
    assert_int_equal(s.n_complete, 3);
    assert_int_equal(s.n_failed, 2);
    assert_int_equal(searches_restart(f.db, "s", 9000, &f.news, &err), 0);
    check_experiments(&f, "0 NOTRUN -;1 FINISHED x;2 NOTRUN -;");
    s = find(&f, "s");
    assert_string_equal(s.state, "SUBMITTED");
    assert_string_equal(s.wish, "");
    assert_int_equal(s.n_complete, 1);
    assert_int_equal(s.n_failed, 0);
    assert_int_equal(s.spent_ms, 4000);
    assert_int_equal(start(&f, 0, /* again= */ true, &err), 0);
    assert_int_equal(start(&f, 0, /* again= */ true, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(searches_restart(f.db, "s", 9000, &f.news, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
}

static void a_lost_experiment_waits_to_be_run_again(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct experiment lost = { .id = 0, .exec = "x" };
    struct err err = {0};

    (void)state;
    assert_int_equal(start(&f, 0, false, &err), 0);
    assert_int_equal(experiments_requeue(f.db, "s", &lost, &err), 0);
    check_experiments(&f, "0 NOTRUN -;");
    assert_int_equal(find(&f, "s").n_running, 0);
}

static void whatever_changes_an_experiment_shows_since_the_version_before(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct experiment run = { .id = 0, .state = "RUNNING", .exec = "x", .started_ms = 5 };
    const struct experiment lost = { .id = 1, .exec = "x" };
    struct err err = {0};
    int64_t at;

    (void)state;
    for (int64_t id = 0; id < 3; id++)
        assert_int_equal(start(&f, id, false, &err), 0);
    check_since(&f, -1, "0 SUBMITTED x;1 SUBMITTED x;2 SUBMITTED x;");
    at = find(&f, "s").version;
    check_since(&f, at, "");
    check_since(&f, at - 1, "2 SUBMITTED x;");
    assert_int_equal(experiments_run(f.db, "s", &run, &f.news, &err), 0);
    check_since(&f, at, "0 RUNNING x;");
    end(&f, 2, "FINISHED", 1);
    check_since(&f, at, "0 RUNNING x;2 FINISHED x;");
    check_since(&f, at + 1, "2 FINISHED x;");
    at = find(&f, "s").version;
    assert_int_equal(experiments_requeue(f.db, "s", &lost, &err), 0);
    check_since(&f, at, "1 NOTRUN -;");
    at = find(&f, "s").version;
    assert_int_equal(start(&f, 1, /* again= */ true, &err), 0);
    check_since(&f, at, "1 SUBMITTED x;");
    at = find(&f, "s").version;
    assert_int_equal(searches_force(f.db, "s", 5000, &f.news, &err), 0);
    check_since(&f, at, "0 KILLED x;1 KILLED x;");
    at = find(&f, "s").version;
    assert_int_equal(searches_restart(f.db, "s", 9000, &f.news, &err), 0);
    check_since(&f, at, "0 NOTRUN -;1 NOTRUN -;");
    check_since(&f, find(&f, "s").version, "");
}

static int keep_metrics(void *arg, const struct experiment *e, struct err *err)
{
    struct text *t = arg;

    (void)err;
    text_addf(t, "%d %s;", (int)e->id, e->metrics ? e->metrics : "-");
    return 0;
}

static void check_metrics(struct fixture *f, const char *want)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    assert_int_equal(experiments_each(f->db, "s", keep_metrics, &t, &err), 0);
    assert_string_equal(t.data, want);
}

static int measure(struct fixture *f, const char *exec, const char *metrics)
{
    struct experiment e[] = { { .id = 0, .exec = exec, .metrics = metrics }, { .id = 1, .exec = exec, .metrics = metrics } };
    struct err err = {0};

    return experiments_measured(f->db, "s", &(struct list){ e, 2 }, &err);
}

static void metrics_so_far_are_one_change_for_all_that_run(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct experiment run = { .state = "RUNNING", .exec = "x", .started_ms = 5 };
    struct err err = {0};
    int64_t at;

    (void)state;
    for (run.id = 0; run.id < 2; run.id++) {
        assert_int_equal(start(&f, run.id, false, &err), 0);
        assert_int_equal(experiments_run(f.db, "s", &run, &f.news, &err), 0);
    }
    at = find(&f, "s").version;
    assert_int_equal(measure(&f, "x", "[1]"), 0);
    check_metrics(&f, "0 [1];1 [1];");
    check_since(&f, at, "0 RUNNING x;1 RUNNING x;");
    assert_int_equal(find(&f, "s").version, at + 1);
    assert_int_equal(measure(&f, "x", "[1]"), 0);       /* nothing new */
    assert_int_equal(measure(&f, "another", "[2]"), 0);
    assert_int_equal(find(&f, "s").version, at + 1);
    end(&f, 0, "FINISHED", 1);
    assert_int_equal(measure(&f, "x", "[3]"), 0);
    check_metrics(&f, "0 -;1 [3];");
}

static void metrics_so_far_end_with_the_run(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct experiment run = { .state = "RUNNING", .exec = "x", .started_ms = 5 };
    const struct experiment lost = { .id = 0, .exec = "x" };
    struct err err = {0};

    (void)state;
    for (run.id = 0; run.id < 2; run.id++) {
        assert_int_equal(start(&f, run.id, false, &err), 0);
        assert_int_equal(experiments_run(f.db, "s", &run, &f.news, &err), 0);
    }
    assert_int_equal(measure(&f, "x", "[1]"), 0);
    assert_int_equal(experiments_requeue(f.db, "s", &lost, &err), 0);
    check_metrics(&f, "0 -;1 [1];");
    assert_int_equal(searches_force(f.db, "s", 5000, &f.news, &err), 0);
    check_metrics(&f, "0 -;1 -;");
}

static int count(void *arg, const struct search *s, struct err *err)
{
    (void)s, (void)err;
    ++*(int *)arg;
    return 0;
}

static void unfinished_are_the_active_and_those_with_a_force_to_carry_out(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};
    int n = 0;

    (void)state;
    assert_int_equal(insert(&f, "t", "ann", &err), 0);
    assert_int_equal(insert(&f, "u", "ann", &err), 0);
    assert_int_equal(searches_end(f.db, "t", SEARCH_FINISHED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(searches_force(f.db, "u", 2000, &f.news, &err), 0);
    assert_int_equal(searches_each_unfinished(f.db, count, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(searches_force_done(f.db, "u", &err), 0);
    n = 0;
    assert_int_equal(searches_each_unfinished(f.db, count, &n, &err), 0);
    assert_int_equal(n, 1);
}

static void active_searches_are_not_removed(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};
    int n = 0;

    (void)state;
    assert_int_equal(insert(&f, "b", "bob", &err), 0);
    assert_int_equal(searches_end(f.db, "b", SEARCH_FAILED, "why", 2000, &f.news, &err), 0);
    assert_int_equal(searches_remove(f.db, "s", false, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(searches_remove_all(f.db, NULL, false, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(searches_each(f.db, NULL, count, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(searches_remove_all(f.db, "bob", true, &err), 0);
    n = 0;
    assert_int_equal(searches_each(f.db, NULL, count, &n, &err), 0);
    assert_int_equal(n, 1);
}

static void removing_a_search_removes_its_experiments(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(start(&f, 0, false, &err), 0);
    assert_int_equal(searches_end(f.db, "s", SEARCH_STOPPED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(searches_remove(f.db, "s", false, &err), 0);
    assert_int_equal(experiments_each(f.db, "s", keep_experiment, &t, &err), 0);
    assert_int_equal(t.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_search_of_one_name_is_a_conflict),
        cmocka_unit_test(an_unknown_search_is_not_found),
        cmocka_unit_test(counters_and_the_best_follow_the_experiments),
        cmocka_unit_test(every_change_grows_the_version_and_tells),
        cmocka_unit_test(late_news_change_nothing),
        cmocka_unit_test(a_search_that_is_to_stop_takes_no_experiments),
        cmocka_unit_test(a_forced_stop_kills_what_has_not_ended_and_a_restart_reopens_it),
        cmocka_unit_test(a_lost_experiment_waits_to_be_run_again),
        cmocka_unit_test(whatever_changes_an_experiment_shows_since_the_version_before),
        cmocka_unit_test(metrics_so_far_are_one_change_for_all_that_run),
        cmocka_unit_test(metrics_so_far_end_with_the_run),
        cmocka_unit_test(unfinished_are_the_active_and_those_with_a_force_to_carry_out),
        cmocka_unit_test(active_searches_are_not_removed),
        cmocka_unit_test(removing_a_search_removes_its_experiments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
