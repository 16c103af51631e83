// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/dealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct dealing dealing_of(const char *split, int64_t val, int64_t test, int64_t seed)
{
    struct orders o = { .seed = seed, .image = { .split = split, .val_percentage = val, .test_percentage = test } };
    struct dealing d;

    dealing_init(&d, &o);
    return d;
}

/* The parts of n records as letters. */
static void deal(struct dealing d, int n, char *out)
{
    struct share s = dealing_share(&d, n);

    for (int i = 0; i < n; i++)
        out[i] = "tvs"[dealing_next(&d, &s)];
    out[n] = '\0';
}

static int count(const char *s, char c)
{
    int n = 0;

    for (; *s; s++)
        n += *s == c;
    return n;
}

static void parts_have_exactly_their_percentages(void **state)
{
    char out[1001];

    (void)state;
    for (int64_t seed = 0; seed < 20; seed++) {
        deal(dealing_of("random", 10, 25, seed), 1000, out);
        assert_int_equal(count(out, 'v'), 100);
        assert_int_equal(count(out, 's'), 250);
    }
    deal(dealing_of("random", 50, 50, 1), 1, out);
    assert_string_equal(out, "v");
    deal(dealing_of("random", 0, 100, 1), 3, out);
    assert_string_equal(out, "sss");
}

static void records_are_dealt_evenly_over_the_data(void **state)
{
    int first_half = 0;
    char out[1001];

    (void)state;
    for (int64_t seed = 0; seed < 100; seed++) {
        deal(dealing_of("random", 0, 50, seed), 1000, out);
        out[500] = '\0';
        first_half += count(out, 's');
    }
    assert_in_range(first_half, 24500, 25500);      /* 25,000 and 4.5 standard deviations */
}

static void one_seed_gives_one_outcome(void **state)
{
    char a[101], b[101];

    (void)state;
    deal(dealing_of("random", 20, 20, 7), 100, a);
    deal(dealing_of("random", 20, 20, 7), 100, b);
    assert_string_equal(a, b);
    deal(dealing_of("random", 20, 20, 8), 100, b);
    assert_string_not_equal(a, b);
}

static void sequential_parts_follow_each_other(void **state)
{
    char out[11];

    (void)state;
    deal(dealing_of("sequential", 20, 30, 1), 10, out);
    assert_string_equal(out, "tttttvvsss");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_exactly_their_percentages),
        cmocka_unit_test(records_are_dealt_evenly_over_the_data),
        cmocka_unit_test(one_seed_gives_one_outcome),
        cmocka_unit_test(sequential_parts_follow_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
