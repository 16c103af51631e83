// SPDX-License-Identifier: Apache-2.0
#include "datasets/report.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define REPORT "{\"version\":1,\"ok\":true,\"error\":null,\"bytes\":17,\"labels\":[\"cat\",\"dog\"],\"meanfile\":\"mean.binaryproto\"," \
    "\"splits\":[{\"name\":\"train\",\"path\":\"train_db\",\"files\":[\"a.tfrecords\",\"b.tfrecords\"],\"labels\":[[\"cat\",120],[\"dog\",7]]}," \
    "{\"name\":\"val\",\"path\":\"../outside\",\"files\":[\"x\"]},{\"name\":\"test\",\"path\":\"/data/test\",\"files\":[]}]," \
    "\"broken\":{\"count\":2,\"list\":[{\"path\":\"p\"}]},\"duplicates\":{\"count\":1,\"between\":[{}]}}"

static json_t *summary_of(const char *text, struct mem *mem)
{
    struct report_outcome outcome;
    struct err err = {0};

    assert_int_equal(report_read(text, strlen(text), mem, &outcome, &err), 0);
    return json_loads(outcome.summary, 0, NULL);
}

static void a_report_says_how_it_went(void **state)
{
    static const char bad[] = "{\"ok\":false,\"error\":\"too many broken images\",\"splits\":[]}";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct report_outcome outcome;
    struct err err = {0};

    (void)state;
    assert_int_equal(report_read(REPORT, strlen(REPORT), mem, &outcome, &err), 0);
    assert_true(outcome.ok && !outcome.error);
    assert_int_equal(outcome.bytes, 17);
    assert_int_equal(report_read(bad, strlen(bad), mem, &outcome, &err), 0);
    assert_false(outcome.ok);
    assert_string_equal(outcome.error, "too many broken images");
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const texts[] = { "", "{", "[]", "{\"ok\":1,\"splits\":[]}", "{\"ok\":true}", "{\"ok\":true,\"splits\":{}}" };
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct report_outcome outcome;
        struct err err = {0};

        assert_int_equal(report_read(texts[i], strlen(texts[i]), mem, &outcome, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
    }
}

static void a_summary_keeps_counts_and_drops_lists(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    json_auto_t *summary = summary_of(REPORT, mem);
    const json_t *broken = json_object_get(summary, "broken"), *twice = json_object_get(summary, "duplicates");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(broken, "count")), 2);
    assert_null(json_object_get(broken, "list"));
    assert_int_equal(json_integer_value(json_object_get(twice, "count")), 1);
    assert_null(json_object_get(twice, "between"));
}

static void parts_are_found_where_the_dataset_lies(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    json_auto_t *summary = summary_of(REPORT, mem);
    struct dataset_input input;

    (void)state;
    report_input(summary, "/set", mem, &input);
    assert_string_equal(input.dir, "/set");
    assert_string_equal(input.train, "/set/train_db/a.tfrecords,/set/train_db/b.tfrecords");
    assert_string_equal(input.train_dir, "/set/train_db");
    assert_string_equal(input.test, "/data/test");
    assert_string_equal(input.labels, "/set/labels.txt");
    assert_string_equal(input.mean_file, "/set/mean.binaryproto");
}

static void a_part_that_leads_out_is_left_out(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    json_auto_t *summary = summary_of(REPORT, mem);
    struct dataset_input input;

    (void)state;
    report_input(summary, "/set", mem, &input);
    assert_null(input.val);
    assert_null(input.val_dir);
    assert_int_equal(report_files(summary, "val", "/set", mem).n, 0);
}

static void labels_come_with_their_counts(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    json_auto_t *summary = summary_of(REPORT, mem);
    struct list labels;
    const struct list *rows;

    (void)state;
    report_labels(summary, "train", mem, &labels);
    assert_int_equal(labels.n, 2);
    rows = labels.items;
    assert_string_equal(((const char **)rows[1].items)[0], "dog");
    assert_string_equal(((const char **)rows[1].items)[1], "7");
    report_labels(summary, "test", mem, &labels);
    assert_null(labels.items);
    report_labels(NULL, "train", mem, &labels);
    assert_null(labels.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_says_how_it_went),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(a_summary_keeps_counts_and_drops_lists),
        cmocka_unit_test(parts_are_found_where_the_dataset_lies),
        cmocka_unit_test(a_part_that_leads_out_is_left_out),
        cmocka_unit_test(labels_come_with_their_counts),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
