// SPDX-License-Identifier: Apache-2.0
#include "search/methods/history.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void tell(struct history *h, int64_t trial, double y)
{
    double x = (double)trial;

    history_tell(h, trial, &x, y);
}

static void the_order_of_events_leaves_no_trace(void **state)
{
    static const int64_t orders[][6] = { { 0, 1, 2, 3, 4, 5 }, { 5, 3, 4, 0, 2, 1 } };
    static const double y[] = { 3, NAN, 1, 1, INFINITY, 2 };
    static const int64_t ranked[] = { 2, 3, 5, 0, 1, 4 };

    (void)state;
    for (int o = 0; o < 2; o++) {
        CLEANUP(history_done) struct history h = { .d = 1 };

        for (int i = 0; i < 6; i++)
            tell(&h, orders[o][i], y[orders[o][i]]);
        assert_int_equal(h.n_valued, 4);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(h.told.items[i]->trial, i);
            assert_int_equal(h.ranked.items[i]->trial, ranked[i]);
        }
    }
}

static void a_trial_is_told_once_and_is_pending_until_then(void **state)
{
    CLEANUP(history_done) struct history h = { .d = 1 };
    double x = 0.5, other = 0.25;

    (void)state;
    history_ask(&h, 3, &x);
    history_ask(&h, 3, &other);
    assert_int_equal(h.pending.n, 1);
    assert_true(history_has(&h, &x) && !history_has(&h, &other));
    assert_int_equal(history_tell(&h, 3, &x, 1), 0);
    assert_int_equal(history_tell(&h, 3, &x, 9), -1);
    history_ask(&h, 3, &x);
    assert_int_equal(h.pending.n, 0);
    assert_int_equal(h.told.n, 1);
    assert_true(h.told.items[0]->y == 1 && history_has(&h, &x));
}

static void a_late_trial_takes_the_place_of_its_number(void **state)
{
    CLEANUP(history_done) struct history h = { .d = 1 };
    double x = 0;

    (void)state;
    assert_int_equal(history_tell(&h, -1, &x, 1), 0); /* nobody asked for it: stands where it arrived */
    assert_int_equal(history_tell(&h, 4, &x, 1), 1);
    assert_int_equal(history_tell(&h, 7, &x, 1), 2);
    assert_int_equal(history_tell(&h, 5, &x, 1), 2);
    assert_int_equal(history_tell(&h, -2, &x, 1), 4);
}

static void a_selection_has_the_best_and_some_of_all_others(void **state)
{
    CLEANUP(history_done) struct history h = { .d = 1 };
    struct point *p[20];
    int n_best = 0, n_early = 0;

    (void)state;
    for (int64_t t = 0; t < 100; t++)
        tell(&h, t, (double)((t * 37) % 100));
    assert_int_equal(history_select(&h, 80, 20, p), 20);
    for (int i = 0; i < 20; i++) {
        assert_true(p[i]->trial < 80 && (i == 0 || p[i - 1]->trial < p[i]->trial));
        n_best += p[i]->y < 14;
        n_early += p[i]->trial < 40;
    }
    assert_true(n_best >= 10);
    assert_true(n_early >= 6 && n_early <= 14);
    assert_int_equal(history_select(&h, 15, 20, p), 15);
}

static void the_median_is_that_of_the_first_with_a_value(void **state)
{
    CLEANUP(history_done) struct history h = { .d = 1 };

    (void)state;
    assert_true(isnan(history_median(&h, 5)));
    tell(&h, 0, NAN);
    assert_true(isnan(history_median(&h, 5)));
    tell(&h, 1, 9);
    tell(&h, 2, 4);
    tell(&h, 3, 5);
    tell(&h, 4, -100);
    assert_true(history_median(&h, 4) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_events_leaves_no_trace),
        cmocka_unit_test(a_trial_is_told_once_and_is_pending_until_then),
        cmocka_unit_test(a_late_trial_takes_the_place_of_its_number),
        cmocka_unit_test(a_selection_has_the_best_and_some_of_all_others),
        cmocka_unit_test(the_median_is_that_of_the_first_with_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
