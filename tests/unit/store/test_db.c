// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"

#include "base/err.h"
#include "base/field.h"
#include "base/mem.h"
#include "folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct thing {
    const char *name;
    int64_t size;
    double weight;
    bool round;
    json_t *tags;
    const char *untouched;
};

static const struct field thing_fields[] = {
    { "name", TEXT(struct thing, name) },
    { "size", INT(struct thing, size) },
    { "weight", REAL(struct thing, weight) },
    { "round", BOOLEAN(struct thing, round) },
    { "tags", JSON(struct thing, tags) },
    { .type = FIELD_END },
};

static const char schema[] =
    "CREATE TABLE thing(name TEXT PRIMARY KEY, size INTEGER CHECK (size < 100),"
    " weight REAL, round INTEGER, tags TEXT, secret BLOB)";
static const char sql_add[] = "INSERT INTO thing(name, size, weight, round, tags, secret)"
                              " VALUES (:name, :size, :weight, :round, :tags, :secret)";
static const char sql_all[] = "SELECT * FROM thing ORDER BY name";
static const char sql_find[] = "SELECT name, size FROM thing WHERE name = :name";
static const char sql_drop[] = "DELETE FROM thing WHERE size < :size";

static struct db *open_things(void)
{
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    assert_int_equal(db_script(db, schema, &err), 0);
    return db;
}

static int add(struct db *db, const char *name, int64_t size, struct err *err)
{
    return db_run(db, sql_add,
                  BINDS(BIND_T(":name", name), BIND_I(":size", size), BIND_R(":weight", 0.5),
                        BIND_I(":round", 1), BIND_T(":tags", "{\"a\": [1, null]}"),
                        BIND_B(":secret", "\0\1", 2)),
                  err);
}

static void a_row_fills_the_struct_by_column_name(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(query_done) struct query q = {0};
    struct thing t = { .untouched = "as it was" };
    struct err err = {0};
    size_t len;

    (void)state;
    assert_int_equal(add(db, "ball", 7, &err), 1);
    assert_int_equal(query_start(&q, db, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&q, thing_fields, &t, mem, &err), 1);
    assert_string_equal(t.name, "ball");
    assert_int_equal(t.size, 7);
    assert_true(t.weight == 0.5);
    assert_true(t.round);
    assert_int_equal(json_array_size(json_object_get(t.tags, "a")), 2);
    assert_string_equal(t.untouched, "as it was");
    assert_memory_equal(query_blob(&q, 5, &len), "\0\1", 2);
    assert_int_equal(len, 2);
    assert_int_equal(query_next(&q, thing_fields, &t, mem, &err), 0);
}

static void null_columns_are_absent_members(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(query_done) struct query q = {0};
    struct thing t = { .name = "x", .size = 1, .weight = 1, .round = true };
    struct err err = {0};

    (void)state;
    assert_int_equal(
        db_run(db, sql_add, BINDS(BIND_T(":name", NULL), BIND_R(":weight", NAN)), &err), 1);
    assert_int_equal(query_start(&q, db, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&q, thing_fields, &t, mem, &err), 1);
    assert_null(t.name);
    assert_int_equal(t.size, INT_UNSET);
    assert_true(isnan(t.weight));
    assert_false(t.round);
    assert_null(t.tags);
}

static void text_that_is_not_json_in_a_json_column_is_our_fault(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(query_done) struct query q = {0};
    struct thing t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(db_run(db, sql_add, BINDS(BIND_T(":name", "a"), BIND_T(":tags", "{")), &err),
                     1);
    assert_int_equal(query_start(&q, db, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&q, thing_fields, &t, mem, &err), -1);
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "column tags"));
}

