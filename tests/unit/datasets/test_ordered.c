// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "datasets/builder/ordered.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LARGE = 20 << 20 };      /* bytes that a result claims to hold: two may wait, three not */

struct seen {
    int64_t n_taken, n_wrong, fail_at;
    size_t bytes;               /* of each result */
    atomic_int n_started, n_ended, n_taking, n_slots_done, most_taking;
    atomic_llong n_begun, most_ahead, n_taken_now;
};

static struct seen *all;        /* slot_done() gets nothing else */

static void *start(void *arg)
{
    struct seen *s = arg;

    atomic_fetch_add(&s->n_started, 1);
    return s;
}

static void end(void *arg, void *kept)
{
    struct seen *s = arg;

    assert_ptr_equal(kept, s);
    atomic_fetch_add(&s->n_ended, 1);
}

static void raise_to(atomic_llong *most, long long v)
{
    long long before = atomic_load(most);

    while (v > before && !atomic_compare_exchange_weak(most, &before, v))
        ;
}

/* Some items let the others overtake them. */
static size_t work(void *arg, void *kept, int64_t i, void *slot)
{
    struct seen *s = arg;
    int64_t *result = slot;

    (void)kept;
    raise_to(&s->most_ahead, atomic_fetch_add(&s->n_begun, 1) + 1 - atomic_load(&s->n_taken_now));
    for (int64_t k = 0; k < i % 7 * 3; k++)
        sched_yield();
    *result = i * i;
    return s->bytes;
}

static int take(void *arg, int64_t i, void *slot, struct err *err)
{
    struct seen *s = arg;
    const int64_t *result = slot;

    if (atomic_fetch_add(&s->n_taking, 1) != 0)
        atomic_store(&s->most_taking, 2);
    s->n_wrong += i != s->n_taken++ || *result != i * i;
    atomic_fetch_add(&s->n_taken_now, 1);
    atomic_fetch_sub(&s->n_taking, 1);
    return i == s->fail_at ? err_set(err, ERR_BAD_INPUT, "no more") : 0;
}

static void slot_done(void *slot)
{
    (void)slot;
    atomic_fetch_add(&all->n_slots_done, 1);
}

static int run(struct seen *s, int64_t n, int n_threads, struct err *err)
{
    const struct ordered o = { .n = n, .n_threads = n_threads, .slot_size = sizeof(int64_t), .arg = s, .start = start, .work = work,
                               .take = take, .end = end, .slot_done = slot_done };

    all = s;
    return ordered_run(&o, err);
}

static void results_are_taken_one_at_a_time_and_in_order(void **state)
{
    static const int threads[] = { 1, 2, 5 };
    struct err err = {0};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(threads); k++) {
        struct seen s = { .fail_at = -1, .bytes = 8 };

        assert_int_equal(run(&s, 5000, threads[k], &err), 0);
        assert_int_equal(s.n_taken, 5000);
        assert_int_equal(s.n_wrong, 0);
        assert_int_equal(s.most_taking, 0);
    }
}

static void what_threads_keep_and_slots_hold_is_given_back(void **state)
{
    struct err err = {0};
    struct seen s = { .fail_at = -1, .bytes = 8 };

    (void)state;
    assert_int_equal(run(&s, 100, 3, &err), 0);
    assert_int_equal(s.n_started, 3);
    assert_int_equal(s.n_ended, 3);
    assert_true(s.n_slots_done > 0);
}

static void nothing_is_taken_behind_a_failure(void **state)
{
    struct err err = {0};
    struct seen s = { .fail_at = 40, .bytes = 8 };

    (void)state;
    assert_int_equal(run(&s, 5000, 3, &err), -1);
    assert_int_equal(s.n_taken, 41);
    assert_string_equal(err.text, "no more");
    assert_int_equal(s.n_ended, 3);
}

static void large_results_do_not_pile_up(void **state)
{
    struct err err = {0};
    struct seen s = { .fail_at = -1, .bytes = LARGE };

    (void)state;
    assert_int_equal(run(&s, 300, 4, &err), 0);
    assert_int_equal(s.n_wrong, 0);
    assert_true(s.most_ahead <= 3 + 4);         /* those that wait, and one for each thread */
}

static void no_items_are_no_work(void **state)
{
    struct err err = {0};
    struct seen s = { .fail_at = -1 };

    (void)state;
    assert_int_equal(run(&s, 0, 2, &err), 0);
    assert_int_equal(s.n_taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_taken_one_at_a_time_and_in_order),
        cmocka_unit_test(what_threads_keep_and_slots_hold_is_given_back),
        cmocka_unit_test(nothing_is_taken_behind_a_failure),
        cmocka_unit_test(large_results_do_not_pile_up),
        cmocka_unit_test(no_items_are_no_work),
    };

    return cmocka_run_group_tests_name("datasets-ordered", tests, NULL, NULL);
}
