// SPDX-License-Identifier: Apache-2.0
#include "asking.h"
#include "base/cleanup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DIMS = 4, TRIALS = 90 };

/* Two numbers, one in nine steps, one of three words. */
static struct dimension dims[DIMS] = {
    { .name = "x", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
    { .name = "y", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
    { .name = "k", .type = PARAM_RANGE, .data = PARAM_INT, .lo = 0, .hi = 8, .from = 0, .to = 8, .n_values = 9 },
    { .name = "a", .type = PARAM_DISCRETE, .data = PARAM_STR, .n_values = 3 },
};
static const struct space space = { dims, DIMS }, countable = { dims + 2, 2 };

static struct algorithm_ctx *make(const struct space *s, struct algo_param *params, size_t n, int64_t parallel, bool maximize)
{
    const struct list list = { params, n };
    const struct algorithm_setup setup = {
        .space = s, .params = &list, .max_trials = -1, .parallel = parallel, .maximize = maximize, .seed = 11
    };
    struct err err = {0};

    return cmaes_algorithm.make(&setup, &err);
}

static double loss_at(const double *cube)
{
    double k = floor(cube[2] * 9), a = floor(cube[3] * 3);

    return pow(cube[0] - 0.31, 2) + pow(cube[1] - 0.7, 2) + 0.02 * pow(k - 6, 2) + 0.2 * (a != 1);
}

static void ask(struct algorithm_ctx *a, int64_t trial, double *cube)
{
    struct err err = {0};

    memset(cube, 0, DIMS * sizeof *cube);
    assert_int_equal(ask_for(&cmaes_algorithm, a, trial, cube, &err), ASK_POINT);
}

static double best_of(bool maximize, int64_t parallel)
{
    struct algorithm_ctx *a = make(&space, NULL, 0, parallel, maximize);
    double best = HUGE_VAL;

    for (int64_t t = 0; t < 400; t++) {
        double cube[DIMS], loss;

        ask(a, t, cube);
        loss = loss_at(cube);
        best = fmin(best, loss);
        tell_of(&cmaes_algorithm, a, t, cube, TRIAL_DONE, maximize ? -loss : loss);
    }
    cmaes_algorithm.free(a);
    return best;
}

static void numbers_steps_and_words_are_found_in_both_directions(void **state)
{
    (void)state;
    assert_true(best_of(false, 1) < 1e-4);
    assert_true(best_of(true, 1) < 1e-4);
    assert_true(best_of(false, 20) < 1e-3);
}

/* Four at a time that end in a mixed order; a restart tells them in the order of their numbers. */
static void a_restart_suggests_what_would_have_been_suggested(void **state)
{
    struct algorithm_ctx *a = make(&space, NULL, 0, 1, false), *b = make(&space, NULL, 0, 1, false);
    double cubes[TRIALS + 1][DIMS], again[DIMS];
    bool told[TRIALS] = {0};

    (void)state;
    for (int64_t t = 0; t < TRIALS; t++) {
        int64_t k = t - t % 4 + (t * 7 + 1) % 4 - 4; /* of the four before these, in another order */

        ask(a, t, cubes[t]);
        if (k < 0)
            continue;
        told[k] = true;
        tell_of(&cmaes_algorithm, a, k, cubes[k], k % 10 ? TRIAL_DONE : TRIAL_FAILED, loss_at(cubes[k]));
    }
    for (int64_t t = 0; t < TRIALS; t++)
        tell_of(&cmaes_algorithm, b, t, cubes[t], !told[t] ? TRIAL_PENDING : t % 10 ? TRIAL_DONE : TRIAL_FAILED,
                loss_at(cubes[t]));
    ask(a, TRIALS, cubes[TRIALS]);
    ask(b, TRIALS, again);
    assert_memory_equal(cubes[TRIALS], again, sizeof again);
    cmaes_algorithm.free(a);
    cmaes_algorithm.free(b);
}

static void results_from_elsewhere_are_where_it_begins(void **state)
{
    static const double known[DIMS] = { 0.3, 0.71, 6.5 / 9, 0.5 }, far[DIMS] = { 0.9, 0.1, 0.1, 0.1 };
    struct algorithm_ctx *a = make(&space, NULL, 0, 1, false);
    double near = 0;

    (void)state;
    tell_of(&cmaes_algorithm, a, -1, far, TRIAL_DONE, 3);
    tell_of(&cmaes_algorithm, a, -2, known, TRIAL_DONE, 0.001);
    tell_of(&cmaes_algorithm, a, -3, far, TRIAL_FAILED, NAN);
    for (int64_t t = 0; t < 20; t++) {
        double cube[DIMS];

        ask(a, t, cube);
        near += hypot(cube[0] - 0.3, cube[1] - 0.71) / 20;
    }
    assert_true(near < 0.3);
    cmaes_algorithm.free(a);
}

/* The mean distance from a known optimum of trials 20 to 59, when it was told before trial `when`. */
static double distance_when_told(int64_t when)
{
    static const double known[DIMS] = { 0.3, 0.71, 6.5 / 9, 0.5 };
    struct algorithm_ctx *a = make(&space, NULL, 0, 1, false);
    double distance = 0;

    for (int64_t t = 0; t < 60; t++) {
        double cube[DIMS];

        if (t == when)
            tell_of(&cmaes_algorithm, a, -1, known, TRIAL_DONE, 0.0002);
        ask(a, t, cube);
        if (t >= 20)
            distance += hypot(cube[0] - 0.3, cube[1] - 0.71) / 40;
        tell_of(&cmaes_algorithm, a, t, cube, TRIAL_DONE, loss_at(cube));
    }
    cmaes_algorithm.free(a);
    return distance;
}

static void a_result_from_elsewhere_that_comes_late_helps_too(void **state)
{
    double never = distance_when_told(-1);

    (void)state;
    for (int64_t when = 0; when <= 12; when += 3)
        assert_true(distance_when_told(when) < 0.8 * never);
}

static void a_flat_objective_does_not_draw_it_together(void **state)
{
    struct algorithm_ctx *a = make(&space, NULL, 0, 1, false);
    double low = 1, high = 0;

    (void)state;
    for (int64_t t = 0; t < 600; t++) {
        double cube[DIMS];

        ask(a, t, cube);
        if (t >= 560) {
            low = fmin(low, cube[0]);
            high = fmax(high, cube[0]);
        }
        tell_of(&cmaes_algorithm, a, t, cube, TRIAL_DONE, 1);
    }
    assert_true(high - low > 0.5);
    cmaes_algorithm.free(a);
}

static void what_was_tried_is_not_tried_again_while_there_is_something_new(void **state)
{
    struct algorithm_ctx *a = make(&countable, NULL, 0, 1, false);
    bool seen[27] = {0};
    int twice = 0;

    (void)state;
    for (int64_t t = 0; t < 20; t++) {
        double cube[2] = {0};
        struct err err = {0};
        int at;

        assert_int_equal(ask_for(&cmaes_algorithm, a, t, cube, &err), ASK_POINT);
        at = (int)(cube[0] * 9) * 3 + (int)(cube[1] * 3);
        twice += seen[at];
        seen[at] = true;
        tell_of(&cmaes_algorithm, a, t, cube, TRIAL_DONE, at);
    }
    assert_true(twice <= 3); /* of the first generation */
    cmaes_algorithm.free(a);
}

static void nothing_useful_to_learn_from_is_no_trouble(void **state)
{
    static const double values[] = { 1, NAN, INFINITY, -INFINITY, 1e308, -1e308, 1, 1 };
    struct algorithm_ctx *odd = make(&space, NULL, 0, 1, false), *failing = make(&space, NULL, 0, 1, false);

    (void)state;
    for (int64_t t = 0; t < 120; t++) {
        double cube[DIMS];

        ask(odd, t, cube);
        tell_of(&cmaes_algorithm, odd, t, cube, TRIAL_DONE, values[t % 8]);
        tell_of(&cmaes_algorithm, odd, t, cube, TRIAL_DONE, 0);
        ask(failing, t, cube);
        for (int i = 0; i < DIMS; i++)
            assert_true(cube[i] >= 0 && cube[i] < 1);
        tell_of(&cmaes_algorithm, failing, t, cube, TRIAL_FAILED, NAN);
    }
    cmaes_algorithm.free(odd);
    cmaes_algorithm.free(failing);
}

static void parameters_are_checked_by_name(void **state)
{
    struct algo_param few[] = { { "PopulationSize", "3" } }, narrow[] = { { "Sigma", "0" } }, good[] = { { "populationsize", "30" } };
    struct algorithm_ctx *a = make(&space, good, 1, 1, false);

    (void)state;
    assert_null(make(&space, few, 1, 1, false));
    assert_null(make(&space, narrow, 1, 1, false));
    assert_non_null(a);
    cmaes_algorithm.free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_steps_and_words_are_found_in_both_directions),
        cmocka_unit_test(a_restart_suggests_what_would_have_been_suggested),
        cmocka_unit_test(results_from_elsewhere_are_where_it_begins),
        cmocka_unit_test(a_result_from_elsewhere_that_comes_late_helps_too),
        cmocka_unit_test(a_flat_objective_does_not_draw_it_together),
        cmocka_unit_test(what_was_tried_is_not_tried_again_while_there_is_something_new),
        cmocka_unit_test(nothing_useful_to_learn_from_is_no_trouble),
        cmocka_unit_test(parameters_are_checked_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
