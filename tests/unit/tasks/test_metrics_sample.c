// SPDX-License-Identifier: Apache-2.0
#include "tasks/metrics_sample.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct kept {
    int64_t n[20000];
    double value[20000];
    int count;
};

static void keep(void *arg, const struct metric_row *row)
{
    struct kept *k = arg;

    k->n[k->count] = row->n;
    k->value[k->count++] = row->value;
}

/* A flat series of `total` points with one spike. */
static void sample(int64_t total, int64_t wanted, int64_t spike, struct kept *ret)
{
    struct sampler s;

    ret->count = 0;
    sampler_start(&s, total, wanted, keep, ret);
    for (int64_t i = 0; i < total; i++)
        sampler_add(&s, &(struct metric_row){ .n = i, .value = i == spike ? 100 : (double)(i % 10) });
}

static void few_points_are_all_kept(void **state)
{
    static struct kept k;

    (void)state;
    for (int64_t total = 0; total <= 10; total++) {
        sample(total, 10, -1, &k);
        assert_int_equal(k.count, total);
    }
}

static void no_more_than_wanted_come_back_in_order_with_both_ends(void **state)
{
    static struct kept k;

    (void)state;
    for (int64_t total = 5; total < 3000; total += 97) {
        for (int64_t wanted = 4; wanted < total; wanted += 31) {
            sample(total, wanted, -1, &k);
            assert_in_range(k.count, 2, wanted);
            assert_int_equal(k.n[0], 0);
            assert_int_equal(k.n[k.count - 1], total - 1);
            for (int i = 1; i < k.count; i++)
                assert_true(k.n[i] > k.n[i - 1]);
        }
    }
}

static void no_spike_is_lost(void **state)
{
    static struct kept k;

    (void)state;
    for (int64_t spike = 0; spike < 1000; spike++) {
        double highest = 0;

        sample(1000, 20, spike, &k);
        for (int i = 0; i < k.count; i++)
            highest = k.value[i] > highest ? k.value[i] : highest;
        assert_true(highest == 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_points_are_all_kept),
        cmocka_unit_test(no_more_than_wanted_come_back_in_order_with_both_ends),
        cmocka_unit_test(no_spike_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
