// SPDX-License-Identifier: Apache-2.0
#include "asking.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/algorithm.h"
#include "search/methods/parzen.h"
#include "search/methods/rng.h"
#include "search/methods/sobol.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DIMS = 4 };

/* A real parameter, one of five whole numbers, one of three words, a fixed one. */
static struct dimension dims[DIMS] = {
    { .name = "x", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
    { .name = "k", .type = PARAM_RANGE, .data = PARAM_INT, .lo = 0, .hi = 4, .from = 0, .to = 4, .n_values = 5 },
    { .name = "a", .type = PARAM_DISCRETE, .data = PARAM_STR, .n_values = 3 },
    { .name = "f", .type = PARAM_FIX, .data = PARAM_STR, .n_values = 1 },
};
static const struct space space = { dims, DIMS }, countable = { dims + 1, DIMS - 1 }, fixed = { dims + 3, 1 };

static const double points[4][3] = { { 0.1, 0, 2 }, { 0.3, 4, 2 }, { 0.25, 1, 0 }, { 0.97, 1, 1 } };
static const double *const rows[] = { points[0], points[1], points[2], points[3] };
static const double weights[] = { 4, 3, 2, 1 };

static double cdf(double z) { return 0.5 * (1 + erf(z / sqrt(2))); }

/* The width that the header comment of tpe.c states, with the mixed-in half point. */
static double obvious_sigma(int axis, double width)
{
    double mean = 0.25, square = 0.5 / 3;

    for (int k = 0; k < 4; k++) {
        double u = axis == 0 ? points[k][0] : (points[k][1] + 0.5) / 5;

        mean += u;
        square += u * u;
    }
    mean /= 4.5;
    square /= 4.5;
    return width * sqrt(square - mean * mean) / pow(5, 0.25);
}

/* One kernel's density (or mass) at x, straight from the definition. */
static double obvious_kernel(int axis, double centre, double x, double width)
{
    double sigma, u;

    if (axis == 2)
        return (0.2 + (x == centre)) / (1 + 3 * 0.2);
    sigma = obvious_sigma(axis, width);
    if (axis == 0)
        return exp(-0.5 * pow((x - centre) / sigma, 2)) / (sigma * sqrt(2 * M_PI)) /
               (cdf((1 - centre) / sigma) - cdf(-centre / sigma));
    u = (centre + 0.5) / 5;
    return (cdf(((x + 1) / 5 - u) / sigma) - cdf((x / 5 - u) / sigma)) / (cdf((1 - u) / sigma) - cdf(-u / sigma));
}

static double obvious_density(enum parzen_form form, const double *x, double width)
{
    static const double prior[] = { 1, 1.0 / 5, 1.0 / 3 };
    double joint = 0.2 / 15, separate = 1;

    for (int k = 0; k < 4; k++) {
        double product = weights[k] / 10 * 0.8;

        for (int i = 0; i < 3; i++)
            product *= obvious_kernel(i, points[k][i], x[i], width);
        joint += product;
    }
    for (int i = 0; i < 3; i++) {
        double sum = 0.2 * prior[i];

        for (int k = 0; k < 4; k++)
            sum += weights[k] / 10 * 0.8 * obvious_kernel(i, points[k][i], x[i], width);
        separate *= sum;
    }
    return form == PARZEN_JOINT ? joint : separate;
}

static struct parzen fit(struct axis *axes, double width, struct mem *mem)
{
    struct parzen p;

