// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/local.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool parse(const char *text, struct report *ret)
{
    static char copy[1024];

    strcpy(copy, text);
    return record_parse(copy, ret);
}

static void a_whole_record_is_read(void **state)
{
    struct report r;

    (void)state;
    assert_true(parse("code=-1\nsignal=9\nstopped=1\nreason=it was = too long\nstarted_ms=5\nended_ms=6\n", &r));
    assert_int_equal(r.kind, REPORT_ENDED);
    assert_int_equal(r.exit_code, -1);
    assert_int_equal(r.signal, 9);
    assert_true(r.stopped);
    assert_string_equal(r.reason, "it was = too long");
    assert_int_equal(r.started_ms, 5);
    assert_int_equal(r.ended_ms, 6);
    assert_true(parse("code=0\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n", &r));
    assert_null(r.reason);
}

static void what_is_cut_off_or_wrong_is_no_record(void **state)
{
    static const char *const texts[] = {
        "", "\n", "code=0", "code=0\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6",
        "code=0\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\n",
        "code=\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n",
        "code=256\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n",
        "code=0x\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n",
        "code=0\nsignal=0\nstopped=2\nreason=\nstarted_ms=5\nended_ms=6\n",
        "code=0\nsignal=0\nstopped=0\nreason=\nstarted_ms=-5\nended_ms=6\n",
        "signal=0\ncode=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n",
        "code:0\nsignal=0\nstopped=0\nreason=\nstarted_ms=5\nended_ms=6\n",
    };
    struct report r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(parse(texts[i], &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_record_is_read),
        cmocka_unit_test(what_is_cut_off_or_wrong_is_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
