// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/plugins/plugin_store.h"
#include "search/search_store.h"
#include "store/db.h"

#include <inttypes.h>
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

/* A database with the algorithm "mine" of ann and the search "s" that runs with it. */
static struct fixture open_store(void)
{
    const struct plugin p = { .name = "mine", .creator = "ann", .conda_env = "e", .remote_exec = true, .created_ms = 5 };
    const struct search s = { .name = "s", .creator = "ann", .state = "SUBMITTED", .sig_name = "default", .args = "a",
                              .spec = "{\"algoDef\":{\"algorithm\":\"mine\"}}", .created_ms = 1000, .planned = -1 };
    struct err err = {0};
    struct fixture f = { .db = db_open(":memory:", DB_WRITE, &err), .mem = mem_new() };

    assert_non_null(f.db);
    assert_int_equal(plugins_insert(f.db, &p, &err), 0);
    assert_int_equal(searches_insert(f.db, &s, &f.news, &err), 0);
    return f;
}

static void run_to_its_end(struct fixture *f, int64_t id, const char *state)
{
    struct experiment e = { .id = id, .cube = "[]", .hyperparams = "[]", .state = "SUBMITTED", .exec = "x", .driver_id = "d",
                            .resource = INT_UNSET, .parent = INT_UNSET };
    struct err err = {0};

    assert_int_equal(experiments_start(f->db, "s", &e, false, NULL, &f->news, &err), 0);
    e.state = state;
    e.started_ms = e.ended_ms = 2;
    assert_int_equal(experiments_end(f->db, "s", &e, false, &f->news, &err), 0);
}

static int add(struct fixture *f, int64_t call, const char *state, int64_t first, size_t n, const int64_t *told, size_t n_told,
               struct err *err)
{
    static const char *const suggestions[] = { "{\"x\":1}", "{\"x\":2}", "{\"x\":3}" };
    const struct plugin_reply r = { .call = { call, (int64_t)n, state }, .first = first, .suggestions = suggestions, .n = n,
                                    .told = told, .n_told = n_told };

    return plugin_calls_add(f->db, "s", &r, err);
}

static int keep_call(void *arg, const struct plugin_call *call, struct err *err)
{
    (void)err;
    text_addf(arg, "%" PRId64 ":%" PRId64 ":%s ", call->call, call->samples, call->state ? call->state : "-");
    return 0;
}

static void keep_suggestion(void *arg, int64_t id, const char *vals) { text_addf(arg, "%" PRId64 "%s ", id, vals); }

static void check_calls(struct fixture *f, const char *want)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    text_add(&t, "");
    assert_int_equal(plugin_calls_each(f->db, "s", keep_call, &t, &err), 0);
    assert_string_equal(t.data, want);
}

static void check_suggestions(struct fixture *f, int64_t call, const char *want)
{
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    text_add(&t, "");
    assert_int_equal(suggestions_each(f->db, "s", call, keep_suggestion, &t, &err), 0);
    assert_string_equal(t.data, want);
}

static void a_plugin_is_found_as_it_was_installed(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct plugin p;
    struct err err = {0};

    (void)state;
    assert_int_equal(plugins_find(f.db, "mine", f.mem, &p, &err), 1);
    assert_string_equal(p.creator, "ann");
    assert_string_equal(p.conda_env, "e");
    assert_null(p.conda_home);
    assert_null(p.log_level);
    assert_true(p.remote_exec);
    assert_int_equal(p.created_ms, 5);
    assert_int_equal(plugins_find(f.db, "Mine", f.mem, &p, &err), 0);
}

