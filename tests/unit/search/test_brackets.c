// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/field.h"
#include "search/methods/brackets.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS = 400 };

struct story {                  /* what ran, by number of trial */
    struct brackets b;
    int64_t resource[TRIALS], parent[TRIALS];
    double cube[TRIALS];
    bool ended[TRIALS];
    int64_t n;
};

static struct story begin(double eta, int64_t least, int64_t most, bool endless)
{
    struct story s = {0};

    brackets_init(&s.b, eta, least, most, endless, 1);
    return s;
}

static void story_done(struct story *s) { brackets_done(&s->b); }

static enum next_kind next(struct story *s)
{
    struct next n = brackets_next(&s->b);

    if (n.kind == NEXT_END || n.kind == NEXT_LATER)
        return n.kind;
    s->resource[s->n] = n.resource;
    s->parent[s->n] = n.parent ? n.parent->trial : INT_UNSET;
    s->cube[s->n] = n.parent ? n.parent->cube[0] : rng_uniform(5, (uint64_t)s->n, 0, 0);
    brackets_enter(&s->b, s->n, &s->cube[s->n], n.resource, s->parent[s->n]);
    s->n++;
    return n.kind;
}

static void end(struct story *s, int64_t trial, double y)
{
    s->ended[trial] = true;
    brackets_end(&s->b, trial, y);
}

/* One after the other; the value of a point is its coordinate. */
static void run(struct story *s)
{
    while (s->n < TRIALS) {
        enum next_kind kind = next(s);

        if (kind == NEXT_END)
            return;
        assert_int_not_equal(kind, NEXT_LATER);
        end(s, s->n - 1, s->cube[s->n - 1]);
    }
}

static int64_t count(const struct story *s, int64_t from, int64_t to, int64_t resource)
{
    int64_t n = 0;

    for (int64_t t = from; t < to; t++)
        n += s->resource[t] == resource;
    return n;
}

/* Table 1 of the paper, R = 81 and eta = 3, with the n of algorithm 1. */
static void the_plan_is_that_of_the_paper(void **state)
{
    static const struct { int64_t n[5], r[5]; } brackets[] = {
        { { 81, 27, 9, 3, 1 }, { 1, 3, 9, 27, 81 } },
        { { 34, 11, 3, 1 }, { 3, 9, 27, 81 } },
        { { 15, 5, 1 }, { 9, 27, 81 } },
        { { 8, 2 }, { 27, 81 } },
        { { 5 }, { 81 } },
    };
    CLEANUP(story_done) struct story s = begin(3, 1, 81, false);
    int64_t at = 0, planned = 0;

    (void)state;
    run(&s);
    for (int i = 0; i < 5; i++) {
        int64_t n = 0;

        for (int k = 0; k < 5; k++)
            n += brackets[i].n[k];
        for (int k = 0; k < 5 - i; k++)
            assert_int_equal(count(&s, at, at + n, brackets[i].r[k]), brackets[i].n[k]);
        at += n;
        planned += n;
    }
    assert_int_equal(s.n, planned);
    assert_int_equal(brackets_planned(&s.b), planned);
}

/* The obvious successive halving: the points with the smallest values reach the top. */
static void the_best_of_a_rung_go_on(void **state)
{
    enum { BRACKET = 81 + 27 + 9 + 3 + 1 };
    CLEANUP(story_done) struct story s = begin(3, 1, 81, false);

    (void)state;
    run(&s);
    for (int64_t t = 0; t < BRACKET; t++) {
        int64_t better = 0;

        for (int64_t k = 0; k < BRACKET; k++)
            better += s.resource[k] == 1 && s.cube[k] < s.cube[t];
        if (s.resource[t] == 1)
            continue;
        assert_true(better < 81 / s.resource[t]);
        assert_int_equal(s.resource[t], 3 * s.resource[s.parent[t]]);
        assert_true(s.cube[t] == s.cube[s.parent[t]]);
    }
}

static void a_point_goes_on_as_soon_as_nobody_can_push_it_out(void **state)
{
    CLEANUP(story_done) struct story s = begin(3, 1, 9, false); /* 9 points, 3 go on */

    (void)state;
    for (int i = 0; i < 9; i++)
        assert_int_equal(next(&s), NEXT_NEW);
    for (int64_t t = 0; t < 6; t++)
        end(&s, t, (double)(10 + t));
    assert_int_equal(next(&s), NEXT_NEW); /* three are unknown: 0 could end as the fourth */
    assert_int_equal(s.resource[9], 3);   /* so the next bracket begins */
    end(&s, 6, 99);
    assert_int_equal(next(&s), NEXT_PROMOTION);
    assert_int_equal(s.parent[10], 0);
    assert_int_equal(next(&s), NEXT_NEW);
    end(&s, 7, 1);
    end(&s, 8, 2);
    assert_int_equal(next(&s), NEXT_PROMOTION);
    assert_int_equal(s.parent[12], 7);
    assert_int_equal(next(&s), NEXT_PROMOTION);
    assert_int_equal(s.parent[13], 8);
}

