// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/shares.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { N = 1000, CLASSES = 7 };

static void make_labels(int32_t labels[N])
{
    for (int i = 0; i < N; i++)
        labels[i] = i * i % 31 % CLASSES;
}

static void count(const int32_t *labels, const uint8_t *splits, int counts[CLASSES][N_SPLITS])
{
    memset(counts, 0, CLASSES * sizeof *counts);
    for (int i = 0; i < N; i++)
        counts[labels[i]][splits[i]]++;
}

static void hold_out_rounds_the_shares_of_each_class(void **state)
{
    const struct shares s = { .rule = SHARE_HOLD_OUT, .val_percentage = 15, .test_percentage = 25, .seed = 3 };
    int counts[CLASSES][N_SPLITS];
    int32_t labels[N];
    uint8_t splits[N];

    (void)state;
    make_labels(labels);
    shares_assign(&s, labels, N, CLASSES, splits);
    count(labels, splits, counts);
    for (int c = 0; c < CLASSES; c++) {
        int n = counts[c][0] + counts[c][1] + counts[c][2];

        assert_int_equal(counts[c][SPLIT_VAL], (n * 15 + 50) / 100);
        assert_int_equal(counts[c][SPLIT_TEST], (n * 25 + 50) / 100);
    }
}

static void stratified_shares_are_exact_and_no_class_is_off_by_more_than_one(void **state)
{
    const struct shares s = { .rule = SHARE_STRATIFIED, .val_percentage = 13, .test_percentage = 9, .seed = 3 };
    int counts[CLASSES][N_SPLITS], val = 0, test = 0;
    int32_t labels[N];
    uint8_t splits[N];

    (void)state;
    make_labels(labels);
    shares_assign(&s, labels, N, CLASSES, splits);
    count(labels, splits, counts);
    for (int c = 0; c < CLASSES; c++) {
        int n = counts[c][0] + counts[c][1] + counts[c][2];

        assert_in_range(counts[c][SPLIT_VAL], n * 13 / 100, n * 13 / 100 + 1);
        assert_in_range(counts[c][SPLIT_TEST], n * 9 / 100, n * 9 / 100 + 1);
        val += counts[c][SPLIT_VAL];
        test += counts[c][SPLIT_TEST];
    }
    assert_int_equal(val, 130);
    assert_int_equal(test, 90);
}

static void sequential_shares_are_runs(void **state)
{
    const struct shares s = { .rule = SHARE_SEQUENTIAL, .val_percentage = 20, .test_percentage = 10, .seed = 3 };
    uint8_t splits[10];
    static const uint8_t expected[10] = { 0, 0, 0, 0, 0, 0, 0, 1, 1, 2 };

    (void)state;
    shares_assign(&s, NULL, 10, 1, splits);
    assert_memory_equal(splits, expected, 10);
}

static void a_seed_decides(void **state)
{
    struct shares s = { .rule = SHARE_RANDOM, .val_percentage = 20, .test_percentage = 10, .seed = 3 };
    uint8_t one[N], again[N], other[N];

    (void)state;
    shares_assign(&s, NULL, N, 1, one);
    shares_assign(&s, NULL, N, 1, again);
    s.seed = 4;
    shares_assign(&s, NULL, N, 1, other);
    assert_memory_equal(one, again, N);
    assert_memory_not_equal(one, other, N);
}

static void a_shuffle_keeps_every_number_once_and_is_fair(void **state)
{
    int first[4] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint32_t items[4] = { 0, 1, 2, 3 };

        shares_shuffle(seed, items, 4);
        assert_int_equal((1u << items[0]) | (1u << items[1]) | (1u << items[2]) | (1u << items[3]), 15);
        first[items[0]]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(first[i], 900, 1100);
}

static void words_are_those_of_the_api(void **state)
{
    (void)state;
    assert_int_equal(share_rule_of("hold-out"), SHARE_HOLD_OUT);
    assert_int_equal(share_rule_of("stratified"), SHARE_STRATIFIED);
    assert_int_equal(share_rule_of("random"), SHARE_RANDOM);
    assert_int_equal(share_rule_of("sequential"), SHARE_SEQUENTIAL);
    assert_int_equal(share_rule_of("other"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_out_rounds_the_shares_of_each_class),
        cmocka_unit_test(stratified_shares_are_exact_and_no_class_is_off_by_more_than_one),
        cmocka_unit_test(sequential_shares_are_runs),
        cmocka_unit_test(a_seed_decides),
        cmocka_unit_test(a_shuffle_keeps_every_number_once_and_is_fair),
        cmocka_unit_test(words_are_those_of_the_api),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
