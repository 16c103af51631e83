// SPDX-License-Identifier: Apache-2.0
#include "asking.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/algorithm.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DIMS_MAX = 300 };

typedef double (*objective_fn)(const struct value *v);

struct run {
    struct space space;
    struct dimension dims[DIMS_MAX];
    struct algorithm_ctx *ctx;
    const struct algorithm *algorithm;
};

static struct dimension real(double lo, double hi)
{
    return (struct dimension){ .name = "x", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = lo, .hi = hi, .from = lo, .to = hi };
}

static struct dimension whole(int64_t lo, int64_t hi)
{
    return (struct dimension){ .name = "n", .type = PARAM_RANGE, .data = PARAM_INT, .lo = (double)lo, .hi = (double)hi,
                               .from = (double)lo, .to = (double)hi, .n_values = hi - lo + 1 };
}

static struct dimension choice(const struct value *values, int64_t n)
{
    return (struct dimension){ .name = "c", .type = PARAM_DISCRETE, .data = PARAM_INT, .values = values, .n_values = n };
}

static const struct value letters[] = { { .integer = 0 }, { .integer = 1 }, { .integer = 2 } };

/* The dimensions are set before. */
static void start(struct run *r, int n_dims, int64_t max_trials, uint64_t seed)
{
    static const struct list none = {0};
    struct algorithm_setup setup = { .space = &r->space, .params = &none, .max_trials = max_trials, .parallel = 1, .seed = seed };
    struct err err = {0};

    r->space = (struct space){ r->dims, n_dims };
    if (!r->algorithm)
        r->algorithm = &bayesian_algorithm;
    r->ctx = r->algorithm->make(&setup, &err);
    assert_non_null(r->ctx);
}

static void end(struct run *r) { r->algorithm->free(r->ctx); }

static void ask(struct run *r, int64_t trial, double *cube)
{
    struct err err = {0};

    assert_int_equal(ask_for(r->algorithm, r->ctx, trial, cube, &err), 1);
    for (int i = 0; i < r->space.n_dims; i++)
        assert_true(cube[i] >= 0 && cube[i] < 1);
}

static void tell(struct run *r, int64_t trial, const double *cube, double y)
{
    tell_of(r->algorithm, r->ctx, trial, cube, TRIAL_DONE, y);
}

/* The best of n trials from `first` on. */
static double minimise(struct run *r, int64_t first, int64_t n, objective_fn f)
{
    double cube[DIMS_MAX], best = HUGE_VAL;
    struct value v[DIMS_MAX];

    for (int64_t t = first; t < first + n; t++) {
        double y;

        ask(r, t, cube);
        space_values(&r->space, cube, v);
        y = f(v);
        tell(r, t, cube, y);
        best = fmin(best, y);
    }
    return best;
}

/* Optimum 0.397887. */
static double branin(const struct value *v)
{
    double x = v[0].real, y = v[1].real;

    return pow(y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6, 2) + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

/* Optimum -3.86278. */
static double hartmann(const struct value *v)
{
    static const double a[4][3] = { { 3, 10, 30 }, { 0.1, 10, 35 }, { 3, 10, 30 }, { 0.1, 10, 35 } };
    static const double c[4] = { 1, 1.2, 3, 3.2 };
    static const double p[4][3] = { { 0.3689, 0.1170, 0.2673 }, { 0.4699, 0.4387, 0.7470 },
                                    { 0.1091, 0.8732, 0.5547 }, { 0.03815, 0.5743, 0.8828 } };
    double sum = 0;

    for (int i = 0; i < 4; i++) {
        double e = 0;

        for (int j = 0; j < 3; j++)
            e += a[i][j] * pow(v[j].real - p[i][j], 2);
        sum -= c[i] * exp(-e);
    }
    return sum;
}

/* Optimum 0 at 13, choice 2. */
static double mixed(const struct value *v)
{
    return pow((double)v[0].integer - 13, 2) / 20 + (v[1].integer != 2) + fabs(v[2].real - 0.3);
}

/* Two basins: the wide one of choice 0 ends at 1, the one of choice 1, elsewhere and narrow, at 0. */
static double two_basins(const struct value *v)
{
    double x = v[1].real, y = v[2].real;

    if (v[0].integer == 1)
        return fmin(3, 40 * (pow(x - 0.85, 2) + pow(y - 0.9, 2)));
    return 1 + pow(x - 0.2, 2) + pow(y - 0.3, 2);
}

static double flat(const struct value *v)
{
    (void)v;
    return 5;
}

static void optima_are_found_where_random_points_are_far_off(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct run b = { .dims = { real(-5, 10), real(0, 15) } }, random = b;
        struct run h = { .dims = { real(0, 1), real(0, 1), real(0, 1) } };
        double found;

        random.algorithm = &random_algorithm;
        start(&b, 2, 40, seed);
        start(&random, 2, 40, seed);
        start(&h, 3, 40, seed);
        found = minimise(&b, 0, 40, branin);
        assert_true(found < 0.45);
        assert_true(found < minimise(&random, 0, 40, branin));
        assert_true(minimise(&h, 0, 40, hartmann) < -3.8);
        end(&b);
        end(&random);
        end(&h);
    }
}

