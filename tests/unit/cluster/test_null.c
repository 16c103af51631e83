// SPDX-License-Identifier: Apache-2.0
#include "cluster/null/null.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "cluster/backend.h"

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The test drives the back end from callbacks of the loop, which is where the engine calls it. */
struct fixture {
    struct loop *loop;
    struct backend_ctx *b;
    sem_t reported;
    struct report last[8];
    int n;
    struct err err;
};

static void keep_report(void *arg, const struct report *report)
{
    struct fixture *f = arg;

    f->last[f->n++] = *report;
    sem_post(&f->reported);
}

static void open_it(void *arg)
{
    struct fixture *f = arg;

    f->b = null_backend.open(f->loop, NULL, keep_report, f, &f->err);
}

static void close_it(void *arg) { null_backend.close(((struct fixture *)arg)->b); }

static struct fixture *set_up(void)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    sem_init(&f->reported, 0, 0);
    f->loop = loop_new(&f->err);
    assert_non_null(f->loop);
    assert_int_equal(loop_start(f->loop, "engine", &f->err), 0);
    loop_post(f->loop, open_it, f);
    return f;
}

static void tear_down(struct fixture *f)
{
    loop_post(f->loop, close_it, f);
    loop_stop(f->loop);
    loop_free(f->loop);
    sem_destroy(&f->reported);
    free(f);
}

static void start_a(void *arg)
{
    struct fixture *f = arg;
    struct launch launch = { .exec_id = "a" };

    if (null_backend.start(f->b, &launch, &f->err) < 0)
        sem_post(&f->reported);
}

static void stop_a(void *arg)
{
    struct fixture *f = arg;

    null_backend.stop(f->b, "a", 100, &f->err);
}

static void adopt_a(void *arg)
{
    struct fixture *f = arg;

    null_backend.adopt(f->b, "a", "/nowhere", &f->err);
}

static void without_a_script_a_task_runs_until_it_is_ended(void **state)
{
    struct fixture *f = set_up();
    int before = null_n_started();

    (void)state;
    loop_post(f->loop, start_a, f);
    sem_wait(&f->reported);
    assert_int_equal(f->last[0].kind, REPORT_STARTED);
    null_end("a", 3);
    sem_wait(&f->reported);
    assert_int_equal(f->last[1].kind, REPORT_ENDED);
    assert_int_equal(f->last[1].exit_code, 3);
    assert_int_equal(null_n_started(), before + 1);
    tear_down(f);
}

static void the_script_says_how_tasks_end(void **state)
{
    static const struct null_step steps[] = {
        { NULL_ENDS, 7, "because" }, { NULL_IS_LOST, 0, "gone" }, { NULL_CANNOT_START, 0, NULL },
    };
    struct fixture *f = set_up();

    (void)state;
    null_script(steps, 3);
    for (int i = 0; i < 2; i++) {
        loop_post(f->loop, start_a, f);
        sem_wait(&f->reported);
        sem_wait(&f->reported);
    }
    assert_int_equal(f->last[1].exit_code, 7);
    assert_string_equal(f->last[1].reason, "because");
    assert_int_equal(f->last[3].kind, REPORT_LOST);
    loop_post(f->loop, start_a, f);
    sem_wait(&f->reported);
    assert_int_equal(f->n, 4);
    assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
    tear_down(f);
}

static void a_stop_ends_what_runs(void **state)
{
    struct fixture *f = set_up();

    (void)state;
    null_script(NULL, 0);
    loop_post(f->loop, start_a, f);
    loop_post(f->loop, stop_a, f);
    sem_wait(&f->reported);
    sem_wait(&f->reported);
    assert_true(f->last[1].stopped);
    assert_int_equal(f->last[1].signal, SIGTERM);
    tear_down(f);
}

static void an_adopted_task_can_be_one_that_never_started(void **state)
{
    static const struct null_step steps[] = { { NULL_NEVER_STARTED, 0, NULL } };
    struct fixture *f = set_up();

    (void)state;
    null_script(steps, 1);
    loop_post(f->loop, adopt_a, f);
    sem_wait(&f->reported);
    assert_int_equal(f->last[0].kind, REPORT_NEVER_STARTED);
    tear_down(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_script_a_task_runs_until_it_is_ended),
        cmocka_unit_test(the_script_says_how_tasks_end),
        cmocka_unit_test(a_stop_ends_what_runs),
        cmocka_unit_test(an_adopted_task_can_be_one_that_never_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
