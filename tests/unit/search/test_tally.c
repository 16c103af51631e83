// SPDX-License-Identifier: Apache-2.0
#include "search/tally.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "search/document.h"
#include "tasks/metrics_store.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct mem *mem;
    json_t *more;
    struct tally tally;
};

static void done(struct fixture *f)
{
    json_decref(f->more);
    mem_free(f->mem);
}

/* Of a search that optimises loss and asked for acc too. */
static struct fixture begin(void)
{
    struct fixture f = { .mem = mem_new(), .more = json_pack("{s:s, s:s}", "loss", "latest", "acc", "maximize") };
    const struct algo_def a = { .objective_metric = "loss", .additional_metrics = f.more };

    tally_init(&f.tally, &a, f.mem);
    return f;
}

static bool add(struct fixture *f, const char *series, int64_t n, double value)
{
    return tally_add(&f->tally, &(struct metric_row){ .series = series, .n = n, .step = NAN, .value = value });
}

static void check(struct fixture *f, const char *want)
{
    const struct list metrics = tally_metrics(&f->tally);
    const char *text = metrics_text(&metrics, f->mem);

    assert_string_equal(text ? text : "", want);
}

static void nothing_is_wanted_of_a_search_that_did_not_ask(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct algo_def a = { .objective_metric = "loss" };
    const struct list wanted = metrics_wanted(&a, mem);

    (void)state;
    assert_int_equal(wanted.n, 0);
    assert_null(metrics_text(&wanted, mem));
}

static void smallest_largest_and_latest_follow_the_points(void **state)
{
    CLEANUP(done) struct fixture f = begin();

    (void)state;
    check(&f, "");
    assert_true(add(&f, "val/loss", 0, 3));
    assert_true(add(&f, "val/loss", 1, 1));
    assert_true(add(&f, "val/loss", 2, NAN));
    assert_true(add(&f, "val/loss", 3, 2));
    check(&f, "[{\"name\":\"loss\",\"min\":1.0,\"max\":3.0,\"latest\":2.0}]");
    assert_true(add(&f, "val/acc", 0, -1));
    check(&f, "[{\"name\":\"loss\",\"min\":1.0,\"max\":3.0,\"latest\":2.0},"
              "{\"name\":\"acc\",\"min\":-1.0,\"max\":-1.0,\"latest\":-1.0}]");
}

static void series_that_nobody_asked_for_are_passed_over(void **state)
{
    static const char *const others[] = { "val/lr", "val/loss@worker-1", "loss", "val/", "other/loss", "val/Loss" };
    CLEANUP(done) struct fixture f = begin();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(add(&f, others[i], 0, 1));
        assert_false(tally_drop(&f.tally, others[i]));
    }
    check(&f, "");
}

static void a_series_that_was_emptied_or_begins_anew_counts_from_there(void **state)
{
    CLEANUP(done) struct fixture f = begin();

    (void)state;
    add(&f, "val/loss", 0, 3);
    add(&f, "val/acc", 0, 0.5);
    assert_true(tally_drop(&f.tally, "val/acc"));
    check(&f, "[{\"name\":\"loss\",\"min\":3.0,\"max\":3.0,\"latest\":3.0}]");
    add(&f, "val/loss", 0, 7);
    check(&f, "[{\"name\":\"loss\",\"min\":7.0,\"max\":7.0,\"latest\":7.0}]");
    assert_true(tally_drop(&f.tally, "val/loss"));
    check(&f, "");
}

/* As insight_objective() reads what is there at the end. */
static void all_metrics_are_of_the_best_source_alone(void **state)
{
    CLEANUP(done) struct fixture f = begin();

    (void)state;
    add(&f, "test/acc", 0, 0.1);
    check(&f, "[{\"name\":\"acc\",\"min\":0.1,\"max\":0.1,\"latest\":0.1}]");
    add(&f, "train/loss", 0, 4);
    check(&f, "[{\"name\":\"loss\",\"min\":4.0,\"max\":4.0,\"latest\":4.0}]");
    add(&f, "test/loss", 0, 5);
    check(&f, "[{\"name\":\"loss\",\"min\":5.0,\"max\":5.0,\"latest\":5.0},"
              "{\"name\":\"acc\",\"min\":0.1,\"max\":0.1,\"latest\":0.1}]");
    add(&f, "val/acc", 0, 0.9);
    check(&f, "[{\"name\":\"acc\",\"min\":0.9,\"max\":0.9,\"latest\":0.9}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wanted_of_a_search_that_did_not_ask),
        cmocka_unit_test(smallest_largest_and_latest_follow_the_points),
        cmocka_unit_test(series_that_nobody_asked_for_are_passed_over),
        cmocka_unit_test(a_series_that_was_emptied_or_begins_anew_counts_from_there),
        cmocka_unit_test(all_metrics_are_of_the_best_source_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
