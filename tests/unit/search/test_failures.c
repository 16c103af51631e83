// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "search/methods/failures.h"
#include "search/methods/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N = 60, D = 2 };

/* Points drawn evenly from a square and a category of three; y is what the caller makes it. */
struct sample {
    struct point *points[N];
    double y[N];
};

static const bool category[D + 1] = { false, false, true };

static void sample_init(struct sample *s)
{
    for (int i = 0; i < N; i++) {
        struct point *p = s->points[i] = xcalloc(1, sizeof *p + (D + 1) * sizeof(double));

        for (int k = 0; k < D; k++)
            p->x[k] = rng_uniform(5, (uint64_t)i, (uint32_t)k, 0);
        p->x[D] = floor(3 * rng_uniform(5, (uint64_t)i, D, 0));
        s->y[i] = p->x[0] + p->x[1];
    }
}

static void sample_done(struct sample *s)
{
    for (int i = 0; i < N; i++)
        free(s->points[i]);
}

static void fill(struct sample *s, double far) { failures_fill(s->points, N, D + 1, category, far, s->y); }

static bool by_chance(int i) { return rng_uniform(6, (uint64_t)i, 0, 0) < 0.3; }

/* The slow way: the nearest of those that `fine` has. */
static int nearest(const struct sample *s, int of, const bool *fine)
{
    double least = HUGE_VAL;
    int found = -1;

    for (int i = 0; i < N; i++) {
        const double *a = s->points[of]->x, *b = s->points[i]->x;
        double far = hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] != b[2]);

        if (fine[i] && far < least) {
            least = far;
            found = i;
        }
    }
    return found;
}

static void what_fails_in_a_region_counts_as_the_worst(void **state)
{
    CLEANUP(sample_done) struct sample s;
    double worst = 0;

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++) {
        if (s.points[i]->x[0] > 0.7)
            s.y[i] = NAN;
        else
            worst = fmax(worst, s.y[i]);
    }
    fill(&s, HUGE_VAL);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] == (s.points[i]->x[0] > 0.7 ? worst : s.points[i]->x[0] + s.points[i]->x[1]));
}

static void what_fails_by_chance_counts_as_its_neighbour(void **state)
{
    CLEANUP(sample_done) struct sample s;
    bool fine[N];

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++) {
        fine[i] = !by_chance(i);
        if (!fine[i])
            s.y[i] = NAN;
    }
    fill(&s, HUGE_VAL);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] == s.y[fine[i] ? i : nearest(&s, i, fine)]);
}

static void a_choice_that_always_fails_is_a_bad_one(void **state)
{
    CLEANUP(sample_done) struct sample s;

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = s.points[i]->x[D] == 1 ? NAN : s.points[i]->x[D];
    fill(&s, HUGE_VAL);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] == (s.points[i]->x[D] == 1 ? 2 : s.points[i]->x[D]));
}

static void what_is_far_by_chance_counts_as_its_neighbour_too(void **state)
{
    CLEANUP(sample_done) struct sample s;

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++)
        if (by_chance(i))
            s.y[i] = 8 + i;
    fill(&s, 8);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] < 2);
}

static void what_is_far_in_a_region_stays_as_it_is(void **state)
{
    CLEANUP(sample_done) struct sample s;

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++)
        if (s.points[i]->x[0] > 0.7)
            s.y[i] = 8 + i;
    fill(&s, 8);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] == (s.points[i]->x[0] > 0.7 ? 8 + i : s.points[i]->x[0] + s.points[i]->x[1]));
}

static void of_a_few_nothing_is_said(void **state)
{
    CLEANUP(sample_done) struct sample s;
    double worst = 0;

    (void)state;
    sample_init(&s);
    for (int i = FAILURES_LEAST - 1; i < N; i++)
        worst = fmax(worst, s.y[i]);
    for (int i = 0; i < FAILURES_LEAST - 1; i++)
        s.y[i] = NAN;
    fill(&s, HUGE_VAL);
    for (int i = 0; i < FAILURES_LEAST - 1; i++)
        assert_true(s.y[i] == worst);
}

static void all_are_0_when_all_failed(void **state)
{
    CLEANUP(sample_done) struct sample s;

    (void)state;
    sample_init(&s);
    for (int i = 0; i < N; i++)
        s.y[i] = NAN;
    fill(&s, HUGE_VAL);
    for (int i = 0; i < N; i++)
        assert_true(s.y[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_in_a_region_counts_as_the_worst),
        cmocka_unit_test(what_fails_by_chance_counts_as_its_neighbour),
        cmocka_unit_test(a_choice_that_always_fails_is_a_bad_one),
        cmocka_unit_test(what_is_far_by_chance_counts_as_its_neighbour_too),
        cmocka_unit_test(what_is_far_in_a_region_stays_as_it_is),
        cmocka_unit_test(of_a_few_nothing_is_said),
        cmocka_unit_test(all_are_0_when_all_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
