// SPDX-License-Identifier: Apache-2.0
#include "asking.h"
#include "base/cleanup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DIMS = 2, SWITCH = 200, TRIALS = 240, MANY = 70 };

static struct dimension dims[DIMS] = {
    { .name = "x", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
    { .name = "a", .type = PARAM_DISCRETE, .data = PARAM_STR, .n_values = 5 },
};
static const struct space space = { dims, DIMS }, words = { dims + 1, 1 };

static struct algorithm_ctx *make(const struct algorithm *a, const struct space *s, int64_t parallel)
{
    static const struct list none;
    const struct algorithm_setup setup = {
        .space = s, .params = &none, .max_trials = -1, .parallel = parallel, .seed = 5
    };
    struct err err = {0};
    struct algorithm_ctx *ctx = a->make(&setup, &err);

    assert_non_null(ctx);
    return ctx;
}

static double loss_at(const double *cube) { return pow(cube[0] - 0.3, 2) + 0.1 * (floor(cube[1] * 5) != 3); }

static void ask(const struct algorithm *a, struct algorithm_ctx *ctx, int64_t trial, double *cube)
{
    struct err err = {0};

    memset(cube, 0, DIMS * sizeof *cube);
    assert_int_equal(ask_for(a, ctx, trial, cube, &err), ASK_POINT);
}

static void it_begins_as_bayesian_does(void **state)
{
    struct algorithm_ctx *a = make(&auto_algorithm, &space, 1), *b = make(&bayesian_algorithm, &space, 1);

    (void)state;
    for (int64_t t = 0; t < 40; t++) {
        double x[DIMS], y[DIMS];

        ask(&auto_algorithm, a, t, x);
        ask(&bayesian_algorithm, b, t, y);
        assert_memory_equal(x, y, sizeof x);
        tell_of(&auto_algorithm, a, t, x, TRIAL_DONE, loss_at(x));
        tell_of(&bayesian_algorithm, b, t, x, TRIAL_DONE, loss_at(x));
    }
    auto_algorithm.free(a);
    bayesian_algorithm.free(b);
}

static enum trial_state outcome_of(int64_t trial) { return trial % 11 ? TRIAL_DONE : TRIAL_FAILED; }

/* Two under way, the later one ending first; before, at and after the switch. */
static void a_restart_suggests_what_would_have_been_suggested(void **state)
{
    static const int64_t restarts[] = { 21, 199, 200, 201, 202, 239 };
    struct algorithm_ctx *a = make(&auto_algorithm, &space, 1);
    static double cubes[TRIALS][DIMS];
    size_t next = 0;

    (void)state;
    for (int64_t t = 0; t < TRIALS; t++) {
        int64_t n_told = t - t % 2;

        ask(&auto_algorithm, a, t, cubes[t]);
        if (next < ARRAY_LEN(restarts) && t == restarts[next]) {
            struct algorithm_ctx *b = make(&auto_algorithm, &space, 1);
            double again[DIMS];

            for (int64_t k = 0; k < t; k++)
                tell_of(&auto_algorithm, b, k, cubes[k], k < n_told ? outcome_of(k) : TRIAL_PENDING, loss_at(cubes[k]));
            ask(&auto_algorithm, b, t, again);
            assert_memory_equal(cubes[t], again, sizeof again);
            auto_algorithm.free(b);
            next++;
        }
        for (int64_t k = t; k >= n_told && t % 2; k--)
            tell_of(&auto_algorithm, a, k, cubes[k], outcome_of(k), loss_at(cubes[k]));
    }
    assert_int_equal(next, ARRAY_LEN(restarts));
    auto_algorithm.free(a);
}

/* All asked before anything is told; the last of the model's trials ends when the strategy has ended some. */
static void what_is_suggested_does_not_depend_on_the_order_of_ends(void **state)
{
    struct algorithm_ctx *a = make(&auto_algorithm, &space, 1), *b = make(&auto_algorithm, &space, 1);
    static double cubes[TRIALS][DIMS];

    (void)state;
    for (int64_t t = 0; t < TRIALS; t++) {
        ask(&auto_algorithm, a, t, cubes[t]);
        tell_of(&auto_algorithm, b, t, cubes[t], TRIAL_PENDING, NAN);
    }
    for (int64_t t = 0; t < TRIALS; t++) {
        tell_of(&auto_algorithm, a, t, cubes[t], TRIAL_DONE, loss_at(cubes[t]));
        if (t != SWITCH - 1)
            tell_of(&auto_algorithm, b, t, cubes[t], TRIAL_DONE, loss_at(cubes[t]));
        if (t == SWITCH + 30)
            tell_of(&auto_algorithm, b, SWITCH - 1, cubes[SWITCH - 1], TRIAL_DONE, loss_at(cubes[SWITCH - 1]));
    }
    for (int64_t t = TRIALS; t < TRIALS + 4; t++) {
        double x[DIMS], y[DIMS];

        ask(&auto_algorithm, a, t, x);
        ask(&auto_algorithm, b, t, y);
        assert_memory_equal(x, y, sizeof x);
    }
    auto_algorithm.free(a);
    auto_algorithm.free(b);
}

static void it_goes_on_near_the_best_after_the_switch(void **state)
{
    struct algorithm_ctx *a = make(&auto_algorithm, &space, 1);
    double far = 0;

    (void)state;
    for (int64_t t = 0; t < TRIALS; t++) {
        double cube[DIMS];

        ask(&auto_algorithm, a, t, cube);
        if (t >= SWITCH)
            far += fabs(cube[0] - 0.3) / (TRIALS - SWITCH);
        tell_of(&auto_algorithm, a, t, cube, TRIAL_DONE, loss_at(cube));
    }
    assert_true(far < 0.1);
    auto_algorithm.free(a);
}

static void it_never_models_what_it_cannot(void **state)
{
    static struct dimension many[MANY];
    const struct space wide = { many, MANY };
    const struct { const struct space *space; int64_t parallel; } cases[] = { { &wide, 1 }, { &space, 100 } };
    static double x[MANY], y[MANY];
    struct err err = {0};

    (void)state;
    for (int i = 0; i < MANY; i++)
        many[i] = dims[0];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct algorithm_ctx *a = make(&auto_algorithm, cases[i].space, cases[i].parallel);
        struct algorithm_ctx *b = make(&tpe_algorithm, cases[i].space, cases[i].parallel);

        assert_int_equal(ask_for(&auto_algorithm, a, 0, x, &err), ASK_POINT);
        assert_int_equal(ask_for(&tpe_algorithm, b, 0, y, &err), ASK_POINT);
        assert_memory_equal(x, y, sizeof x);
        auto_algorithm.free(a);
        tpe_algorithm.free(b);
    }
}

