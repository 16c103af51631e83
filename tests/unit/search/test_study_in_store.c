// SPDX-License-Identifier: Apache-2.0
/* Studies as strangers may send them. They are made with SQLite's own shell of tables, by the functions that write
 * studies and by statements on top. */
#include "search/priors/study_in_store.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/insight/study_out_store.h"
#include "store/db.h"
#include "store/foreign.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct foreign_limits limits = { 1 << 20, 2000 };

struct fixture {
    char path[64];
};

static void done(struct fixture *f) { unlink(f->path); }

static struct fixture new_path(void)
{
    struct fixture f = { "/tmp/trainyard-study-XXXXXX" };
    int fd = mkstemp(f.path);

    assert_true(fd >= 0);
    close(fd);
    unlink(f.path);
    return f;
}

#define FLOAT "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"
#define CHOICE "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"adam\", 3, true, null]}}"

/* A study with two trials, and then what `sql` does to it. */
static struct fixture study(const char *sql)
{
    struct fixture f = new_path();
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = study_create(f.path, "ours", false, "[\"loss\"]", &err);
    const struct study_trial trials[] = { { .number = 0, .state = "COMPLETE", .value = 0.5 }, { .number = 1, .state = "FAIL", .value = NAN },
                                          { .number = 2, .state = "COMPLETE", .value = 0.25 } };

    assert_non_null(db);
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        assert_int_equal(study_add_trial(db, &trials[i], &err), 0);
        assert_int_equal(study_add_param(db, (int64_t)i, "x", 0.125 * (double)i, FLOAT, &err), 0);
        assert_int_equal(study_add_param(db, (int64_t)i, "o", (double)i, CHOICE, &err), 0);
    }
    if (db_script(db, sql, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(foreign_finish(db, &err), 0);
    return f;
}

static void keep(void *arg, const struct known_value *values, int n, double objective)
{
    struct text *t = arg;

    text_add_real(t, objective);
    for (int i = 0; i < n; i++) {
        text_addf(t, " %s=", values[i].name);
        if (values[i].value.kind == KNOWN_NUMBER)
            text_add_real(t, values[i].value.number);
        else
            text_add(t, values[i].value.kind == KNOWN_TEXT ? values[i].value.text : "?");
    }
    text_add_char(t, ';');
}

static int read_study(const struct fixture *f, const char *name, struct text *out, struct err *err)
{
    CLEANUP(db_closep) struct db *db = foreign_open(f->path, &limits, err);
    struct study s;

    if (!db || study_find(db, name, &s, err) < 0)
        return -1;
    text_add(out, s.maximize ? "max;" : "min;");
    return study_each(db, &s, 100, keep, out, err);
}

static void trials_that_are_complete_are_read_in_order_with_their_values(void **state)
{
    CLEANUP(done) struct fixture f = study("UPDATE trials SET number = 9 WHERE trial_id = 1");
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_study(&f, NULL, &t, &err), 0);
    assert_string_equal(t.data, "min;0.25 o=True x=0.25;0.5 o=adam x=0.0;");
}

static void what_makes_no_sense_in_a_trial_is_no_value(void **state)
{
    CLEANUP(done) struct fixture f = study(
        "UPDATE trial_params SET distribution_json = 'x' WHERE trial_id = 1 AND param_name = 'x';"
        "UPDATE trial_params SET param_value = 3 WHERE trial_id = 1 AND param_name = 'o';"
        "UPDATE trial_params SET param_value = 4 WHERE trial_id = 3 AND param_name = 'o';"
        "UPDATE trial_params SET param_value = NULL WHERE trial_id = 3 AND param_name = 'x';"
        "UPDATE trial_values SET value = NULL, value_type = 'INF_POS' WHERE trial_id = 3;"
        "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (3, NULL, 1, '{}'), (3, 'y', 1, NULL);");
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_study(&f, "ours", &t, &err), 0);
    assert_string_equal(t.data, "min;0.5 o=? x=?;null o=? x=?;");
}

static void files_that_are_no_usable_study_are_refused_with_a_sentence(void **state)
{
    static const struct { const char *sql, *word; } rows[] = {
        { "DROP TABLE trials", "no table trials" },
        { "DROP TABLE trial_params; CREATE VIEW trial_params AS SELECT 1 AS trial_id", "no table trial_params" },
        { "DROP TABLE studies; CREATE VIRTUAL TABLE studies USING fts5(study_id, study_name)", "no table studies" },
        { "DELETE FROM studies", "no study" },
        { "INSERT INTO studies VALUES (2, 'theirs')", "several studies: \"ours\", \"theirs\"" },
        { "INSERT INTO study_directions VALUES (2, 'MAXIMIZE', 1, 1)", "several objectives" },
        { "DELETE FROM study_directions", "does not say" },
        { "UPDATE study_directions SET direction = 'NOT_SET'", "does not say" },
        { "ALTER TABLE trial_values RENAME COLUMN value TO v", "no such column" },
        { "DROP TABLE trial_params; CREATE TABLE trial_params(trial_id, param_name, param_value, distribution_json AS"
          " (hex(zeroblob(100000000)))); INSERT INTO trial_params (trial_id, param_name) VALUES (1, 'x')", "megabyte" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(done) struct fixture f = study(rows[i].sql);
        CLEANUP(text_done) struct text t = {0};
        struct err err = {0};

        if (read_study(&f, NULL, &t, &err) == 0)
            fail_msg("%s", rows[i].sql);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        if (!strstr(err.text, rows[i].word))
            fail_msg("%s", err.text);
    }
}

static void one_of_several_studies_is_chosen_by_name(void **state)
{
    CLEANUP(done) struct fixture f = study(
        "INSERT INTO studies VALUES (2, 'theirs'); INSERT INTO study_directions VALUES (2, 'maximize', 2, 0);"
        "UPDATE trials SET study_id = 2 WHERE trial_id = 3");
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_study(&f, "theirs", &t, &err), 0);
    assert_string_equal(t.data, "max;0.25 o=True x=0.25;");
    assert_int_equal(read_study(&f, "nobody's", &t, &err), -1);
    assert_string_equal(err.field, "priorStudy");
}

