// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/content.h"

#include "base/err.h"
#include "base/mem.h"
#include "datasets/builder/report.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

enum { RECORDS_MAX = 40000 };

/* Records with the number of their content. */
struct records {
    int n, contents[RECORDS_MAX];
    enum split splits[RECORDS_MAX];
    int64_t numbers[RECORDS_MAX];       /* within the part */
};

static char folder[] = "/tmp/trainyard-content-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);               /* which fails when something was left in it */
}

static struct fingerprint fingerprint(int content)
{
    return content_fingerprint((const uint8_t *)&content, sizeof content);
}

static void add_record(struct records *r, int content, enum split split)
{
    int64_t number = 0;

    for (int i = r->n; i-- > 0 && number == 0;)
        if (r->splits[i] == split)
            number = r->numbers[i] + 1;
    r->contents[r->n] = content;
    r->splits[r->n] = split;
    r->numbers[r->n++] = number;
}

static const char *name(void *arg, enum split split, int64_t number, struct mem *mem)
{
    (void)arg;
    return mem_printf(mem, "%s %" PRId64, split_names[split], number);
}

static struct report tell(const struct records *records, size_t n_kept, struct mem *mem)
{
    CLEANUP(contents_freep) struct contents *c = contents_new(folder, n_kept);
    struct err err = {0};
    struct report r;

    report_init(&r, mem);
    for (int i = 0; i < records->n; i++)
        assert_int_equal(contents_add(c, records->splits[i], records->numbers[i], fingerprint(records->contents[i]), &err), 0);
    assert_int_equal(contents_report(c, &r, name, NULL, &err), 0);
    return r;
}

/* The slow way: for each record, whether one of its content stands before it. */
static void count(const struct records *r, int64_t *ret_between, int64_t *ret_same)
{
    for (int i = 0; i < r->n; i++) {
        int first = i;

        for (int k = 0; k < r->n; k++)
            if (r->contents[k] == r->contents[i] &&
                (r->splits[k] < r->splits[first] || (r->splits[k] == r->splits[first] && r->numbers[k] < r->numbers[first])))
                first = k;
        *ret_between += r->splits[first] != r->splits[i];
        *ret_same += first != i && r->splits[first] == r->splits[i];
    }
}

static void records_of_the_same_content_are_paired_with_the_first_one(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct records *records = mem_alloc(mem, sizeof *records);
    struct report r;

    (void)state;
    add_record(records, 7, SPLIT_TEST);         /* that it comes first does not make it the first */
    add_record(records, 7, SPLIT_TRAIN);
    add_record(records, 8, SPLIT_TRAIN);
    add_record(records, 7, SPLIT_TRAIN);
    add_record(records, 7, SPLIT_VAL);
    r = tell(records, CONTENTS_KEPT, mem);
    assert_string_equal(r.duplicates.data, "{\"a\":\"train 0\",\"b\":\"val 0\"},{\"a\":\"train 0\",\"b\":\"test 0\"}");
    assert_int_equal(r.n_duplicates, 2);
    assert_int_equal(r.n_same_split, 1);
    report_done(&r);
}

static void nothing_has_no_duplicates(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct records *records = mem_alloc(mem, sizeof *records);
    struct report r = tell(records, CONTENTS_KEPT, mem);

    (void)state;
    assert_int_equal(r.n_duplicates + r.n_same_split, 0);
}

/* In memory, in runs that are merged at once, and in more runs than that. */
static void what_is_told_does_not_depend_on_how_many_are_kept(void **state)
{
    static const int sizes[] = { 127, 128, 129, 256, 3000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct records *records = mem_alloc(mem, sizeof *records);
        struct report kept, spilled;
        int64_t between = 0, same = 0;
        uint32_t random = 1;

        for (int k = 0; k < sizes[i]; k++) {
            random = random * 1664525 + 1013904223;
            add_record(records, (int)(random >> 8) % (sizes[i] * 2), (int)(random >> 24) % N_SPLITS);
        }
        count(records, &between, &same);
        kept = tell(records, CONTENTS_KEPT, mem);
        spilled = tell(records, CONTENTS_FAN, mem);
        assert_int_equal(kept.n_duplicates, between);
        assert_int_equal(kept.n_same_split, same);
        assert_int_equal(spilled.n_duplicates, between);
        assert_int_equal(spilled.n_same_split, same);
        assert_string_equal(spilled.duplicates.data, kept.duplicates.data);
        report_done(&kept);
        report_done(&spilled);
    }
}

