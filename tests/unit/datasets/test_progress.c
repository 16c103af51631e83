// SPDX-License-Identifier: Apache-2.0
#include "datasets/progress.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *read_log(const char *text, size_t n_times, const char *last, struct mem *mem, double *ret_percent)
{
    char path[] = "/tmp/progress-XXXXXX";
    int fd = mkstemp(path);
    const char *line;

    assert_true(fd >= 0);
    dprintf(fd, "Total iterations: 200\n");
    for (size_t i = 0; i < n_times; i++)
        dprintf(fd, "%s", text);
    dprintf(fd, "%s", last);
    close(fd);
    progress_read(path, mem, &line, ret_percent);
    unlink(path);
    return line;
}

#define STEP "Iteration 50: tag train_images_per_s, simple_value 812.0\ntrain: 50 of 200 images, 812 images/s, 1 s left\n"

static void the_last_line_for_people_and_the_percent_are_told(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    double percent;

    (void)state;
    assert_string_equal(read_log(STEP, 1, "", mem, &percent), "train: 50 of 200 images, 812 images/s, 1 s left");
    assert_true(percent == 25);
}

static void of_a_long_log_the_ends_are_enough(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    double percent;

    (void)state;
    assert_string_equal(read_log(STEP, 1000, "Iteration 150: tag a, simple_value 1\ntrain: later\nhalf a li", mem, &percent),
                        "train: later");
    assert_true(percent == 75);
}

static void nothing_is_told_before_anything_was_said(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *line = "";
    double percent;

    (void)state;
    assert_null(read_log("", 0, "", mem, &percent));
    assert_true(isnan(percent));
    progress_read("/no/such/log", mem, &line, &percent);
    assert_null(line);
    assert_true(isnan(percent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_for_people_and_the_percent_are_told),
        cmocka_unit_test(of_a_long_log_the_ends_are_enough),
        cmocka_unit_test(nothing_is_told_before_anything_was_said),
    };

    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