static void a_name_is_taken_once(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct plugin p = { .name = "mine", .creator = "bob" };
    struct err err = {0};

    (void)state;
    assert_int_equal(plugins_insert(f.db, &p, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
}

static void the_source_finds_installed_algorithms_and_nothing_else(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const struct algorithm_source source = plugins_source(f.db);
    struct err err = {0};

    (void)state;
    assert_string_equal(source.find(source.arg, "mine", f.mem, &err)->name, "mine");
    assert_null(source.find(source.arg, "other", f.mem, &err));
    assert_int_equal(err.kind, ERR_NONE);
}

static void one_in_use_is_not_removed(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const char *search;
    struct err err = {0};

    (void)state;
    assert_int_equal(plugins_remove(f.db, "mine", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(plugins_find_user(f.db, "mine", f.mem, &search, &err), 0);
    assert_string_equal(search, "s");
    assert_int_equal(searches_end(f.db, "s", SEARCH_STOPPED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(plugins_find_user(f.db, "mine", f.mem, &search, &err), 0);
    assert_null(search);
    assert_int_equal(plugins_check_search(f.db, "s", &err), 0);
    assert_int_equal(plugins_remove(f.db, "mine", &err), 0);
    assert_int_equal(plugins_remove(f.db, "mine", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(plugins_check_search(f.db, "s", &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
}

static void without_a_state_every_call_is_kept(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const int64_t told[] = { 0 };
    int64_t count;
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&f, 1, NULL, 0, 2, NULL, 0, &err), 0);
    run_to_its_end(&f, 0, "FINISHED");
    assert_int_equal(add(&f, 2, NULL, 2, 1, told, 1, &err), 0);
    check_calls(&f, "1:2:- 2:1:- ");
    check_suggestions(&f, 0, "0{\"x\":1} 1{\"x\":2} 2{\"x\":1} ");
    assert_int_equal(suggestions_count(f.db, "s", &count, &err), 0);
    assert_int_equal(count, 3);
}

static void a_state_makes_earlier_calls_superfluous(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const int64_t told[] = { 0 };
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&f, 1, "\"one\"", 0, 2, NULL, 0, &err), 0);
    run_to_its_end(&f, 0, "FINISHED");
    assert_int_equal(add(&f, 2, "\"two\"", 2, 1, told, 1, &err), 0);
    check_calls(&f, "2:1:\"two\" ");
    check_suggestions(&f, 2, "1{\"x\":2} 2{\"x\":1} ");      /* 0 was told in call 2 */
    assert_int_equal(add(&f, 3, NULL, 3, 0, NULL, 0, &err), 0);
    check_calls(&f, "2:1:\"two\" 3:0:- ");
}

static void an_experiment_that_runs_again_is_told_again(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    const int64_t told[] = { 0, 1 };
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&f, 1, "1", 0, 2, NULL, 0, &err), 0);
    run_to_its_end(&f, 0, "FINISHED");
    run_to_its_end(&f, 1, "KILLED");
    assert_int_equal(add(&f, 2, "2", 2, 0, told, 2, &err), 0);
    check_suggestions(&f, 2, "");
    assert_int_equal(searches_end(f.db, "s", SEARCH_STOPPED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(searches_restart(f.db, "s", 3000, &f.news, &err), 0);
    check_suggestions(&f, 2, "1{\"x\":2} ");
}

static void all_of_it_goes_with_its_search(void **state)
{
    CLEANUP(done) struct fixture f = open_store();
    struct err err = {0};

    (void)state;
    assert_int_equal(add(&f, 1, NULL, 0, 2, NULL, 0, &err), 0);
    assert_int_equal(searches_end(f.db, "s", SEARCH_STOPPED, NULL, 2000, &f.news, &err), 0);
    assert_int_equal(searches_remove(f.db, "s", false, &err), 0);
    check_calls(&f, "");
    check_suggestions(&f, 0, "");
    assert_int_equal(add(&f, 2, NULL, 2, 1, NULL, 0, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_is_found_as_it_was_installed),
        cmocka_unit_test(a_name_is_taken_once),
        cmocka_unit_test(the_source_finds_installed_algorithms_and_nothing_else),
        cmocka_unit_test(one_in_use_is_not_removed),
        cmocka_unit_test(without_a_state_every_call_is_kept),
        cmocka_unit_test(a_state_makes_earlier_calls_superfluous),
        cmocka_unit_test(an_experiment_that_runs_again_is_told_again),
        cmocka_unit_test(all_of_it_goes_with_its_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
