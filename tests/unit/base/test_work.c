// SPDX-License-Identifier: Apache-2.0
#include "base/work.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { N_JOBS = 1000 };

static struct {
    int order[N_JOBS];
    atomic_int n;
} ran;

static void note(void *arg) { ran.order[atomic_fetch_add(&ran.n, 1)] = (int)(intptr_t)arg; }

static void one_thread_runs_jobs_in_the_order_they_came(void **state)
{
    struct err err = {0};
    struct work *work = work_start(1, &err);

    (void)state;
    assert_non_null(work);
    ran.n = 0;
    for (intptr_t i = 0; i < N_JOBS; i++)
        work_add(work, note, (void *)i);
    work_stop(work);
    assert_int_equal(ran.n, N_JOBS);
    for (int i = 0; i < N_JOBS; i++)
        assert_int_equal(ran.order[i], i);
}

static void stopping_finishes_what_was_given_to_any_thread(void **state)
{
    struct err err = {0};
    struct work *work = work_start(4, &err);

    (void)state;
    assert_non_null(work);
    ran.n = 0;
    for (intptr_t i = 0; i < N_JOBS; i++)
        work_add(work, note, (void *)i);
    work_stop(work);
    assert_int_equal(ran.n, N_JOBS);
}

struct pair {
    struct work *work;
    pthread_barrier_t barrier;
};

static void meet(void *arg) { pthread_barrier_wait(&((struct pair *)arg)->barrier); }

static void two_threads_run_two_jobs_at_once(void **state)
{
    struct err err = {0};
    struct pair pair = { .work = work_start(2, &err) };

    (void)state;
    assert_non_null(pair.work);
    pthread_barrier_init(&pair.barrier, NULL, 2);
    work_add(pair.work, meet, &pair);
    work_add(pair.work, meet, &pair);       /* would hang for ever on one thread */
    work_stop(pair.work);
    pthread_barrier_destroy(&pair.barrier);
}

static void add_another(void *arg)
{
    work_add(arg, note, (void *)7);
    ran.order[atomic_fetch_add(&ran.n, 1)] = 6;
}

static void a_job_may_add_a_job(void **state)
{
    struct err err = {0};
    struct work *work = work_start(1, &err);

    (void)state;
    assert_non_null(work);
    ran.n = 0;
    work_add(work, add_another, work);
    work_stop(work);
    assert_int_equal(ran.n, 2);
    assert_int_equal(ran.order[1], 7);
}

static void stopping_nothing_is_fine(void **state)
{
    (void)state;
    work_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_runs_jobs_in_the_order_they_came),
        cmocka_unit_test(stopping_finishes_what_was_given_to_any_thread),
        cmocka_unit_test(two_threads_run_two_jobs_at_once),
        cmocka_unit_test(a_job_may_add_a_job),
        cmocka_unit_test(stopping_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
