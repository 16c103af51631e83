// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "search/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_state_reads_back_from_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < SEARCH_N_STATES; i++)
        assert_int_equal(search_state_parse(search_state_name((enum search_state)i)), i);
    assert_int_equal(search_state_parse("running"), SEARCH_RUNNING);
    assert_int_equal(search_state_parse("RECOVERPEND"), -1);
}

static void an_active_search_can_end_in_every_way_and_a_final_one_only_be_restarted(void **state)
{
    (void)state;
    for (int s = 0; s < SEARCH_N_STATES; s++) {
        bool final = search_state_is_final((enum search_state)s);

        for (int e = SEARCH_DONE; e <= SEARCH_FILES_GONE; e++) {
            int to = search_step((enum search_state)s, (enum search_event)e);

            assert_true(final ? to == -1 : to >= 0 && search_state_is_final((enum search_state)to));
        }
    }
    assert_int_equal(search_step(SEARCH_SUBMITTED, SEARCH_BEGUN), SEARCH_RUNNING);
    assert_int_equal(search_step(SEARCH_RUNNING, SEARCH_BEGUN), -1);
}

static void only_stopped_and_lost_searches_can_be_restarted(void **state)
{
    (void)state;
    for (int s = 0; s < SEARCH_N_STATES; s++)
        assert_int_equal(search_step((enum search_state)s, SEARCH_AGAIN),
                         s == SEARCH_STOPPED || s == SEARCH_RECOVERFAILED ? SEARCH_SUBMITTED : -1);
}

static void the_end_of_a_task_is_the_outcome_of_its_experiment(void **state)
{
    static const struct { const char *exec; bool metric, timed_out; const char *want; } cases[] = {
        { "FINISHED", true,  false, "FINISHED" }, { "FINISHED", false, false, "FAILED" },
        { "FINISHED", true,  true,  "FINISHED" }, { "ERROR",    false, false, "FAILED" },
        { "KILLED",   false, false, "KILLED" },   { "KILLED",   false, true,  "FAILED" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(experiment_outcome(cases[i].exec, cases[i].metric, cases[i].timed_out), cases[i].want);
}

static void the_better_metric_wins_and_ties_go_to_the_lower_id(void **state)
{
    (void)state;
    assert_true(metric_is_better(false, 5, 3, NAN, INT_UNSET));
    assert_true(metric_is_better(false, 1, 3, 2, 0));
    assert_false(metric_is_better(false, 3, 3, 2, 0));
    assert_true(metric_is_better(true, 3, 3, 2, 0));
    assert_false(metric_is_better(true, 1, 3, 2, 0));
    assert_true(metric_is_better(true, 2, 1, 2, 4));
    assert_false(metric_is_better(true, 2, 5, 2, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_reads_back_from_its_name),
        cmocka_unit_test(an_active_search_can_end_in_every_way_and_a_final_one_only_be_restarted),
        cmocka_unit_test(only_stopped_and_lost_searches_can_be_restarted),
        cmocka_unit_test(the_end_of_a_task_is_the_outcome_of_its_experiment),
        cmocka_unit_test(the_better_metric_wins_and_ties_go_to_the_lower_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
