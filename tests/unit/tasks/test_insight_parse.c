// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_parse.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void write_point(void *arg, const struct point *p)
{
    struct text *t = arg;

    text_addf(t, "%s%s", t->len ? "; " : "", p->series);
    if (!isnan(p->step))
        text_addf(t, " %g", p->step);
    if (p->time_ms != INT_UNSET)
        text_addf(t, " @%" PRId64, p->time_ms);
    text_addf(t, " %g", p->value);
}

/* What the text yields when it arrives in pieces of `piece` bytes. */
static char *points(enum parse_source source, const char *text, size_t len, size_t piece)
{
    struct text got = {0};
    struct point_sink sink = { write_point, &got };
    struct parser p;

    parser_init(&p, source);
    for (size_t i = 0; i < len; i += piece)
        parser_feed(&p, text + i, len - i < piece ? len - i : piece, &sink);
    parser_end(&p, &sink);
    parser_done(&p);
    return text_take(&got);
}

static const struct { enum parse_source source; const char *text, *want; } table[] = {
    { PARSE_TEXT, "Iteration 40: tag train_loss, simple_value 0.345\n", "train/loss 40 0.345" },
    { PARSE_TEXT, "Iteration 40: tag test_accuracy, simple_value 0.91\r\n", "test/accuracy 40 0.91" },
    { PARSE_TEXT, "*Task <1> SubProcess*: Iteration 3: tag train_accuracy, simple_value 1e-05", "train/accuracy 3 1e-05" },
    { PARSE_TEXT, "Timestamp 1583855678912, Iteration 40\nIteration 40: tag train_loss, simple_value 1\n"
                  "Iteration 41: tag train_loss, simple_value 2\n", "train/loss 40 @1583855678912 1; train/loss 41 2" },
    { PARSE_TEXT, "Iteration 1: tag lr, simple_value 0.1\n", "train/lr 1 0.1" },
    { PARSE_TEXT, "batches :7 0.25\n", "train/batch_loss 7 0.25" },
    { PARSE_TEXT, "[2020-03-10 15:54:38] Train,\tTimestamp: 1583855678912,\tGlobal steps: 40,\tIteration: 4,\tLoss: 0.3,\tAccuracy: 0.9\n"
                  "[2020-03-10 15:54:39] Test,\tTimestamp: 1583855679000,\tLoss: 0.31,\tAccuracy: 0.89\n",
      "train/loss 40 @1583855678912 0.3; train/accuracy 40 @1583855678912 0.9; "
      "test/loss 40 @1583855679000 0.31; test/accuracy 40 @1583855679000 0.89" },
    { PARSE_TEXT, "[2022-03-10 15:54:38] Test,\tTimestamp: 5,\ttop1_err: 0.5,\tf1 score: 0.25\n", "test/top1_err @5 0.5; test/f1 score @5 0.25" },
    { PARSE_TEXT, "[2022-03-10 15:54:38] Train,\tIteration: 4,\tLoss: nan,\tAccuracy: 0.5\n", "train/accuracy 4 0.5" },
    { PARSE_TEXT, "[2022-03-10 15:54:38] Training has begun, Loss: 3\n", "" },
    { PARSE_TEXT, "[rank0] Iteration 2: tag test_loss, simple_value 7\n", "test/loss 2 7" },
    { PARSE_TEXT, "Iteration x: tag train_loss, simple_value 1\nIteration 1: tag train_loss, simple_value\n", "" },
    { PARSE_TEXT, "Iteration 1: tag train_loss, simple_value inf\nsimple_value 3\nbatches :\n", "" },
    { PARSE_TEXT, " 10%|##    | 1/10\r 20%|####  | 2/10\rIteration 2: tag train_loss, simple_value 4\n", "train/loss 2 4" },
    { PARSE_TEXT, "[\n[]\n] \n[] Train\n", "" },
    { PARSE_RECORDS, "{\"meta\": {\"training_id\": \"\", \"time\": 1583855678912, \"rindex\": 1}, \"grouplabel\": \"test\","
                     " \"etimes\": {\"iteration\": {\"type\": 2, \"value\": \"40\"}, \"time_stamp\": {\"value\": \"2020-03-10T15:54:38.1583855678\"}},"
                     " \"values\": {\"loss\": {\"type\": 3, \"value\": \"0.345\"}, \"accuracy\": {\"type\": 3, \"value\": \"0.9\"}}}\n",
      "test/loss 40 @1583855678912 0.345; test/accuracy 40 @1583855678912 0.9" },
    { PARSE_RECORDS, "{\"grouplabel\": \"train\", \"etimes\": {\"epoch\": {\"value\": \"2\"}}, \"values\": {\"loss\": 0.5}}\n", "train/loss 2 0.5" },
    { PARSE_RECORDS, "{\"grouplabel\": \"train\", \"values\": {\"loss\": {\"value\": \"nan\"}, \"note\": {\"value\": \"x\"}}}\n", "" },
    { PARSE_RECORDS, "not JSON\n[1]\n3\n{\"values\": 3}\n{\"values\": {\"loss\": 1}}\n", "test/loss 1" },
};

static void every_form_yields_its_points_however_it_arrives(void **state)
{
    static const size_t pieces[] = { 1, 7, 1000000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
            CLEANUP(freep) char *got = points(table[i].source, table[i].text, strlen(table[i].text), pieces[k]);

            assert_string_equal(got, table[i].want);
        }
    }
}

static void a_line_that_is_too_long_is_passed_over_and_the_next_is_read(void **state)
{
    CLEANUP(text_done) struct text text = {0};

    (void)state;
    for (int i = 0; i < 3 * PARSE_LINE_MAX; i++)
        text_add_char(&text, 'x');
    text_add(&text, "Iteration 1: tag train_loss, simple_value 1\nIteration 2: tag train_loss, simple_value 2\n");
    for (size_t piece = 1000; piece < 1000000; piece *= 10) {
        CLEANUP(freep) char *got = points(PARSE_TEXT, text.data, text.len, piece);

        assert_string_equal(got, "train/loss 2 2");
    }
}

static void a_name_that_is_too_long_or_not_utf8_is_left_out(void **state)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(freep) char *got = NULL;

    (void)state;
    text_add(&text, "Iteration 1: tag train_");
    for (int i = 0; i < 1000; i++)
        text_add_char(&text, 'x');
    text_add(&text, ", simple_value 1\nIteration 1: tag train_\xFF, simple_value 1\n");
    got = points(PARSE_TEXT, text.data, text.len, 10000);
    assert_string_equal(got, "");
}

static void progress_is_the_largest_iteration_of_the_total(void **state)
{
    static const char text[] = "Total iterations: 100\nTimestamp 1583855678912, Iteration 3\n"
                               "Iteration 20: tag train_loss, simple_value 1\nTimestamp 1583855678913, batchIdx 4\n";
    struct text got = {0};
    struct point_sink sink = { write_point, &got };
    struct parser p;

    (void)state;
    parser_init(&p, PARSE_TEXT);
    assert_true(p.done == INT_UNSET && p.total == INT_UNSET);
    parser_feed(&p, text, strlen(text), &sink);
    assert_int_equal(p.done, 20);
    assert_int_equal(p.total, 100);
    parser_done(&p);
    text_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_yields_its_points_however_it_arrives),
        cmocka_unit_test(a_line_that_is_too_long_is_passed_over_and_the_next_is_read),
        cmocka_unit_test(a_name_that_is_too_long_or_not_utf8_is_left_out),
        cmocka_unit_test(progress_is_the_largest_iteration_of_the_total),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