static void whole_numbers_and_choices_are_found_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct run r = { .dims = { whole(1, 60), choice(letters, 3), real(0, 1) } };

        start(&r, 3, 50, seed);
        assert_true(minimise(&r, 0, 50, mixed) < 0.05);
        end(&r);
    }
}

static void an_optimum_that_is_known_is_left_for_what_is_not(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct run r = { .dims = { choice(letters, 2), real(0, 1), real(0, 1) } };

        start(&r, 3, 80, seed);
        assert_true(minimise(&r, 0, 80, two_basins) < 0.1);
        end(&r);
    }
}

/* The same history, told by number of trial instead of as it happened, with two trials under way. */
static void a_restart_goes_on_as_if_nothing_had_been(void **state)
{
    enum { TRIALS = 60 };
    struct run one = { .dims = { real(-5, 10), real(0, 15) } }, other = one;
    double cubes[TRIALS][2], cube[2];
    struct value v[2];

    (void)state;
    start(&one, 2, 100, 7);
    for (int64_t t = 0; t < TRIALS; t++) {
        ask(&one, t, cubes[t]);
        if (t % 3 != 2)
            continue;
        for (int64_t k = t; k > t - 3; k--) { /* three at a time, the last ends first */
            if (k >= TRIALS - 2)
                continue;
            space_values(&one.space, cubes[k], v);
            if (k == 31)
                tell_of(one.algorithm, one.ctx, k, cubes[k], TRIAL_FAILED, 0);
            else
                tell(&one, k, cubes[k], branin(v));
        }
    }
    start(&other, 2, 100, 7);
    for (int64_t k = 0; k < TRIALS; k++) {
        space_values(&other.space, cubes[k], v);
        tell_of(other.algorithm, other.ctx, k, cubes[k],
                              k >= TRIALS - 2 ? TRIAL_PENDING : k == 31 ? TRIAL_FAILED : TRIAL_DONE, branin(v));
    }
    ask(&one, TRIALS, cubes[0]);
    ask(&other, TRIALS, cube);
    assert_memory_equal(cube, cubes[0], sizeof cube);
    end(&one);
    end(&other);
}

/* A few of each kind: by chance, by region, and values that diverge. */
static void tell_with_trouble(struct run *r, int64_t t, const double *cube)
{
    struct value v[2];

    space_values(&r->space, cube, v);
    if (t % 6 == 2 || cube[0] > 0.9)
        tell_of(r->algorithm, r->ctx, t, cube, TRIAL_FAILED, NAN);
    else
        tell(r, t, cube, t % 9 == 4 ? pow(10, 3 + (double)(t % 8)) : branin(v));
}