static void more_runs_than_are_merged_at_a_time_are_merged_twice(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct records *records = mem_alloc(mem, sizeof *records);
    struct report r;

    (void)state;
    assert_true(RECORDS_MAX > 2 * CONTENTS_FAN * CONTENTS_FAN);
    for (int i = 0; i < RECORDS_MAX; i++)
        add_record(records, i % (RECORDS_MAX / 2), i < RECORDS_MAX / 2 ? SPLIT_TRAIN : SPLIT_TEST);
    r = tell(records, CONTENTS_FAN, mem);
    assert_int_equal(r.n_duplicates, RECORDS_MAX / 2);
    assert_int_equal(r.n_same_split, 0);
    report_done(&r);
}

static void records_that_are_all_the_same_need_no_more_memory(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct records *records = mem_alloc(mem, sizeof *records);
    struct report r;

    (void)state;
    for (int i = 0; i < RECORDS_MAX; i++)
        add_record(records, 1, i % 10 ? SPLIT_TRAIN : SPLIT_VAL);
    r = tell(records, CONTENTS_FAN, mem);
    assert_int_equal(r.n_duplicates, RECORDS_MAX / 10);
    assert_int_equal(r.n_same_split, RECORDS_MAX - RECORDS_MAX / 10 - 1);
    assert_non_null(strstr(r.duplicates.data, "{\"a\":\"train 0\",\"b\":\"val 999\"}"));
    assert_null(strstr(r.duplicates.data, "val 1000\""));
    report_done(&r);
}

static void the_highest_number_is_kept_and_a_higher_one_refused(void **state)
{
    CLEANUP(contents_freep) struct contents *c = contents_new(folder, CONTENTS_KEPT);
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct report r;

    (void)state;
    report_init(&r, mem);
    assert_int_equal(contents_add(c, SPLIT_TRAIN, CONTENTS_NUMBER_MAX, fingerprint(1), &err), 0);
    assert_int_equal(contents_add(c, SPLIT_TEST, 0, fingerprint(1), &err), 0);
    assert_int_equal(contents_add(c, SPLIT_TRAIN, CONTENTS_NUMBER_MAX + 1, fingerprint(1), &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_int_equal(contents_report(c, &r, name, NULL, &err), 0);
    assert_string_equal(r.duplicates.data, "{\"a\":\"train 274877906943\",\"b\":\"test 0\"}");
    report_done(&r);
}

static void a_file_that_cannot_grow_is_a_sentence(void **state)
{
    CLEANUP(contents_freep) struct contents *c = contents_new(folder, CONTENTS_FAN);
    const struct rlimit before = { RLIM_INFINITY, RLIM_INFINITY }, little = { 4096, RLIM_INFINITY };
    struct err err = {0};
    int n = 0, result = 0;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &little);
    while (result == 0 && n < 1000)
        result = contents_add(c, SPLIT_TRAIN, n, fingerprint(n), &err), n++;
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(n, 3 * CONTENTS_FAN + 1);
    assert_int_equal(result, -1);
    assert_non_null(strstr(err.text, folder));
    assert_non_null(strstr(err.text, strerror(EFBIG)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_the_same_content_are_paired_with_the_first_one),
        cmocka_unit_test(nothing_has_no_duplicates),
        cmocka_unit_test(what_is_told_does_not_depend_on_how_many_are_kept),
        cmocka_unit_test(more_runs_than_are_merged_at_a_time_are_merged_twice),
        cmocka_unit_test(records_that_are_all_the_same_need_no_more_memory),
        cmocka_unit_test(the_highest_number_is_kept_and_a_higher_one_refused),
        cmocka_unit_test(a_file_that_cannot_grow_is_a_sentence),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
