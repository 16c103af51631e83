// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char dir[64];       /* a RESULT_DIR */
    struct mem *mem;
    struct err err;
};

static struct fixture make_result_dir(void)
{
    struct fixture f = { .dir = "/tmp/trainyard-test-XXXXXX", .mem = mem_new() };

    assert_non_null(mkdtemp(f.dir));
    return f;
}

static void remove_result_dir(struct fixture *f)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
    mem_free(f->mem);
}

static void put(struct fixture *f, const char *name, const char *text)
{
    char *path = mem_printf(f->mem, "%s/%s", f->dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void make_dir(struct fixture *f, const char *name)
{
    assert_int_equal(mkdir(mem_printf(f->mem, "%s/%s", f->dir, name), 0700), 0);
}

#define FIXTURE CLEANUP(remove_result_dir) struct fixture f = make_result_dir(); (void)state

static int objective(struct fixture *f, const char *metric, bool maximize, double *ret)
{
    f->err = (struct err){0};
    return insight_objective(f->dir, metric, maximize, ret, NULL, f->mem, &f->err);
}

static void the_best_value_is_found_in_either_direction(void **state)
{
    double best;

    FIXTURE;
    put(&f, "val_dict_list.json", "[{\"step\":1,\"acc\":0.5},{\"step\":2,\"acc\":NaN},{\"step\":3,\"acc\":\"0.9\"},"
                                  "{\"step\":4,\"acc\":0.8},{\"acc\":Infinity}]");
    assert_int_equal(objective(&f, "acc", true, &best), 0);
    assert_true(best == 0.9);
    assert_int_equal(objective(&f, "acc", false, &best), 0);
    assert_true(best == 0.5);
}

static void additional_metrics_get_min_max_and_latest(void **state)
{
    struct insight_metric more[] = { { .name = "loss" }, { .name = "absent" } };
    struct list list = { more, 2 };
    double best;

    FIXTURE;
    assert_int_equal(insight_objective(f.dir, "acc", true, &best, &list, f.mem, &f.err), -1);
    assert_true(isnan(more[0].min) && isnan(more[0].max) && isnan(more[0].latest));
    f.err = (struct err){0};
    put(&f, "val_dict_list.json", "{\"acc\":1,\"loss\":3}\n{\"acc\":2,\"loss\":1}\n{\"loss\":2}\n");
    assert_int_equal(insight_objective(f.dir, "acc", true, &best, &list, f.mem, &f.err), 0);
    assert_true(more[0].min == 1 && more[0].max == 3 && more[0].latest == 2);
    assert_true(isnan(more[1].min) && isnan(more[1].max) && isnan(more[1].latest));
}

static void a_missing_file_is_not_found(void **state)
{
    double best;

    FIXTURE;
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_int_equal(f.err.kind, ERR_NOT_FOUND);
    assert_string_equal(f.err.text, "the program left no val_dict_list.json in its result folder (RESULT_DIR)");
}

static void a_pipe_in_the_place_of_the_file_is_not_waited_for(void **state)
{
    double best;

    FIXTURE;
    assert_int_equal(mkfifo(mem_printf(f.mem, "%s/val_dict_list.json", f.dir), 0600), 0);
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_int_equal(f.err.kind, ERR_NOT_FOUND);
}

static void an_absent_metric_is_refused_with_those_there_are(void **state)
{
    double best;

    FIXTURE;
    put(&f, "val_dict_list.json", "[{\"step\":1,\"loss\":0.5,\"top1\":0.5}]");
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_string_equal(f.err.text, "val_dict_list.json has no metric \"acc\"; it has loss, top1");
    put(&f, "val_dict_list.json", "[]");
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_string_equal(f.err.text, "val_dict_list.json has no metric \"acc\", nor any other number");
}

static void a_metric_that_is_never_finite_is_refused(void **state)
{
    double best;

    FIXTURE;
    put(&f, "val_dict_list.json", "[{\"acc\":NaN},{\"acc\":Infinity}]");
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_string_equal(f.err.text, "\"acc\" is never a finite number in val_dict_list.json");
}

static void a_broken_file_is_refused_with_the_line(void **state)
{
    double best;

    FIXTURE;
    put(&f, "val_dict_list.json", "[{\"acc\":1},\n{\"acc\"");
    assert_int_equal(objective(&f, "acc", true, &best), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_string_equal(f.err.text, "val_dict_list.json cannot be read: line 2: \":\" was expected after a name");
}

static void records_stand_in_for_a_missing_list(void **state)
{
    double best;

    FIXTURE;
    make_dir(&f, "log");
    make_dir(&f, "log/worker-0");
    make_dir(&f, "log/worker-0/3");
    put(&f, "log/worker-0/evaluation-metrics.txt",
        "{\"grouplabel\":\"train\",\"values\":{\"acc\":{\"value\":\"0.99\"},\"lr\":{\"value\":\"0.1\"}}}\n"
        "{\"grouplabel\":\"test\",\"values\":{\"acc\":{\"value\":\"0.7\"}}}\n");
    put(&f, "log/worker-0/3/evaluation-metrics.txt",
        "{\"grouplabel\":\"test\",\"values\":{\"acc\":{\"value\":\"0.8\"}}}\n");
    assert_int_equal(objective(&f, "acc", true, &best), 0);
    assert_true(best == 0.8);
    assert_int_equal(objective(&f, "lr", true, &best), 0);
    assert_true(best == 0.1);
    assert_int_equal(objective(&f, "f1", true, &best), -1);
    assert_string_equal(f.err.text, "evaluation-metrics.txt has no metric \"f1\"; it has acc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_value_is_found_in_either_direction),
        cmocka_unit_test(additional_metrics_get_min_max_and_latest),
        cmocka_unit_test(a_missing_file_is_not_found),
        cmocka_unit_test(a_pipe_in_the_place_of_the_file_is_not_waited_for),
        cmocka_unit_test(an_absent_metric_is_refused_with_those_there_are),
        cmocka_unit_test(a_metric_that_is_never_finite_is_refused),
        cmocka_unit_test(a_broken_file_is_refused_with_the_line),
        cmocka_unit_test(records_stand_in_for_a_missing_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
