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
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3 };

static struct algorithm_ctx *new_random(uint64_t seed, int64_t max_trials)
{
    static const struct space space = { .n_dims = N };
    const struct list none = {0};
    const struct algorithm_setup setup = { .space = &space, .params = &none, .max_trials = max_trials,
                                           .parallel = 1, .seed = seed };
    struct err err = {0};

    return random_algorithm.make(&setup, &err);
}

/* Vectors published with the generator (kat_vectors of Random123, philox4x32 10). */
static void the_generator_gives_its_published_numbers(void **state)
{
    static const struct { uint32_t in[4], key[2], out[4]; } cases[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t c[4];

        memcpy(c, cases[i].in, sizeof c);
        rng_philox(c, cases[i].key[0], cases[i].key[1]);
        assert_memory_equal(c, cases[i].out, sizeof c);
    }
}

static void uniform_numbers_fill_the_interval_evenly(void **state)
{
    enum { DRAWS = 100000, BINS = 20 };
    int bins[BINS] = {0};
    double sum = 0;

    (void)state;
    for (uint64_t t = 0; t < DRAWS; t++) {
        double u = rng_uniform(42, t, 0, 0);

        assert_true(u >= 0 && u < 1);
        bins[(int)(u * BINS)]++;
        sum += u;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 0.005);       /* five standard errors */
    for (int i = 0; i < BINS; i++)
        assert_true(abs(bins[i] - DRAWS / BINS) < 350);     /* five standard deviations of a bin */
}

static void neighbouring_seeds_trials_and_dimensions_differ(void **state)
{
    double u = rng_uniform(7, 7, 7, 0);

    (void)state;
    assert_true(u != rng_uniform(8, 7, 7, 0));
    assert_true(u != rng_uniform(7, 8, 7, 0));
    assert_true(u != rng_uniform(7, 7, 8, 0));
    assert_true(u != rng_uniform(7, 7, 7, 1));
}

static void one_seed_gives_one_sequence_whatever_was_asked_before(void **state)
{
    struct algorithm_ctx *a = new_random(9, 100), *b = new_random(9, 100), *other = new_random(10, 100);
    struct err err = {0};
    double x[N], y[N], z[N];

    (void)state;
    for (int64_t t = 0; t < 50; t++)
        assert_int_equal(ask_for(&random_algorithm, a, t, x, &err), 1);
    assert_int_equal(ask_for(&random_algorithm, b, 49, y, &err), 1);
    assert_int_equal(ask_for(&random_algorithm, other, 49, z, &err), 1);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, z, sizeof x);
    random_algorithm.free(a);
    random_algorithm.free(b);
    random_algorithm.free(other);
}

static void random_ends_after_its_trials_unless_unlimited(void **state)
{
    struct algorithm_ctx *few = new_random(1, 2), *endless = new_random(1, -1);
    struct err err = {0};
    double x[N];

    (void)state;
    assert_int_equal(ask_for(&random_algorithm, few, 1, x, &err), 1);
    assert_int_equal(ask_for(&random_algorithm, few, 2, x, &err), 0);
    assert_int_equal(random_algorithm.planned(few), 2);
    assert_int_equal(ask_for(&random_algorithm, endless, INT64_MAX, x, &err), 1);
    assert_int_equal(random_algorithm.planned(endless), -1);
    random_algorithm.free(few);
    random_algorithm.free(endless);
}

static void a_grid_is_as_long_as_its_list_or_the_limit(void **state)
{
    static const struct { int64_t listed, max, want; } cases[] = { { 3, -1, 3 }, { 3, 2, 2 }, { 3, 9, 3 } };
    static const struct space none = {0};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct algorithm_setup setup = { .space = &none, .n_listed = cases[i].listed, .max_trials = cases[i].max };
        struct algorithm_ctx *a = grid_algorithm.make(&setup, &err);

        assert_int_equal(grid_algorithm.planned(a), cases[i].want);
        assert_int_equal(ask_for(&grid_algorithm, a, cases[i].want - 1, NULL, &err), 1);
        assert_int_equal(ask_for(&grid_algorithm, a, cases[i].want, NULL, &err), 0);
        grid_algorithm.free(a);
    }
}

static void names_are_found_in_any_case_and_listed_in_the_documented_order(void **state)
{
    static const char *const order[] = { "Random", "TPE", "Bayesian", "Hyperband", "ExperimentGridSearch", "Sobol", "CmaEs",
                                         "Asha", "Bohb", "Auto" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_string_equal(algorithms[i]->name, order[i]);
    assert_null(algorithms[ARRAY_LEN(order)]);
    assert_ptr_equal(algorithm_find("rAnDoM"), &random_algorithm);
    assert_ptr_equal(algorithm_find("Tpe"), &tpe_algorithm);
    assert_null(algorithm_find("Annealing"));
    assert_null(algorithm_find(""));
}

static void each_has_every_slot(void **state)
{
    (void)state;
    for (int i = 0; algorithms[i]; i++)
        assert_true(algorithms[i]->make && algorithms[i]->ask && algorithms[i]->planned && algorithms[i]->free);
}

static void parameters_are_read_in_any_case_and_checked(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct algo_param params[] = { { "unknown", "x" }, { "randomseed", "42" } };
    const struct list list = { params, 2 }, empty = {0};
    struct seed_params seed;
    struct err err = {0};

    (void)state;
    assert_int_equal(algorithm_params(seed_fields, &list, &seed, mem, &err), 0);
    assert_int_equal(seed.seed, 42);
    assert_int_equal(algorithm_params(seed_fields, &empty, &seed, mem, &err), 0);
    assert_int_equal(seed.seed, INT_UNSET);
    params[1].value = "soon";
    assert_int_equal(algorithm_params(seed_fields, &list, &seed, mem, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_string_equal(err.field, "algoDef.algoParams.RandomSeed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_gives_its_published_numbers),
        cmocka_unit_test(uniform_numbers_fill_the_interval_evenly),
        cmocka_unit_test(neighbouring_seeds_trials_and_dimensions_differ),
        cmocka_unit_test(one_seed_gives_one_sequence_whatever_was_asked_before),
        cmocka_unit_test(random_ends_after_its_trials_unless_unlimited),
        cmocka_unit_test(a_grid_is_as_long_as_its_list_or_the_limit),
        cmocka_unit_test(names_are_found_in_any_case_and_listed_in_the_documented_order),
        cmocka_unit_test(each_has_every_slot),
        cmocka_unit_test(parameters_are_read_in_any_case_and_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