/* Five under way; whichever chance picks ends next, but trial 3 long after all that came with it. */
static void a_restart_goes_on_where_trials_went_wrong(void **state)
{
    enum { TRIALS = 45, PARALLEL = 5 };
    struct run one = { .dims = { real(-5, 10), real(0, 15) } };
    int64_t under_way[PARALLEL];
    double cubes[TRIALS][2];
    bool ended[TRIALS] = {0};

    (void)state;
    start(&one, 2, 100, 7);
    for (int64_t t = 0; t < TRIALS; t++) {
        struct run other = { .dims = { real(-5, 10), real(0, 15) } };
        double cube[2];
        int at = t < PARALLEL ? (int)t : (int)(rng_uniform(9, (uint64_t)t, 0, 0) * PARALLEL);

        if (t >= PARALLEL && under_way[at] == 3 && t < 20)
            at = (at + 1) % PARALLEL;
        if (t >= PARALLEL) {
            tell_with_trouble(&one, under_way[at], cubes[under_way[at]]);
            ended[under_way[at]] = true;
        }
        under_way[at] = t;
        ask(&one, t, cubes[t]);
        start(&other, 2, 100, 7);
        for (int64_t k = 0; k < t; k++) {
            if (ended[k])
                tell_with_trouble(&other, k, cubes[k]);
            else
                tell_of(other.algorithm, other.ctx, k, cubes[k], TRIAL_PENDING, NAN);
        }
        ask(&other, t, cube);
        assert_memory_equal(cube, cubes[t], sizeof cube);
        end(&other);
    }
    end(&one);
}

static void trials_under_way_are_kept_away_from(void **state)
{
    struct run r = { .dims = { real(-5, 10), real(0, 15) } };
    double a[2], b[2];

    (void)state;
    start(&r, 2, 100, 3);
    minimise(&r, 0, 20, branin);
    ask(&r, 20, a);
    ask(&r, 21, b);
    assert_true(hypot(a[0] - b[0], a[1] - b[1]) > 1e-3);
    end(&r);
}

static void a_space_of_few_points_is_not_searched_for_ever(void **state)
{
    struct run few = { .dims = { whole(1, 2), choice(letters, 3) } }, one = { .dims = { whole(4, 4) } };
    struct run grid = { .dims = { whole(1, 5), choice(letters, 3) } };
    double cube[2];
    bool seen[15] = {0};
    int n_seen = 0;

    (void)state;
    start(&few, 2, -1, 1);
    start(&one, 1, -1, 1);
    start(&grid, 2, -1, 1);
    minimise(&few, 0, 60, flat);
    minimise(&one, 0, 60, flat);
    for (int64_t t = 0; t < 15; t++) {
        int at;

        ask(&grid, t, cube);
        tell(&grid, t, cube, 1);
        at = (int)(cube[0] * 5) * 3 + (int)(cube[1] * 3);
        n_seen += !seen[at];
        seen[at] = true;
    }
    assert_int_equal(n_seen, 15);
    end(&few);
    end(&one);
    end(&grid);
}

static void bad_outcomes_are_survived(void **state)
{
    static const double values[] = { NAN, HUGE_VAL, -HUGE_VAL, 1e308, -1e308, 0, 0, 1e-300 };
    struct run odd = { .dims = { real(0, 1), real(0, 1) } }, failing = odd, constant = odd, twice = odd;
    double cube[2];

    (void)state;
    start(&odd, 2, 100, 1);
    start(&failing, 2, 100, 1);
    start(&constant, 2, 100, 1);
    start(&twice, 2, 100, 1);
    for (int64_t t = 0; t < 40; t++) {
        ask(&odd, t, cube);
        tell(&odd, t, cube, values[t % 8]);
        ask(&failing, t, cube);
        tell_of(failing.algorithm, failing.ctx, t, cube, TRIAL_FAILED, NAN);
        ask(&twice, t, cube);
        tell(&twice, t, cube, cube[0]);
        tell(&twice, t, cube, -9);
        tell(&twice, -1 - t, (double[]){ 0.5, 0.5 }, 1);
    }
    assert_true(minimise(&constant, 0, 40, flat) == 5);
    end(&odd);
    end(&failing);
    end(&constant);
    end(&twice);
}

static double first_coordinate(const struct value *v) { return v[0].real; }

/* A sphere of three parameters, of which some trials go wrong: NaN fails. */
static double best_with_trouble(double (*trouble)(int64_t trial, const double *cube, double y))
{
    struct run r = { .dims = { real(0, 1), real(0, 1), real(0, 1) } };
    double cube[DIMS_MAX], best = HUGE_VAL;

    start(&r, 3, 50, 1);
    for (int64_t t = 0; t < 50; t++) {
        double y, told;

        ask(&r, t, cube);
        y = pow(cube[0] - 0.47, 2) + pow(cube[1] - 0.29, 2) + pow(cube[2] - 0.72, 2);
        told = trouble(t, cube, y);
        if (told == y)
            best = fmin(best, y);
        tell_of(r.algorithm, r.ctx, t, cube, isnan(told) ? TRIAL_FAILED : TRIAL_DONE, told);
    }
    end(&r);
    return best;
}

