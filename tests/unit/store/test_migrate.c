// SPDX-License-Identifier: Apache-2.0
#include "store/migrate.h"

#include "base/err.h"
#include "folder.h"
#include "store/db.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t read_int(struct db *db, const char *sql)
{
    CLEANUP(query_done) struct query q = {0};
    struct err err = {0};

    assert_int_equal(query_start(&q, db, sql, NULL, &err), 0);
    assert_int_equal(query_next(&q, NULL, NULL, NULL, &err), 1);
    return query_int(&q, 0);
}

static int newest(void)
{
    int n = 0;

    while (migrations[n].number > 0)
        n++;
    return n;
}

static void numbers_have_no_gaps(void **state)
{
    (void)state;
    for (int i = 0; i < newest(); i++)
        assert_int_equal(migrations[i].number, i + 1);
}

static void a_new_database_gets_every_step(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    CLEANUP(db_closep) struct db *db = NULL;
    struct err err = {0};

    (void)state;
    db = db_open(f.db, DB_WRITE, &err);
    assert_non_null(db);
    assert_int_equal(read_int(db, "PRAGMA user_version"), newest());
    assert_int_equal(read_int(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(read_int(db, "PRAGMA synchronous"), 2 /* FULL */);
}

static void a_database_of_each_earlier_version_opens_and_keeps_its_data(void **state)
{
    (void)state;
    for (int version = 1; version < newest(); version++) {
        CLEANUP(folder_remove) struct folder f = folder_new();
        CLEANUP(db_closep) struct db *db = NULL;
        struct err err = {0};
        char record[64];

        for (int i = 0; i < version; i++)
            run_sql(f.db, migrations[i].sql);
        snprintf(record, sizeof record, "PRAGMA user_version = %d", version);
        run_sql(f.db, record);
        run_sql(f.db, "INSERT INTO user(name, role, password_hash, created_ms)"
                      " VALUES ('ann', 'admin', 'x', 42)");
        db = db_open(f.db, DB_WRITE, &err);
        assert_non_null(db);
        assert_int_equal(read_int(db, "PRAGMA user_version"), newest());
        assert_int_equal(read_int(db, "SELECT created_ms FROM user WHERE name = 'ann'"), 42);
        assert_int_equal(read_int(db, "SELECT count(*) FROM experiment"), 0);
    }
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};
    sqlite3_stmt *stmt;
    sqlite3 *db;

    (void)state;
    run_sql(f.db, "PRAGMA user_version = 999");
    assert_null(db_open(f.db, DB_WRITE, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "newer"));
    assert_non_null(strstr(err.text, "999"));
    assert_int_equal(sqlite3_open(f.db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema", -1, &stmt, NULL),
                     0);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void a_step_that_fails_leaves_nothing_of_itself(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_new();
    struct err err = {0};

    (void)state;
    run_sql(f.db, "CREATE TABLE token(odd INTEGER)"); /* in the way of the second table of step 1 */
    assert_null(db_open(f.db, DB_WRITE, &err));
    assert_non_null(strstr(err.text, "001_accounts.sql"));
    run_sql(f.db, "DROP TABLE token");
    CLEANUP(db_closep) struct db *db = db_open(f.db, DB_WRITE, &err);
    assert_non_null(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_no_gaps),
        cmocka_unit_test(a_new_database_gets_every_step),
        cmocka_unit_test(a_database_of_each_earlier_version_opens_and_keeps_its_data),
        cmocka_unit_test(a_newer_database_is_refused_and_left_alone),
        cmocka_unit_test(a_step_that_fails_leaves_nothing_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