static void without_numbers_tpe_goes_on_alone(void **state)
{
    struct algorithm_ctx *a = make(&auto_algorithm, &words, 1), *b = make(&tpe_algorithm, &words, 1);
    struct err err = {0};

    (void)state;
    for (int64_t t = 0; t < SWITCH + 10; t++) {
        double x = 0, y = 0;

        assert_int_equal(ask_for(&auto_algorithm, a, t, &x, &err), ASK_POINT);
        if (t >= SWITCH) {
            assert_int_equal(ask_for(&tpe_algorithm, b, t, &y, &err), ASK_POINT);
            assert_true(x == y);
        }
        tell_of(&auto_algorithm, a, t, &x, TRIAL_DONE, x);
        tell_of(&tpe_algorithm, b, t, &x, TRIAL_DONE, x);
    }
    auto_algorithm.free(a);
    tpe_algorithm.free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_as_bayesian_does),
        cmocka_unit_test(a_restart_suggests_what_would_have_been_suggested),
        cmocka_unit_test(what_is_suggested_does_not_depend_on_the_order_of_ends),
        cmocka_unit_test(it_goes_on_near_the_best_after_the_switch),
        cmocka_unit_test(it_never_models_what_it_cannot),
        cmocka_unit_test(without_numbers_tpe_goes_on_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