static double diverges_once(int64_t t, const double *cube, double y) { return (void)cube, t == 3 ? 1e12 : y; }
static double is_a_penalty(int64_t t, const double *cube, double y) { return (void)t, (void)cube, y > 0.15 ? 1e6 : y; }
static double fails_by_chance(int64_t t, const double *cube, double y) { return (void)cube, t * 7 % 20 < 6 ? NAN : y; }
static double fails_beyond(int64_t t, const double *cube, double y) { return (void)t, cube[0] > 0.55 ? NAN : y; }

static void trials_that_go_wrong_do_not_hide_the_optimum(void **state)
{
    (void)state;
    assert_true(best_with_trouble(diverges_once) < 1e-3);
    assert_true(best_with_trouble(is_a_penalty) < 1e-3);
    assert_true(best_with_trouble(fails_by_chance) < 2e-3);
    assert_true(best_with_trouble(fails_beyond) < 1e-3);
}

static void hundreds_of_parameters_have_one_length(void **state)
{
    struct run r = {0};

    (void)state;
    for (int i = 0; i < DIMS_MAX; i++)
        r.dims[i] = i % 3 == 2 ? choice(letters, 3) : real(0, 1);
    start(&r, DIMS_MAX, 100, 1);
    minimise(&r, 0, 20, first_coordinate);
    end(&r);
}

static void it_ends_after_its_trials(void **state)
{
    struct run r = { .dims = { real(0, 1) } };
    struct err err = {0};
    double cube[1];

    (void)state;
    start(&r, 1, 12, 1);
    minimise(&r, 0, 12, flat);
    assert_int_equal(ask_for(r.algorithm, r.ctx, 12, cube, &err), 0);
    assert_int_equal(r.algorithm->planned(r.ctx), 12);
    end(&r);
}

static void parameters_out_of_their_range_are_refused_by_name(void **state)
{
    static const struct { struct algo_param param; const char *field; } cases[] = {
        { { "InitPoints", "0" }, "algoDef.algoParams.InitPoints" },
        { { "initpoints", "many" }, "algoDef.algoParams.InitPoints" },
        { { "CubeSize", "99" }, "algoDef.algoParams.CubeSize" },
        { { "CubeSize", "-5" }, "algoDef.algoParams.CubeSize" },
        { { "Noiseless", "perhaps" }, "algoDef.algoParams.Noiseless" },
        { { "RandomSeed", "x" }, "algoDef.algoParams.RandomSeed" },
        { { "Noiseless", "FALSE" }, NULL },
        { { "CubeSize", "100" }, NULL },
        { { "Unknown", "x" }, NULL },
    };
    struct dimension dim = real(0, 1);
    const struct space space = { &dim, 1 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct algo_param param = cases[i].param;
        const struct list params = { &param, 1 };
        const struct algorithm_setup setup = { .space = &space, .params = &params, .max_trials = 100, .parallel = 1 };
        struct err err = {0};
        struct algorithm_ctx *a = bayesian_algorithm.make(&setup, &err);

        assert_int_equal(a == NULL, cases[i].field != NULL);
        if (a)
            bayesian_algorithm.free(a);
        else
            assert_string_equal(err.field, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optima_are_found_where_random_points_are_far_off),
        cmocka_unit_test(whole_numbers_and_choices_are_found_exactly),
        cmocka_unit_test(an_optimum_that_is_known_is_left_for_what_is_not),
        cmocka_unit_test(a_restart_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_restart_goes_on_where_trials_went_wrong),
        cmocka_unit_test(trials_under_way_are_kept_away_from),
        cmocka_unit_test(a_space_of_few_points_is_not_searched_for_ever),
        cmocka_unit_test(bad_outcomes_are_survived),
        cmocka_unit_test(trials_that_go_wrong_do_not_hide_the_optimum),
        cmocka_unit_test(hundreds_of_parameters_have_one_length),
        cmocka_unit_test(it_ends_after_its_trials),
        cmocka_unit_test(parameters_out_of_their_range_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
