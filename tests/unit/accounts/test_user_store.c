// SPDX-License-Identifier: Apache-2.0
#include "accounts/user_store.h"

#include "accounts/token_store.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char jti[JTI_HASH_BYTES] = "j";

static struct db *open_db(void)
{
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    return db;
}

static int add(struct db *db, const char *name, const char *role, struct err *err)
{
    struct user user = { .name = name, .role = role, .password_hash = "hash", .created_ms = 5 };

    return users_add(db, &user, err);
}

static void add_token(struct db *db, const char *user)
{
    struct token token = { .user = user, .kind = "bearer", .created_ms = clock_unix_ms(),
                           .expires_ms = clock_unix_ms() + 60000 };
    struct err err = {0};

    assert_int_equal(tokens_add(db, &token, jti, &err), 0);
}

static void an_account_is_found_by_its_exact_name(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct user user = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(add(db, "Ann", "admin", &err), 0);
    assert_int_equal(users_find(db, "Ann", mem, &user, &err), 0);
    assert_string_equal(user.role, "admin");
    assert_string_equal(user.password_hash, "hash");
    assert_int_equal(user.created_ms, 5);
    assert_int_equal(users_find(db, "ann", mem, &user, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void a_name_is_given_once(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    struct err err = {0};

    (void)state;
    assert_int_equal(add(db, "ann", "user", &err), 0);
    assert_int_equal(add(db, "ann", "admin", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.text, "there is a user ann already");
}

static void the_list_is_sorted_and_has_no_hashes(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct list list;
    struct user *users;

    (void)state;
    assert_int_equal(users_list(db, mem, &list, &err), 0);
    assert_int_equal(list.n, 0);
    add(db, "bob", "user", &err);
    add(db, "ann", "user", &err);
    assert_int_equal(users_list(db, mem, &list, &err), 0);
    users = list.items;
    assert_int_equal(list.n, 2);
    assert_string_equal(users[0].name, "ann");
    assert_string_equal(users[1].name, "bob");
    assert_null(users[0].password_hash);
}

static void a_new_password_revokes_the_tokens(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct token token = {0};
    struct user user = {0};
    struct err err = {0};

    (void)state;
    add(db, "ann", "user", &err);
    add_token(db, "ann");
    assert_int_equal(tokens_find(db, jti, mem, &token, &err), 0);
    assert_int_equal(users_set_password(db, "ann", "new", &err), 0);
    assert_int_equal(users_find(db, "ann", mem, &user, &err), 0);
    assert_string_equal(user.password_hash, "new");
    assert_int_equal(tokens_find(db, jti, mem, &token, &err), -1);
    assert_int_equal(users_set_password(db, "bob", "new", &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void tokens_go_with_their_account(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct token token = {0};
    struct err err = {0};

    (void)state;
    add(db, "ann", "user", &err);
    add_token(db, "ann");
    assert_int_equal(users_remove(db, "ann", &err), 0);
    assert_int_equal(tokens_find(db, jti, mem, &token, &err), -1);
    assert_int_equal(users_remove(db, "ann", &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void the_last_administrator_stays(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    struct err err = {0};

    (void)state;
    add(db, "ann", "admin", &err);
    add(db, "bob", "user", &err);
    assert_int_equal(users_remove(db, "ann", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    add(db, "eve", "admin", &err);
    assert_int_equal(users_remove(db, "ann", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_found_by_its_exact_name),
        cmocka_unit_test(a_name_is_given_once),
        cmocka_unit_test(the_list_is_sorted_and_has_no_hashes),
        cmocka_unit_test(a_new_password_revokes_the_tokens),
        cmocka_unit_test(tokens_go_with_their_account),
        cmocka_unit_test(the_last_administrator_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
