// SPDX-License-Identifier: Apache-2.0
#include "base/warm.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static void an_exit_code_is_a_wait_status(void **state)
{
    char message[32];
    int status;

    (void)state;
    for (int code = 0; code <= 255; code++) {
        snprintf(message, sizeof message, "exit %d", code);
        assert_true(warm_end_parse(message, &status));
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), code);
    }
}

static void a_signal_is_a_wait_status(void **state)
{
    char message[32];
    int status;

    (void)state;
    for (int sig = 1; sig <= 64; sig++) {
        snprintf(message, sizeof message, "signal %d", sig);
        assert_true(warm_end_parse(message, &status));
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), sig);
    }
}

static void no_other_message_is_an_end(void **state)
{
    static const char *const others[] = {
        "", "exit", "exit ", "exit 256", "exit -1", "exit +1", "exit  1", "exit 1 ", "exit 1x", "exit 0x1", "exits 1",
        "signal", "signal 0", "signal 65", "signal -9", "signal 9\n", "ready", "exit 99999999999999999999",
    };
    int status = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(warm_end_parse(others[i], &status));
    assert_int_equal(status, 77);
}

static void a_refusal_has_its_reason_in_plain_characters(void **state)
{
    char message[] = "refused \"a\tb\" \xc3\xa9 c\n";

    (void)state;
    assert_string_equal(warm_refusal(message), "?a?b? ?? c?");
    assert_string_equal(warm_refusal((char[]){ "refused " }), "");
}

static void no_other_message_is_a_refusal(void **state)
{
    (void)state;
    assert_null(warm_refusal((char[]){ "" }));
    assert_null(warm_refusal((char[]){ "refused" }));
    assert_null(warm_refusal((char[]){ "refusedly so" }));
    assert_null(warm_refusal((char[]){ "ready" }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_code_is_a_wait_status),
        cmocka_unit_test(a_signal_is_a_wait_status),
        cmocka_unit_test(no_other_message_is_an_end),
        cmocka_unit_test(a_refusal_has_its_reason_in_plain_characters),
        cmocka_unit_test(no_other_message_is_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
