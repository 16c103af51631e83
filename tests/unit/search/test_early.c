// SPDX-License-Identifier: Apache-2.0
#include "search/early.h"

#include "base/cleanup.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct early_curve curve_of(bool minimize, const double *values, int n)
{
    struct early_curve c = { .minimize = minimize };

    for (int i = 0; i < n; i++)
        early_curve_add(&c, i + 1, values[i]);
    return c;
}

/* Three that ended: running averages at step 2 are 4, 6 and 9. */
static struct early three(void)
{
    static const double values[3][4] = { { 5, 3, 2, 1 }, { 7, 5, 4, 4 }, { 10, 8, 7, 6 } };
    struct early e = {0};

    for (int i = 0; i < 3; i++) {
        struct early_curve c = curve_of(true, values[i], 4);

        early_ended(&e, &c);
    }
    return e;
}

static void a_trial_worse_than_the_median_average_is_hopeless(void **state)
{
    CLEANUP(early_done) struct early e = three();
    CLEANUP(early_curve_done) struct early_curve worse = curve_of(true, (double[]){ 9, 6.1 }, 2);
    CLEANUP(early_curve_done) struct early_curve equal = curve_of(true, (double[]){ 9, 6 }, 2);

    (void)state;
    assert_true(early_hopeless(&e, &worse, 3, 1));
    assert_false(early_hopeless(&e, &equal, 3, 1));
}

static void what_was_good_once_is_given_time(void **state)
{
    CLEANUP(early_done) struct early e = three();
    CLEANUP(early_curve_done) struct early_curve c = curve_of(true, (double[]){ 1, 50 }, 2);

    (void)state;
    assert_false(early_hopeless(&e, &c, 3, 1));
}

static void larger_can_be_better(void **state)
{
    CLEANUP(early_done) struct early e = {0};
    CLEANUP(early_curve_done) struct early_curve low = curve_of(false, (double[]){ 0.3, 0.4 }, 2);
    CLEANUP(early_curve_done) struct early_curve high = curve_of(false, (double[]){ 0.3, 0.8 }, 2);

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct early_curve c = curve_of(false, (double[]){ 0.5, 0.7 }, 2);

        early_ended(&e, &c);
    }
    assert_true(early_hopeless(&e, &low, 5, 1));
    assert_false(early_hopeless(&e, &high, 5, 1));
}

static void nothing_is_stopped_before_enough_is_known(void **state)
{
    CLEANUP(early_done) struct early e = three();
    CLEANUP(early_curve_done) struct early_curve bad = curve_of(true, (double[]){ 99, 99, 99 }, 3);
    CLEANUP(early_curve_done) struct early_curve none = { .minimize = true };

    (void)state;
    assert_true(early_hopeless(&e, &bad, 3, 3));
    assert_false(early_hopeless(&e, &bad, 4, 3));
    assert_false(early_hopeless(&e, &bad, 3, 4));
    assert_false(early_hopeless(&e, &none, 0, 0));
}

static void trials_that_began_later_than_its_last_step_do_not_count(void **state)
{
    CLEANUP(early_done) struct early e = {0};
    CLEANUP(early_curve_done) struct early_curve bad = curve_of(true, (double[]){ 99 }, 1);

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct early_curve c = { .minimize = true };

        early_curve_add(&c, 10, 1);
        early_ended(&e, &c);
    }
    assert_false(early_hopeless(&e, &bad, 1, 1));
}

static void steps_may_be_missing_and_odd_values_are_passed_over(void **state)
{
    CLEANUP(early_curve_done) struct early_curve c = { .minimize = true };

    (void)state;
    early_curve_add(&c, NAN, 4);
    early_curve_add(&c, NAN, NAN);
    early_curve_add(&c, NAN, INFINITY);
    early_curve_add(&c, NAN, 2);
    early_curve_add(&c, 1, 0); /* steps go up */
    assert_int_equal(c.n, 2);
    assert_true(c.step[1] == 2 && c.average[1] == 3 && c.best == 2);
}

/* Against the definition, with more points than are kept. */
static void a_long_curve_is_thinned_and_keeps_its_averages(void **state)
{
    enum { N = 5000 };
    CLEANUP(early_curve_done) struct early_curve c = { .minimize = true };
    static double average[N + 1];
    double sum = 0;

    (void)state;
    for (int i = 1; i <= N; i++) {
        double value = rng_uniform(1, (uint64_t)i, 0, 0);

        sum += value;
        average[i] = sum / i;
        early_curve_add(&c, i, value);
    }
    assert_true(c.n <= EARLY_POINTS_MAX);
    assert_true(c.step[c.n - 1] > N - 64);
    for (int i = 0; i < c.n; i++)
        assert_true(fabs(c.average[i] - average[(int)c.step[i]]) < 1e-12);
}

static void late_points_find_their_curve(void **state)
{
    CLEANUP(early_done) struct early e = {0};
    CLEANUP(early_curve_done) struct early_curve bad = curve_of(true, (double[]){ 99 }, 1);
    struct early_curve empty = { .minimize = true, .exec = strdup("ann-1") };

    (void)state;
    early_ended(&e, &empty);
    assert_false(early_hopeless(&e, &bad, 1, 1));
    early_curve_add(early_find(&e, "ann-1"), 1, 5);
    assert_true(early_hopeless(&e, &bad, 1, 1));
    assert_null(early_find(&e, "ann-2"));
}

static void only_the_last_trials_count(void **state)
{
    CLEANUP(early_done) struct early e = {0};

    (void)state;
    for (int i = 0; i < EARLY_CURVES_MAX + 5; i++) {
        struct early_curve c = curve_of(true, (double[]){ i }, 1);

        early_ended(&e, &c);
    }
    assert_int_equal(e.n, EARLY_CURVES_MAX);
    assert_true(e.curves[0].best == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_worse_than_the_median_average_is_hopeless),
        cmocka_unit_test(what_was_good_once_is_given_time),
        cmocka_unit_test(larger_can_be_better),
        cmocka_unit_test(nothing_is_stopped_before_enough_is_known),
        cmocka_unit_test(trials_that_began_later_than_its_last_step_do_not_count),
        cmocka_unit_test(steps_may_be_missing_and_odd_values_are_passed_over),
        cmocka_unit_test(a_long_curve_is_thinned_and_keeps_its_averages),
        cmocka_unit_test(late_points_find_their_curve),
        cmocka_unit_test(only_the_last_trials_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