static void a_study_that_takes_too_long_to_read_is_left(void **state)
{
    static const struct foreign_limits short_time = { 64 << 20, 50 };
    CLEANUP(done) struct fixture f = study(
        "DROP TABLE trial_params; CREATE TABLE trial_params(trial_id, param_name, param_value, distribution_json);"
        "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO trials SELECT i, i, 1, 'COMPLETE', NULL, NULL FROM n;"
        "INSERT INTO trial_params SELECT -1, 'x', 1, '' FROM trials;");
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = foreign_open(f.path, &short_time, &err);
    CLEANUP(text_done) struct text t = {0};
    struct study s;

    (void)state;
    assert_int_equal(study_find(db, NULL, &s, &err), 0);
    assert_int_equal(study_each(db, &s, INT64_MAX, keep, &t, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(err.text, "too long"));
}

static void bytes_that_are_no_database_are_refused(void **state)
{
    CLEANUP(done) struct fixture whole = study("");
    CLEANUP(done) struct fixture f = new_path();
    CLEANUP(text_done) struct text bytes = {0};
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(file_write(f.path, "PK\3\4 no database", 17, 0600, &err), 0);
    assert_int_equal(read_study(&f, NULL, &t, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(err.text, "no SQLite file"));
    assert_int_equal(file_read(whole.path, 1 << 20, &bytes, &err), 0);
    memset(bytes.data + 4096 + 8, 0xA5, 600);       /* a page of a table */
    for (size_t at = 2 * 4096; at < bytes.len; at += 4096)
        memset(bytes.data + at, 0x5A, 40);
    assert_int_equal(file_write(f.path, bytes.data, bytes.len, 0600, &err), 0);
    assert_int_equal(read_study(&f, NULL, &t, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
    assert_non_null(strstr(err.text, "damaged"));
}

static void a_file_that_is_too_large_is_refused_unread(void **state)
{
    static const struct foreign_limits small = { 4096, 2000 };
    CLEANUP(done) struct fixture f = study("");
    struct err err = {0};

    (void)state;
    assert_null(foreign_open(f.path, &small, &err));
    assert_int_equal(err.kind, ERR_TOO_LARGE);
}

static void nothing_can_be_written_to_it(void **state)
{
    CLEANUP(done) struct fixture f = study("");
    struct err err = {0};
    CLEANUP(db_closep) struct db *db = foreign_open(f.path, &limits, &err);

    (void)state;
    assert_int_equal(db_script(db, "DELETE FROM trials", &err), -1);
    assert_int_equal(db_script(db, "ATTACH 'x' AS x", &err), -1);
    assert_int_equal(db_script(db, "PRAGMA query_only = OFF", &err), -1);
}

static void a_study_may_come_as_bytes(void **state)
{
    CLEANUP(done) struct fixture f = study("");
    CLEANUP(text_done) struct text bytes = {0};
    CLEANUP(text_done) struct text t = {0};
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};
    struct study s;

    (void)state;
    assert_int_equal(file_read(f.path, 1 << 20, &bytes, &err), 0);
    db = foreign_open_bytes(bytes.data, bytes.len, &limits, &err);
    assert_non_null(db);
    assert_int_equal(study_find(db, NULL, &s, &err), 0);
    assert_int_equal(study_each(db, &s, 1, keep, &t, &err), 0);
    assert_string_equal(t.data, "0.5 o=adam x=0.0;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_that_are_complete_are_read_in_order_with_their_values),
        cmocka_unit_test(what_makes_no_sense_in_a_trial_is_no_value),
        cmocka_unit_test(files_that_are_no_usable_study_are_refused_with_a_sentence),
        cmocka_unit_test(one_of_several_studies_is_chosen_by_name),
        cmocka_unit_test(a_study_that_takes_too_long_to_read_is_left),
        cmocka_unit_test(bytes_that_are_no_database_are_refused),
        cmocka_unit_test(a_file_that_is_too_large_is_refused_unread),
        cmocka_unit_test(nothing_can_be_written_to_it),
        cmocka_unit_test(a_study_may_come_as_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
