// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_reading.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char dir[64];               /* both RESULT_DIR and the run directory */
    struct mem *mem;
    struct reading *reading;
    struct reading_news news;
    struct text got;
};

static struct fixture start_reading(void)
{
    struct fixture f = { .dir = "/tmp/trainyard-test-XXXXXX", .mem = mem_new() };

    assert_non_null(mkdtemp(f.dir));
    f.reading = reading_new(f.dir, f.dir);
    return f;
}

static void stop_reading(struct fixture *f)
{
    struct err err = {0};

    file_remove_tree(f->dir, &err);
    reading_free(f->reading);
    text_done(&f->got);
    mem_free(f->mem);
}

#define FIXTURE CLEANUP(stop_reading) struct fixture f = start_reading(); (void)state

static void put(struct fixture *f, const char *name, const char *mode, const char *text)
{
    char *path = mem_printf(f->mem, "%s/%s", f->dir, name);
    struct err err = {0};
    FILE *file;

    assert_int_equal(file_mkdirs(mem_strndup(f->mem, path, (size_t)(strrchr(path, '/') - path)), 0755, &err), 0);
    file = fopen(path, mode);
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* What the next turn finds: "-replaced series#n step value". */
static const char *turn(struct fixture *f, bool last)
{
    text_clear(&f->got);
    text_add(&f->got, "");
    reading_turn(f->reading, last, &f->news);
    for (size_t i = 0; i < f->news.n_replaced; i++)
        text_addf(&f->got, "-%s ", f->news.replaced[i]);
    for (size_t i = 0; i < f->news.n_rows; i++) {
        const struct metric_row *r = &f->news.rows[i];

        assert_true(r->time_ms > 0);
        text_addf(&f->got, "%s#%" PRId64 " %g %g ", r->series, r->n, isnan(r->step) ? -1 : r->step, r->value);
    }
    return f->got.data;
}

static void what_was_appended_is_found_once(void **state)
{
    FIXTURE;
    assert_string_equal(turn(&f, false), "");
    put(&f, "worker-0.out", "a", "Iteration 1: tag train_loss, simple_value 3\nIteration 2: tag tra");
    assert_string_equal(turn(&f, false), "train/loss#0 1 3 ");
    assert_string_equal(turn(&f, false), "");
    put(&f, "worker-0.out", "a", "in_loss, simple_value 2");
    assert_string_equal(turn(&f, false), "");
    assert_string_equal(turn(&f, true), "train/loss#1 2 2 ");
}

static void all_files_of_all_processes_are_read(void **state)
{
    FIXTURE;
    put(&f, "worker-0.out", "a", "batches :1 3\n");
    put(&f, "worker-1.out", "a", "batches :1 4\n");
    put(&f, "log/worker-0/stdout", "a", "[2020-03-10 15:54:38] Train,\tIteration: 1,\tLoss: 5\n");
    put(&f, "log/worker-1/7/evaluation-metrics.txt", "a",
        "{\"grouplabel\": \"test\", \"values\": {\"acc\": {\"value\": \"6\"}}}\n");
    put(&f, "val_dict_list.json", "w", "[{\"step\": 1, \"acc\": 7}]");
    assert_string_equal(turn(&f, false), "train/batch_loss#0 1 3 train/batch_loss@worker-1#0 1 4 train/loss#0 1 5 "
                                         "test/acc@worker-1#0 -1 6 val/acc#0 1 7 ");
}

static void a_list_that_grew_yields_its_new_entries(void **state)
{
    FIXTURE;
    put(&f, "val_dict_list.json", "w", "[{\"step\": 1, \"acc\": 1}]");
    assert_string_equal(turn(&f, false), "val/acc#0 1 1 ");
    put(&f, "val_dict_list.json", "w", "[{\"step\": 1, \"acc\": 1}, {\"step\": 2, \"acc\": 2}, {\"st");
    assert_string_equal(turn(&f, false), "");
    put(&f, "val_dict_list.json", "w", "[{\"step\": 1, \"acc\": 1}, {\"step\": 2, \"acc\": NaN}, {\"step\": 3, \"acc\": 3}]");
    assert_string_equal(turn(&f, false), "val/acc#1 3 3 ");
}

static void a_list_that_says_something_else_replaces_what_it_said(void **state)
{
    FIXTURE;
    put(&f, "val_dict_list.json", "w", "[{\"acc\": 1}, {\"acc\": 2}]");
    assert_string_equal(turn(&f, false), "val/acc#0 -1 1 val/acc#1 -1 2 ");
    put(&f, "val_dict_list.json", "w", "[{\"acc\": 3, \"f1\": 1}]");
    assert_string_equal(turn(&f, false), "-val/acc val/acc#0 -1 3 val/f1#0 -1 1 ");
}

static void a_log_that_was_cut_short_is_read_from_its_start(void **state)
{
    FIXTURE;
    put(&f, "worker-0.out", "w", "batches :1 1\nbatches :2 2\n");
    turn(&f, false);
    put(&f, "worker-0.out", "w", "batches :3 3\n");
    assert_string_equal(turn(&f, false), "train/batch_loss#2 3 3 ");
}

static void a_restarted_reading_finds_everything_again(void **state)
{
    FIXTURE;
    put(&f, "worker-0.out", "w", "batches :1 1\nbatches :2 2\n");
    put(&f, "val_dict_list.json", "w", "[{\"acc\": 1}]");
    turn(&f, false);
    reading_restart(f.reading);
    assert_string_equal(turn(&f, false), "train/batch_loss#0 1 1 train/batch_loss#1 2 2 val/acc#0 -1 1 ");
}

static void a_large_log_is_read_in_bounded_turns(void **state)
{
    char line[64];
    int turns = 0;
    size_t rows = 0;

    FIXTURE;
    for (int i = 0; i < 100; i++) {
        CLEANUP(text_done) struct text many = {0};

        for (int k = 0; k < 1000; k++) {
            snprintf(line, sizeof line, "Iteration %d: tag train_loss, simple_value 1\n", i * 1000 + k);
            text_add(&many, line);
        }
        put(&f, "worker-0.out", "a", many.data);
    }
    do {
        reading_turn(f.reading, true, &f.news);
        assert_in_range(f.news.n_rows, 1, 2 * READING_TURN_BYTES / 40);
        rows += f.news.n_rows;
        turns++;
    } while (f.news.more);
    assert_int_equal(rows, 100000);
    assert_in_range(turns, 4, 6);
}

static void pipes_and_links_are_not_read(void **state)
{
    FIXTURE;
    put(&f, "elsewhere", "w", "batches :1 1\n");
    assert_int_equal(mkfifo(mem_printf(f.mem, "%s/worker-0.out", f.dir), 0600), 0);
    assert_int_equal(symlink("elsewhere", mem_printf(f.mem, "%s/worker-1.out", f.dir)), 0);
    assert_string_equal(turn(&f, true), "");
}

static void output_progress_and_folders_are_told(void **state)
{
    FIXTURE;
    put(&f, "worker-0.out", "w", "Total iterations: 100\nTimestamp 5, Iteration 20\n");
    put(&f, "worker-0.both", "w", "12345");
    put(&f, "log/worker-0/stdout", "w", "");
    turn(&f, false);
    assert_int_equal(f.news.output_bytes, 5);
    assert_int_equal(f.news.done, 20);
    assert_int_equal(f.news.total, 100);
    assert_string_equal(f.news.folders[0], f.dir);
    assert_string_equal(f.news.folders[3], mem_printf(f.mem, "%s/log/worker-0", f.dir));
    assert_null(f.news.folders[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_found_once),
        cmocka_unit_test(all_files_of_all_processes_are_read),
        cmocka_unit_test(a_list_that_grew_yields_its_new_entries),
        cmocka_unit_test(a_list_that_says_something_else_replaces_what_it_said),
        cmocka_unit_test(a_log_that_was_cut_short_is_read_from_its_start),
        cmocka_unit_test(a_restarted_reading_finds_everything_again),
        cmocka_unit_test(a_large_log_is_read_in_bounded_turns),
        cmocka_unit_test(pipes_and_links_are_not_read),
        cmocka_unit_test(output_progress_and_folders_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