static void failed_points_never_go_on(void **state)
{
    CLEANUP(story_done) struct story s = begin(3, 1, 9, false);

    (void)state;
    for (int i = 0; i < 9; i++)
        next(&s);
    for (int64_t t = 0; t < 9; t++)
        end(&s, t, t == 4 ? 7 : NAN);
    assert_int_equal(next(&s), NEXT_PROMOTION);
    assert_int_equal(s.parent[9], 4);
    assert_int_equal(next(&s), NEXT_NEW); /* of the next bracket */
    end(&s, 9, 5);
    assert_int_equal(next(&s), NEXT_PROMOTION); /* the only one of its rung: a third of three is one */
    assert_int_equal(s.parent[11], 9);
    assert_int_equal(s.resource[11], 9);
}

static void everything_failing_comes_to_an_end(void **state)
{
    CLEANUP(story_done) struct story s = begin(3, 1, 27, false);

    (void)state;
    while (next(&s) != NEXT_END)
        end(&s, s.n - 1, NAN);
    assert_int_equal(s.n, 27 + 12 + 6 + 4);
}

static void with_all_slots_waiting_there_is_nothing_now(void **state)
{
    CLEANUP(story_done) struct story s = begin(3, 1, 3, false); /* 3 points and 1, then 2 points */

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(next(&s), NEXT_NEW);
    assert_int_equal(next(&s), NEXT_LATER);
    for (int64_t t = 0; t < 5; t++)
        end(&s, t, (double)t);
    assert_int_equal(next(&s), NEXT_PROMOTION);
    assert_int_equal(next(&s), NEXT_LATER);
    end(&s, 5, 0);
    assert_int_equal(next(&s), NEXT_END);
}

static void endless_brackets_begin_again(void **state)
{
    CLEANUP(story_done) struct story s = begin(3, 1, 3, true);

    (void)state;
    run(&s);
    assert_int_equal(s.n, TRIALS);
    assert_int_equal(count(&s, 0, 12, 1), 6);
    assert_int_equal(count(&s, 0, 12, 3), 6);
}

/* Whatever runs at the same time, a restart in the middle goes on as if nothing had happened. */
static void a_restart_rebuilds_the_rungs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        CLEANUP(story_done) struct story s = begin(3, 1, 27, false);
        CLEANUP(story_done) struct story again = begin(3, 1, 27, false);
        int64_t steps = 20 + (int64_t)seed * 3, running = 0;

        for (int64_t i = 0; i < steps; i++) {
            if (running < 4 && next(&s) < NEXT_LATER)
                running++;
            for (int64_t t = 0; t < s.n && rng_uniform(seed, (uint64_t)i, 1, 0) < 0.7; t++) {
                if (s.ended[t] || rng_uniform(seed, (uint64_t)i, (uint32_t)t, 2) < 0.5)
                    continue;
                end(&s, t, t % 9 == 8 ? NAN : s.cube[t]);
                running--;
                break;
            }
        }
        for (int64_t t = 0; t < s.n; t++) {
            brackets_enter(&again.b, t, &s.cube[t], s.resource[t], s.parent[t]);
            if (s.ended[t])
                brackets_end(&again.b, t, t % 9 == 8 ? NAN : s.cube[t]);
        }
        again.n = s.n;
        for (int i = 0; i < 20; i++) {
            enum next_kind kind = next(&s);

            assert_int_equal(next(&again), kind);
            if (kind == NEXT_END || kind == NEXT_LATER)
                break;
            assert_int_equal(again.parent[s.n - 1], s.parent[s.n - 1]);
            assert_int_equal(again.resource[s.n - 1], s.resource[s.n - 1]);
        }
    }
}

static void resources_are_whole_and_within_their_bounds(void **state)
{
    static const struct { double eta; int64_t least, most; int climbs; int64_t first; } cases[] = {
        { 3, 1, 81, 4, 1 }, { 3, 1, 80, 3, 3 }, { 3, 1, 10, 2, 1 }, { 3, 1, 1, 0, 1 }, { 2, 5, 40, 3, 5 }, { 4, 3, 1000, 4, 4 },
        { 10, 1, 1000, 3, 1 }, { 1.5, 1, 1000000000, 51, 1 }, { 1.5, 1, 8, 5, 1 }, { 1.5, 1, 2, 1, 1 }, { 1.5, 10, 12, 0, 12 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int n = rungs_climbs(cases[i].eta, cases[i].least, cases[i].most) + 1;
        int64_t r[64];

        assert_int_equal(n, cases[i].climbs + 1);
        rungs_resources(n, cases[i].eta, cases[i].least, cases[i].most, r);
        assert_int_equal(r[0], cases[i].first);
        assert_int_equal(r[n - 1], cases[i].most);
        for (int k = 1; k < n; k++)
            assert_true(r[k] > r[k - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_is_that_of_the_paper),
        cmocka_unit_test(the_best_of_a_rung_go_on),
        cmocka_unit_test(a_point_goes_on_as_soon_as_nobody_can_push_it_out),
        cmocka_unit_test(failed_points_never_go_on),
        cmocka_unit_test(everything_failing_comes_to_an_end),
        cmocka_unit_test(with_all_slots_waiting_there_is_nothing_now),
        cmocka_unit_test(endless_brackets_begin_again),
        cmocka_unit_test(a_restart_rebuilds_the_rungs),
        cmocka_unit_test(resources_are_whole_and_within_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
