// SPDX-License-Identifier: Apache-2.0
/* Hyperband, Asha and Bohb as a search sees them. */
#include "base/cleanup.h"
#include "base/err.h"
#include "search/algorithm.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { DIMS = 2, TRIALS = 300, KINDS = 3 };

static const struct algorithm *const all[KINDS] = { &hyperband_algorithm, &asha_algorithm, &bohb_algorithm };

static struct dimension dims[DIMS] = {
    { .name = "x", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
    { .name = "y", .type = PARAM_RANGE, .data = PARAM_DOUBLE, .lo = 0, .hi = 1, .from = 0, .to = 1 },
};
static const struct space space = { dims, DIMS };

struct run {
    const struct algorithm *algorithm;
    struct algorithm_ctx *ctx;
    struct { double cube[DIMS]; int64_t resource, parent; bool ended; } trials[TRIALS];
    int64_t n;
};

static struct algorithm_ctx *make_with(const struct algorithm *algorithm, const char *eta, double hyperband_eta,
                                       int64_t max_trials, struct err *err)
{
    struct algo_param params[] = { { "ResourceName", "epochs" }, { "ResourceValue", "27" }, { "Eta", eta } };
    const struct list list = { params, eta ? 3 : 2 };
    const struct algorithm_setup setup = { .space = &space, .params = &list, .max_trials = max_trials, .parallel = 4,
                                           .eta = hyperband_eta, .seed = 3 };

    return algorithm->make(&setup, err);
}

static struct run *make(const struct algorithm *algorithm, int64_t max_trials)
{
    static struct run runs[2];
    static int next;
    struct run *r = &runs[next++ % 2];
    struct err err = {0};

    *r = (struct run){ .algorithm = algorithm, .ctx = make_with(algorithm, NULL, NAN, max_trials, &err) };
    assert_non_null(r->ctx);
    return r;
}

static enum ask_result ask(struct run *r)
{
    struct suggestion s = { .cube = r->trials[r->n].cube, .resource = INT_UNSET, .parent = INT_UNSET };
    struct err err = {0};
    enum ask_result result = r->algorithm->ask(r->ctx, r->n, &s, &err);

    if (result != ASK_POINT)
        return result;
    r->trials[r->n].resource = s.resource;
    r->trials[r->n].parent = s.parent;
    r->n++;
    return result;
}

static double loss_of(const struct run *r, int64_t t)
{
    return r->trials[t].cube[0] + 0.3 / (double)r->trials[t].resource;
}

static void tell(struct run *r, int64_t t, enum trial_state state)
{
    algorithm_tell(r->algorithm, r->ctx,
                   &(struct outcome){ .trial = t, .cube = r->trials[t].cube, .resource = r->trials[t].resource,
                                      .parent = r->trials[t].parent, .state = state, .objective = loss_of(r, t) });
    r->trials[t].ended = state != TRIAL_PENDING;
}

static void promotions_run_the_same_point_with_more(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct run *r = make(all[i], 200);
        int promoted = 0;

        while (ask(r) == ASK_POINT) {
            int64_t t = r->n - 1, parent = r->trials[t].parent;

            assert_true(r->trials[t].resource >= 1 && r->trials[t].resource <= 27);
            if (parent != INT_UNSET) {
                promoted++;
                assert_memory_equal(r->trials[t].cube, r->trials[parent].cube, sizeof r->trials[t].cube);
                assert_int_equal(r->trials[t].resource, 3 * r->trials[parent].resource);
            }
            tell(r, t, TRIAL_DONE);
        }
        assert_int_equal(r->n, 200);
        assert_true(promoted > 50);
        r->algorithm->free(r->ctx);
    }
}

static void hyperband_ends_after_one_pass_unless_told_how_many(void **state)
{
    struct run *r = make(&hyperband_algorithm, -1);

    (void)state;
    assert_int_equal(hyperband_algorithm.planned(r->ctx), 40 + 17 + 8 + 4);
    while (ask(r) == ASK_POINT)
        tell(r, r->n - 1, TRIAL_DONE);
    assert_int_equal(r->n, 69);
    r->algorithm->free(r->ctx);
}

/* The rule of the paper, written out: of the n trials that ended in a rung, the best floor(n / eta). */
static int64_t obvious_promotion(const struct run *r)
{
    for (int64_t resource = 9; resource >= 1; resource /= 3) {
        int64_t ended = 0, best = -1;

        for (int64_t t = 0; t < r->n; t++)
            ended += r->trials[t].ended && r->trials[t].resource == resource;
        for (int64_t t = 0; t < r->n; t++) {
            int64_t better = 0;
            bool promoted = false;

            for (int64_t k = 0; k < r->n; k++) {
                bool peer = r->trials[k].ended && r->trials[k].resource == resource;

                promoted |= r->trials[k].parent == t;
                better += peer && (loss_of(r, k) < loss_of(r, t) || (loss_of(r, k) == loss_of(r, t) && k < t));
            }
            if (r->trials[t].ended && r->trials[t].resource == resource && !promoted && better < ended / 3 &&
                (best < 0 || loss_of(r, t) < loss_of(r, best)))
                best = t;
        }
        if (best >= 0)
            return best;
    }
    return INT_UNSET;
}

