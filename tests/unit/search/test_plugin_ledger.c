// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/algorithm.h"
#include "search/plugins/plugin_ledger.h"
#include "search/search.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void ledger_freep(struct ledger **l) { ledger_free(*l); }

static struct ledger *with_suggestions(int n)
{
    struct ledger *l = ledger_new(/* maximize= */ false);
    char vals[32];

    for (int i = 0; i < n; i++) {
        snprintf(vals, sizeof vals, "{\"x\":%d}", i);
        ledger_add(l, i, vals);
    }
    return l;
}

static void tell(struct ledger *l, int64_t id, enum trial_state state, int64_t told)
{
    const struct experiment row = { .id = id, .state = state == TRIAL_DONE ? "FINISHED" : "FAILED", .metric = (double)id,
                                    .started_ms = INT_UNSET, .ended_ms = INT_UNSET, .told = told };

    ledger_tell(l, &(struct outcome){ .trial = id, .state = state, .row = &row });
}

/* The ids in a list of results: "3 5 ". */
static void check_ids(const struct text *results, const char *want)
{
    CLEANUP(text_done) struct text list = {0};
    CLEANUP(text_done) struct text ids = {0};
    json_t *json, *item;
    size_t i;

    text_addf(&list, "[%s]", results->len ? results->data : "");
    json = json_loads(list.data, 0, NULL);
    assert_non_null(json);
    text_add(&ids, "");
    json_array_foreach(json, i, item)
        text_addf(&ids, "%d ", (int)json_integer_value(json_object_get(item, "id")));
    json_decref(json);
    assert_string_equal(ids.data, want);
}

static void check_results(struct ledger *l, const char *want)
{
    CLEANUP(text_done) struct text results = {0};

    ledger_results(l, &results);
    check_ids(&results, want);
}

static void pending_are_those_given_out_and_not_ended(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = with_suggestions(3);

    (void)state;
    assert_int_equal(ledger_n_pending(l), 0);
    ledger_give(l, 0);
    ledger_give(l, 0);
    ledger_give(l, 2);
    assert_int_equal(ledger_n_pending(l), 2);
    tell(l, 0, TRIAL_DONE, INT_UNSET);
    assert_int_equal(ledger_n_pending(l), 1);
    assert_null(ledger_vals(l, 0));
    assert_string_equal(ledger_vals(l, 2), "{\"x\":2}");
    assert_null(ledger_vals(l, 3));
}

static void what_runs_still_is_found_after_a_restart(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = with_suggestions(2);

    (void)state;
    tell(l, 1, TRIAL_PENDING, INT_UNSET);
    assert_int_equal(ledger_n_pending(l), 1);
    check_results(l, "");
    tell(l, 1, TRIAL_FAILED, INT_UNSET);
    assert_int_equal(ledger_n_pending(l), 0);
    check_results(l, "1 ");
}

static void outcomes_are_told_once_in_order_of_ids(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = with_suggestions(4);
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    int64_t *ids;
    size_t n;

    (void)state;
    tell(l, 2, TRIAL_DONE, INT_UNSET);
    tell(l, 0, TRIAL_FAILED, INT_UNSET);
    check_results(l, "0 2 ");
    tell(l, 1, TRIAL_DONE, INT_UNSET);      /* while the call is under way */
    ids = ledger_asked(l, mem, &n);
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], 0);
    assert_int_equal(ids[1], 2);
    ledger_told(l);
    check_results(l, "1 ");
    ledger_told(l);
    check_results(l, "");
    tell(l, 1, TRIAL_DONE, INT_UNSET);      /* known already */
    check_results(l, "");
}

static void a_call_that_is_never_answered_tells_nothing(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = with_suggestions(2);

    (void)state;
    tell(l, 0, TRIAL_DONE, INT_UNSET);
    check_results(l, "0 ");
    tell(l, 1, TRIAL_DONE, INT_UNSET);
    check_results(l, "0 1 ");
}

static void calls_are_made_again_with_what_they_told(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = with_suggestions(5);
    int64_t samples;

    (void)state;
    assert_int_equal(ledger_first_replay(l), INT_UNSET);
    ledger_replay(l, 7, 3);
    ledger_replay(l, 8, 1);
    assert_int_equal(ledger_first_replay(l), 7);
    tell(l, 0, TRIAL_DONE, 8);
    tell(l, 1, TRIAL_DONE, INT_UNSET);
    tell(l, 2, TRIAL_DONE, 8);
    for (int i = 0; i < 2; i++) {
        CLEANUP(text_done) struct text results = {0};

        assert_int_equal(ledger_n_replays(l), 2 - i);
        assert_true(ledger_next_replay(l, &samples, &results));
        assert_int_equal(samples, i ? 1 : 3);
        check_ids(&results, i ? "0 2 " : "");
        ledger_replayed(l);
    }
    assert_int_equal(ledger_n_replays(l), 0);
    assert_false(ledger_next_replay(l, &samples, NULL));
    check_results(l, "1 ");
}

static void note_results(struct ledger *l)
{
    CLEANUP(text_done) struct text results = {0};

    ledger_results(l, &results);
}

static void the_old_that_is_pending_outlives_the_many_that_are_told(void **state)
{
    CLEANUP(ledger_freep) struct ledger *l = ledger_new(false);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        ledger_add(l, i, "{}");
        ledger_give(l, i);
        if (i % 1000 == 0)
            continue;
        tell(l, i, TRIAL_DONE, INT_UNSET);
        note_results(l);
        ledger_told(l);
    }
    assert_int_equal(ledger_n_pending(l), 20);
    for (int i = 0; i < 20000; i += 500)
        assert_int_equal(ledger_vals(l, i) != NULL, i % 1000 == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_are_those_given_out_and_not_ended),
        cmocka_unit_test(what_runs_still_is_found_after_a_restart),
        cmocka_unit_test(outcomes_are_told_once_in_order_of_ids),
        cmocka_unit_test(a_call_that_is_never_answered_tells_nothing),
        cmocka_unit_test(calls_are_made_again_with_what_they_told),
        cmocka_unit_test(the_old_that_is_pending_outlives_the_many_that_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