static void a_broken_rule_is_a_conflict(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    struct err err = {0};

    (void)state;
    assert_int_equal(add(db, "ball", 7, &err), 1);
    assert_int_equal(add(db, "ball", 8, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(add(db, "house", 100, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(add(db, "cup", 8, &err), 1);
}

static void the_same_sql_may_run_inside_itself(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    CLEANUP(query_done) struct query outer = {0}, inner = {0};
    struct err err = {0};

    (void)state;
    add(db, "a", 1, &err);
    add(db, "b", 2, &err);
    assert_int_equal(query_start(&outer, db, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&outer, NULL, NULL, NULL, &err), 1);
    assert_int_equal(query_start(&inner, db, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&inner, NULL, NULL, NULL, &err), 1);
    assert_string_equal(query_text(&inner, 0), "a");
    assert_int_equal(query_next(&outer, NULL, NULL, NULL, &err), 1);
    assert_string_equal(query_text(&outer, 0), "b");
}

static void parameters_of_the_last_run_do_not_linger(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    CLEANUP(query_done) struct query q = {0};
    struct err err = {0};

    (void)state;
    add(db, "a", 1, &err);
    assert_int_equal(query_start(&q, db, sql_find, BINDS(BIND_T(":name", "a")), &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 1);
    query_done(&q);
    assert_int_equal(query_start(&q, db, sql_find, NULL, &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 0);
}

static void run_returns_the_number_of_rows_changed(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    struct err err = {0};

    (void)state;
    add(db, "a", 1, &err);
    add(db, "b", 2, &err);
    assert_int_equal(db_run(db, sql_drop, BINDS(BIND_I(":size", 10)), &err), 2);
    assert_int_equal(db_run(db, sql_drop, BINDS(BIND_I(":size", 10)), &err), 0);
}

static void a_reader_sees_what_is_committed_and_cannot_write(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    CLEANUP(db_closep) struct db *reader = NULL;
    CLEANUP(db_closep) struct db *writer = NULL;
    CLEANUP(query_done) struct query q = {0};
    struct err err = {0};

    (void)state;
    writer = db_open(f.db, DB_WRITE, &err);
    assert_non_null(writer);
    assert_int_equal(db_script(writer, schema, &err), 0);
    reader = db_open(f.db, DB_READ, &err);
    assert_non_null(reader);
    assert_int_equal(db_script(writer, "BEGIN", &err), 0);
    assert_int_equal(add(writer, "a", 1, &err), 1);
    assert_int_equal(query_start(&q, reader, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 0);
    query_done(&q);
    assert_int_equal(db_script(writer, "COMMIT", &err), 0);
    assert_int_equal(query_start(&q, reader, sql_all, NULL, &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 1);
    query_done(&q);
    assert_int_equal(add(reader, "b", 1, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void the_file_is_for_its_owner_only(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};
    struct stat st;

    (void)state;
    db = db_open(f.db, DB_WRITE, &err);
    assert_non_null(db);
    assert_int_equal(stat(f.db, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_reader_needs_a_database(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};

    (void)state;
    assert_null(db_open(f.db, DB_READ, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void a_file_that_is_no_database_is_said_to_be_damaged(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    FILE *file = fopen(f.db, "w");

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is a shopping list\n", file);
    fclose(file);
    assert_null(db_open(f.db, DB_WRITE, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "damaged"));
    assert_non_null(strstr(err.text, "restore"));
}

static void a_folder_that_does_not_exist_is_named(void **state)
{
    struct err err = {0};

    (void)state;
    assert_null(db_open("/nowhere/trainyard.db", DB_WRITE, &err));
    assert_non_null(strstr(err.text, "/nowhere/trainyard.db"));
}

static void a_full_disk_is_no_space(void **state)
{
    CLEANUP(db_closep) struct db *db = open_things();
    struct err err = {0};
    int rc = 0;

    (void)state;
    assert_int_equal(db_script(db, "PRAGMA max_page_count = 60", &err), 0);
    for (int i = 0; i < 100 && rc >= 0; i++)
        rc = db_run(db, "INSERT INTO thing(name) VALUES (hex(zeroblob(4000)) || random())", NULL,
                    &err);
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_fills_the_struct_by_column_name),
        cmocka_unit_test(null_columns_are_absent_members),
        cmocka_unit_test(text_that_is_not_json_in_a_json_column_is_our_fault),
        cmocka_unit_test(a_broken_rule_is_a_conflict),
        cmocka_unit_test(the_same_sql_may_run_inside_itself),
        cmocka_unit_test(parameters_of_the_last_run_do_not_linger),
        cmocka_unit_test(run_returns_the_number_of_rows_changed),
        cmocka_unit_test(a_reader_sees_what_is_committed_and_cannot_write),
        cmocka_unit_test(the_file_is_for_its_owner_only),
        cmocka_unit_test(a_reader_needs_a_database),
        cmocka_unit_test(a_file_that_is_no_database_is_said_to_be_damaged),
        cmocka_unit_test(a_folder_that_does_not_exist_is_named),
        cmocka_unit_test(a_full_disk_is_no_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