static void asha_promotes_what_the_paper_says(void **state)
{
    struct run *r = make(&asha_algorithm, -1);

    (void)state;
    while (r->n < TRIALS) {
        int64_t want = obvious_promotion(r), late = r->n - 1 - r->n % 5;

        assert_int_equal(ask(r), ASK_POINT);
        assert_int_equal(r->trials[r->n - 1].parent, want);
        if (late >= 0 && !r->trials[late].ended)
            tell(r, late, TRIAL_DONE);
        else if (r->n > 8 && !r->trials[r->n - 8].ended)
            tell(r, r->n - 8, TRIAL_DONE);
    }
    r->algorithm->free(r->ctx);
}

/* Four under way, ending in any order: told anew in the order of their numbers, the next trials are the same. */
static void a_restart_suggests_what_would_have_been_suggested(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct run *r = make(all[seed % KINDS], -1), *again = make(all[seed % KINDS], -1);
        int64_t running = 0, n = 15 + (int64_t)seed;

        for (uint64_t step = 0; r->n < n; step++) {
            if (running < 4 && ask(r) == ASK_POINT)
                running++;
            for (int64_t t = 0; t < r->n; t++) {
                if (r->trials[t].ended || rng_uniform(seed, step, (uint32_t)t, 0) < 0.6)
                    continue;
                tell(r, t, t % 8 == 7 ? TRIAL_FAILED : TRIAL_DONE);
                running--;
            }
        }
        memcpy(again->trials, r->trials, sizeof r->trials);
        again->n = r->n;
        for (int64_t t = 0; t < r->n; t++)
            tell(again, t, !r->trials[t].ended ? TRIAL_PENDING : t % 8 == 7 ? TRIAL_FAILED : TRIAL_DONE);
        for (int i = 0; i < 10; i++) {
            enum ask_result result = ask(r);

            assert_int_equal(ask(again), result);
            if (result != ASK_POINT)
                break;
            assert_memory_equal(again->trials[r->n - 1].cube, r->trials[r->n - 1].cube, sizeof r->trials[0].cube);
            assert_int_equal(again->trials[r->n - 1].resource, r->trials[r->n - 1].resource);
        }
        r->algorithm->free(r->ctx);
        again->algorithm->free(again->ctx);
    }
}

static double mean_of_new_points(const struct algorithm *algorithm)
{
    struct run *r = make(algorithm, 280);
    double sum = 0;
    int n = 0;

    while (ask(r) == ASK_POINT) {
        if (r->trials[r->n - 1].parent == INT_UNSET && r->n > 60) {
            sum += r->trials[r->n - 1].cube[0];
            n++;
        }
        tell(r, r->n - 1, TRIAL_DONE);
    }
    r->algorithm->free(r->ctx);
    return sum / n;
}

static void bohb_learns_where_to_begin(void **state)
{
    (void)state;
    assert_true(mean_of_new_points(&bohb_algorithm) < mean_of_new_points(&hyperband_algorithm) - 0.1);
}

static void bohb_uses_results_from_elsewhere(void **state)
{
    struct run *r = make(&bohb_algorithm, -1);
    double sum = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        const double cube[DIMS] = { i / 20.0, (i * 7 % 20) / 20.0 };

        algorithm_tell(&bohb_algorithm, r->ctx,
                       &(struct outcome){ .trial = -1 - i, .cube = cube, .resource = INT_UNSET, .parent = INT_UNSET,
                                          .state = TRIAL_DONE, .objective = cube[0] });
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(r), ASK_POINT);
        sum += r->trials[i].cube[0] / 20;
    }
    assert_true(sum < 0.4);
    r->algorithm->free(r->ctx);
}

static void eta_comes_from_either_place_and_is_checked(void **state)
{
    struct err err = {0};
    struct algorithm_ctx *a = make_with(&hyperband_algorithm, NULL, 9, -1, &err);

    (void)state;
    assert_non_null(a);
    assert_int_equal(hyperband_algorithm.planned(a), 9 + 1 + 2); /* resources 3 and 27, then 27 */
    hyperband_algorithm.free(a);
    assert_null(make_with(&hyperband_algorithm, "1.2", NAN, -1, &err));
    assert_string_equal(err.field, "algoDef.algoParams.eta");
    assert_null(make_with(&hyperband_algorithm, NULL, 1, -1, &err));
    assert_string_equal(err.field, "algoDef.hyperbandEta");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promotions_run_the_same_point_with_more),
        cmocka_unit_test(hyperband_ends_after_one_pass_unless_told_how_many),
        cmocka_unit_test(asha_promotes_what_the_paper_says),
        cmocka_unit_test(a_restart_suggests_what_would_have_been_suggested),
        cmocka_unit_test(bohb_learns_where_to_begin),
        cmocka_unit_test(bohb_uses_results_from_elsewhere),
        cmocka_unit_test(eta_comes_from_either_place_and_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
