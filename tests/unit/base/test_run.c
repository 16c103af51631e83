// SPDX-License-Identifier: Apache-2.0
#include "base/run.h"

#include "base/cleanup.h"
#include "base/err.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct run_call shell(const char *script)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", "A=b", NULL };
    static const char *argv[4] = { "/bin/sh", "-c", NULL, NULL };

    argv[2] = script;
    return (struct run_call){ .argv = argv, .env = env, .cwd = "/", .limit_ms = 60000, .output_max = 1000 };
}

static void both_streams_and_the_end_are_told(void **state)
{
    CLEANUP(run_result_done) struct run_result r = {0};
    struct run_call call = shell("echo $A; pwd; echo no >&2; exit 3");
    struct err err = {0};

    (void)state;
    assert_int_equal(run_program(&call, &r, &err), 0);
    assert_string_equal(r.out.data, "b\n/\n");
    assert_string_equal(r.err.data, "no\n");
    assert_int_equal(WEXITSTATUS(r.status), 3);
    assert_false(r.timed_out || r.cut);
}

static void what_takes_too_long_is_killed_with_its_children(void **state)
{
    CLEANUP(run_result_done) struct run_result r = {0};
    struct run_call call = shell("sleep 600 & sleep 600");
    struct err err = {0};

    (void)state;
    call.limit_ms = 50;
    assert_int_equal(run_program(&call, &r, &err), 0);
    assert_true(r.timed_out);
    assert_true(WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGKILL);
}

static void what_is_too_long_is_cut(void **state)
{
    CLEANUP(run_result_done) struct run_result r = {0};
    struct run_call call = shell("head -c 100000 /dev/zero | tr '\\0' x");
    struct err err = {0};

    (void)state;
    assert_int_equal(run_program(&call, &r, &err), 0);
    assert_int_equal(r.out.len, 1000);
    assert_true(r.cut);
}

static void what_cannot_be_started_is_named(void **state)
{
    static const char *const argv[] = { "/no/such/program", NULL };
    CLEANUP(run_result_done) struct run_result r = {0};
    struct run_call call = shell("");
    struct err err = {0};

    (void)state;
    call.argv = argv;
    assert_int_equal(run_program(&call, &r, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "/no/such/program"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_streams_and_the_end_are_told),
        cmocka_unit_test(what_takes_too_long_is_killed_with_its_children),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(what_cannot_be_started_is_named),
    };

    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