    assert_int_equal(axes_of(&space, axes), 3);
    parzen_fit(axes, 3, rows, weights, 4, width, mem, &p);
    return p;
}

/* The point is in one lane; the others have another. */
static double log_density(const struct parzen *p, enum parzen_form form, const double *x)
{
    double lanes[3 * PARZEN_LANES] = {0}, scratch[4 * PARZEN_LANES], logs[PARZEN_LANES];

    for (int i = 0; i < 3; i++)
        lanes[i * PARZEN_LANES + 2] = x[i];
    parzen_log_densities(p, form, lanes, scratch, logs);
    return logs[2];
}

static void a_density_is_what_its_definition_says(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    static const double widths[] = { 1, 0.7 };
    struct axis axes[DIMS];

    (void)state;
    for (int w = 0; w < 2; w++) {
        struct parzen p = fit(axes, widths[w], mem);

        for (int i = 0; i < 15 * 20; i++) {
            const double x[] = { (i / 15 + 0.5) / 20, i % 5, i / 5 % 3 };

            for (enum parzen_form form = PARZEN_JOINT; form <= PARZEN_SEPARATE; form++) {
                double want = log(obvious_density(form, x, widths[w]));

                assert_true(fabs(log_density(&p, form, x) - want) < 1e-6);
            }
        }
    }
}

/* So many that the product of what is left of the kernels, and that of the densities, would vanish. */
static void a_density_of_many_parameters_is_what_its_definition_says(void **state)
{
    enum { MANY = 2000 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct dimension many[MANY];
    struct axis axes[MANY];
    double *rows_of_many[2], *x = mem_alloc(mem, MANY * PARZEN_LANES * sizeof *x), scratch[2 * PARZEN_LANES];
    double logs[PARZEN_LANES], want[2][3] = { { log(1.0 / 3), log(1.0 / 3), log(1.0 / 3) } };
    struct parzen p;

    (void)state;
    for (int k = 0; k < 2; k++)
        rows_of_many[k] = mem_alloc(mem, MANY * sizeof *rows_of_many[k]);
    for (int i = 0; i < MANY; i++) {
        many[i] = dims[0];
        rows_of_many[0][i] = 0.001 * (i % 7);
        rows_of_many[1][i] = 0.001 * (i % 5);
        x[i * PARZEN_LANES] = 0.001 * (i % 3);
    }
    assert_int_equal(axes_of(&(struct space){ many, MANY }, axes), MANY);
    parzen_fit(axes, MANY, (const double *const *)rows_of_many, (const double[]){ 1, 1 }, 2, 1, mem, &p);
    for (int i = 0; i < MANY; i++) {
        double on[2];

        for (int k = 0; k < 2; k++) {
            double u = rows_of_many[k][i], sigma = p.sigma[i];

            on[k] = exp(-0.5 * pow((x[i * PARZEN_LANES] - u) / sigma, 2)) / (sigma * sqrt(2 * M_PI)) /
                    (cdf((1 - u) / sigma) - cdf(-u / sigma));
            want[0][k] += log(on[k]);
        }
        want[1][0] += log((on[0] + on[1] + 1) / 3);
    }
    parzen_log_densities(&p, PARZEN_JOINT, x, scratch, logs);
    want[0][0] += log1p(exp(want[0][1] - want[0][0]) + exp(want[0][2] - want[0][0]));
    assert_true(fabs(logs[0] - want[0][0]) < 1e-3);
    parzen_log_densities(&p, PARZEN_SEPARATE, x, scratch, logs);
    assert_true(fabs(logs[0] - want[1][0]) < 1e-3);
}

static void normal_numbers_have_the_normal_distribution(void **state)
{
    (void)state;
    for (int i = 1; i < 10000; i++)
        assert_true(fabs(cdf(rng_normal(i / 1e4)) - i / 1e4) < 1e-6);
    assert_true(fabs(rng_normal(1e-9) + 5.9978070) < 1e-5);
    assert_true(fabs(rng_normal(0)) < 7 && fabs(rng_normal(1)) < 7);
}

static void a_density_sums_to_one(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct axis axes[DIMS];
    struct parzen p = fit(axes, 1, mem);
    double sums[2] = {0};

    (void)state;
    for (int i = 0; i < 15 * 1000; i++) {
        const double x[] = { (i / 15 + 0.5) / 1000, i % 5, i / 5 % 3 };

        for (enum parzen_form form = PARZEN_JOINT; form <= PARZEN_SEPARATE; form++)
            sums[form] += exp(log_density(&p, form, x)) / 1000;
    }
    assert_true(fabs(sums[0] - 1) < 1e-4 && fabs(sums[1] - 1) < 1e-4);
}

static void samples_follow_the_density(void **state)
{
    enum { DRAWN = 40000 };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct axis axes[DIMS];
    struct parzen p = fit(axes, 1, mem);
    double x[3];

    (void)state;
    for (enum parzen_form form = PARZEN_JOINT; form <= PARZEN_SEPARATE; form++) {
        struct draws d = { .seed = 3, .stream = 1 };
        double got[15] = {0};

        for (int i = 0; i < DRAWN; i++) {
            d.trial = (uint64_t)i;
            d.next = 0;
            parzen_sample(&p, form, &d, x);
            assert_true(x[0] >= 0 && x[0] < 1);
            got[(int)x[1] + 5 * (int)x[2]]++;
        }
        for (int c = 0; c < 15; c++) {
            double want = 0;

            for (int i = 0; i < 200; i++) {
                const double at[] = { (i + 0.5) / 200, c % 5, c / 5 };

                want += exp(log_density(&p, form, at)) / 200;
            }
            assert_true(fabs(got[c] / DRAWN - want) < 5 * sqrt(want / DRAWN) + 1e-4);
        }
    }
}

/* --- the algorithm --- */

static struct algorithm_ctx *new_tpe(const struct space *s, const char *name, const char *value, bool maximize,
                                     struct err *err)
{
    const struct algo_param param = { name, value };
    const struct list params = { (void *)&param, name ? 1 : 0 };
    const struct algorithm_setup setup = { .space = s, .params = &params, .max_trials = -1, .parallel = 1,
                                           .maximize = maximize, .seed = 4 };

    return tpe_algorithm.make(&setup, err);
}

static double loss_at(const double *x) { return pow(x[0] - 0.37, 2) + pow(x[1] - 0.7, 2) + (x[2] < 1.0 / 3 ? 0 : 0.2); }

/* The best loss of 60 trials, `parallel` at a time. */
static double search(bool maximize, int parallel)
{
    enum { N = 60 };
    struct err err = {0};
    struct algorithm_ctx *a = new_tpe(&space, NULL, NULL, maximize, &err);
    double x[N][DIMS] = {0}, best = INFINITY;

    for (int64_t t = 0, ended = 1 - parallel; t < N; t++, ended++) {
        assert_int_equal(ask_for(&tpe_algorithm, a, t, x[t], &err), 1);
        if (ended < 0)
            continue;
        tell_of(&tpe_algorithm, a, ended, x[ended], TRIAL_DONE, maximize ? -loss_at(x[ended]) : loss_at(x[ended]));
        best = fmin(best, loss_at(x[ended]));
    }
    tpe_algorithm.free(a);
    return best;
}

static void a_bowl_is_found_in_both_directions(void **state)
{
    (void)state;
    assert_true(search(false, 1) < 0.01);
    assert_true(search(true, 1) == search(false, 1));
}

static void a_bowl_is_found_by_four_at_a_time(void **state)
{
    (void)state;
    assert_true(search(false, 4) < 0.01);
    assert_true(search(false, 12) < 0.02);
}

/* Until then points are those of the Sobol sequence, however many are under way. */
static void the_model_waits_for_trials_to_end(void **state)
{
    struct err err = {0};
    struct algorithm_ctx *a = new_tpe(&space, "WarmUp", "5", false, &err);
    double x[DIMS] = {0}, first[DIMS] = {0};

    (void)state;
    for (int64_t t = 0; t < 30; t++) {
        ask_for(&tpe_algorithm, a, t, x, &err);
        assert_true(x[0] == sobol_uniform(4, (uint64_t)t, 0));
        if (t < 4)
            tell_of(&tpe_algorithm, a, t, x, TRIAL_DONE, loss_at(x));
        if (t == 4)
            memcpy(first, x, sizeof x);
    }
    tell_of(&tpe_algorithm, a, 4, first, TRIAL_DONE, loss_at(first));
    ask_for(&tpe_algorithm, a, 30, x, &err);
    assert_true(x[0] != sobol_uniform(4, 30, 0));
    tpe_algorithm.free(a);
}

/* Outcomes told in any order, or told anew after a restart, lead to the same suggestion. */
static void a_restart_suggests_what_would_have_been_suggested(void **state)
{
    enum { N = 40 };
    struct err err = {0};
    struct algorithm_ctx *a = new_tpe(&space, NULL, NULL, false, &err), *b = new_tpe(&space, NULL, NULL, false, &err);
    double x[N + 1][DIMS] = {0}, again[DIMS] = {0};

    (void)state;
    for (int64_t t = 0; t < N; t++) {
        ask_for(&tpe_algorithm, a, t, x[t], &err);
        if (t >= 3) /* three are always under way */
            tell_of(&tpe_algorithm, a, t - 3, x[t - 3], t % 7 ? TRIAL_DONE : TRIAL_FAILED,
                    t % 7 ? loss_at(x[t - 3]) : NAN);
    }
    for (int64_t t = N - 1; t >= 0; t--) {
        bool done = t + 3 < N, fine = (t + 3) % 7;

        tell_of(&tpe_algorithm, b, t, x[t], !done ? TRIAL_PENDING : fine ? TRIAL_DONE : TRIAL_FAILED,
                fine ? loss_at(x[t]) : NAN);
    }
    ask_for(&tpe_algorithm, a, N, x[N], &err);
    ask_for(&tpe_algorithm, b, N, again, &err);
    assert_memory_equal(x[N], again, sizeof again);
    tpe_algorithm.free(a);
    tpe_algorithm.free(b);
}

static void what_is_under_way_is_avoided(void **state)
{
    struct err err = {0};
    struct algorithm_ctx *a = new_tpe(&countable, NULL, NULL, false, &err);
    bool seen[15] = {0};
    double x[DIMS] = {0};

    (void)state;
    for (int64_t t = 0; t < 12; t++) {
        ask_for(&tpe_algorithm, a, t, x, &err);
        if (t < 8)
            tell_of(&tpe_algorithm, a, t, x, TRIAL_DONE, x[0]);
        else
            assert_false(seen[(int)(x[0] * 5) * 3 + (int)(x[1] * 3)]);
        seen[(int)(x[0] * 5) * 3 + (int)(x[1] * 3)] = true;
    }
    tpe_algorithm.free(a);
}

static void nothing_useful_to_learn_from_is_no_trouble(void **state)
{
    static const struct { enum trial_state state; double value; } cases[] = {
        { TRIAL_FAILED, NAN }, { TRIAL_DONE, 1 }, { TRIAL_DONE, NAN }, { TRIAL_DONE, INFINITY }, { TRIAL_DONE, 1e308 },
        { TRIAL_DONE, -1e308 },
    };
    const struct space *spaces[] = { &space, &countable, &fixed };

    (void)state;
    for (size_t s = 0; s < ARRAY_LEN(spaces); s++) {
        for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
            struct err err = {0};
            struct algorithm_ctx *a = new_tpe(spaces[s], NULL, NULL, false, &err);
            double x[DIMS] = {0};

            for (int64_t t = 0; t < 40; t++) {
                assert_int_equal(ask_for(&tpe_algorithm, a, t, x, &err), 1);
                for (int i = 0; i < spaces[s]->n_dims; i++)
                    assert_true(x[i] >= 0 && x[i] < 1);
                tell_of(&tpe_algorithm, a, t, x, cases[c].state, cases[c].value);
            }
            tpe_algorithm.free(a);
        }
    }
}

static void parameters_are_checked_by_name(void **state)
{
    static const struct { const char *name, *value; } bad[] = {
        { "WarmUp", "2" }, { "WarmUp", "many" }, { "EICandidate", "1" }, { "GoodRatio", "0" }, { "GoodRatio", "-1" },
        { "GoodMax", "1" }, { "RandomSeed", "x" },
    }, good[] = {
        { "warmup", "3" }, { "EICandidate", "2" }, { "GoodRatio", "7" }, { "GoodMax", "2" }, { "Unknown", "x" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        char field[64];

        snprintf(field, sizeof field, "algoDef.algoParams.%s", bad[i].name);
        assert_null(new_tpe(&space, bad[i].name, bad[i].value, false, &err));
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, field);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err err = {0};
        struct algorithm_ctx *a = new_tpe(&space, good[i].name, good[i].value, false, &err);

        assert_non_null(a);
        tpe_algorithm.free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_density_is_what_its_definition_says),
        cmocka_unit_test(a_density_of_many_parameters_is_what_its_definition_says),
        cmocka_unit_test(a_density_sums_to_one),
        cmocka_unit_test(normal_numbers_have_the_normal_distribution),
        cmocka_unit_test(samples_follow_the_density),
        cmocka_unit_test(a_bowl_is_found_in_both_directions),
        cmocka_unit_test(a_bowl_is_found_by_four_at_a_time),
        cmocka_unit_test(the_model_waits_for_trials_to_end),
        cmocka_unit_test(a_restart_suggests_what_would_have_been_suggested),
        cmocka_unit_test(what_is_under_way_is_avoided),
        cmocka_unit_test(nothing_useful_to_learn_from_is_no_trouble),
        cmocka_unit_test(parameters_are_checked_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
