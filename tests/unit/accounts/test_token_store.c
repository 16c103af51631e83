// SPDX-License-Identifier: Apache-2.0
#include "accounts/token_store.h"

#include "accounts/user_store.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char jti1[JTI_HASH_BYTES] = "1", jti2[JTI_HASH_BYTES] = "2",
                           jti3[JTI_HASH_BYTES] = "3";

static struct db *open_db(void)
{
    struct user ann = { .name = "ann", .role = "admin", .password_hash = "h" };
    struct user bob = { .name = "bob", .role = "user", .password_hash = "h" };
    struct err err = {0};
    struct db *db = db_open(":memory:", DB_WRITE, &err);

    assert_non_null(db);
    assert_int_equal(users_add(db, &ann, &err), 0);
    assert_int_equal(users_add(db, &bob, &err), 0);
    return db;
}

static void add(struct db *db, const char *user, const unsigned char *jti, int64_t life_ms)
{
    int64_t now_ms = clock_unix_ms();
    struct token token = { .user = user, .kind = "bearer", .created_ms = now_ms,
                           .expires_ms = now_ms + life_ms };
    struct err err = {0};

    assert_int_equal(tokens_add(db, &token, jti, &err), 0);
}

static void a_token_is_found_with_the_role_its_account_has_now(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct token token = {0};
    struct err err = {0};

    (void)state;
    add(db, "ann", jti1, 60000);
    assert_int_equal(tokens_find(db, jti1, mem, &token, &err), 0);
    assert_string_equal(token.user, "ann");
    assert_string_equal(token.role, "admin");
    assert_int_equal(tokens_find(db, jti2, mem, &token, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void the_list_is_ones_own_or_everything(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct list list;

    (void)state;
    add(db, "ann", jti1, 60000);
    add(db, "bob", jti2, 60000);
    assert_int_equal(tokens_list(db, "bob", mem, &list, &err), 0);
    assert_int_equal(list.n, 1);
    assert_string_equal(((struct token *)list.items)->user, "bob");
    assert_int_equal(tokens_list(db, NULL, mem, &list, &err), 0);
    assert_int_equal(list.n, 2);
}

static void expired_tokens_are_not_listed_and_go_with_the_next(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct token token = {0};
    struct err err = {0};
    struct list list;

    (void)state;
    add(db, "ann", jti1, -1000);
    assert_int_equal(tokens_list(db, NULL, mem, &list, &err), 0);
    assert_int_equal(list.n, 0);
    assert_int_equal(tokens_find(db, jti1, mem, &token, &err), 0);
    add(db, "ann", jti2, 60000);
    assert_int_equal(tokens_find(db, jti1, mem, &token, &err), -1);
}

static void only_the_owner_or_everyone_may_revoke(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct token token = {0};
    struct err err = {0};

    (void)state;
    add(db, "ann", jti1, 60000);
    add(db, "ann", jti3, 60000);
    assert_int_equal(tokens_find(db, jti1, mem, &token, &err), 0);
    assert_int_equal(tokens_remove(db, token.id, "bob", &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(tokens_remove(db, token.id, "ann", &err), 0);
    assert_int_equal(tokens_remove(db, token.id, NULL, &err), -1);
    assert_int_equal(tokens_remove_hash(db, jti3, &err), 0);
    assert_int_equal(tokens_remove_hash(db, jti3, &err), 0);
    assert_int_equal(tokens_find(db, jti3, mem, &token, &err), -1);
}

static void the_first_secret_is_kept(void **state)
{
    CLEANUP(db_closep) struct db *db = open_db();
    unsigned char kept[4];
    struct err err = {0};

    (void)state;
    assert_int_equal(secrets_keep(db, "jwt", (const unsigned char *)"1234", kept, 4, &err), 0);
    assert_memory_equal(kept, "1234", 4);
    assert_int_equal(secrets_keep(db, "jwt", (const unsigned char *)"5678", kept, 4, &err), 0);
    assert_memory_equal(kept, "1234", 4);
    assert_int_equal(secrets_keep(db, "jwt", (const unsigned char *)"56789", kept, 5, &err), -1);
    assert_int_equal(err.kind, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_with_the_role_its_account_has_now),
        cmocka_unit_test(the_list_is_ones_own_or_everything),
        cmocka_unit_test(expired_tokens_are_not_listed_and_go_with_the_next),
        cmocka_unit_test(only_the_owner_or_everyone_may_revoke),
        cmocka_unit_test(the_first_secret_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
