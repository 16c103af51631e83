// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/lmdb_writer.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <lmdb.h>

/* liblmdb is the judge of what was written. */
struct fixture {
    char folder[64];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_stat stat;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    strcpy(f->folder, "/tmp/test-lmdb-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    if (f->txn)
        mdb_txn_abort(f->txn);
    if (f->env)
        mdb_env_close(f->env);
    assert_int_equal(file_remove_tree(f->folder, &err), 0);
    free(f);
    return 0;
}

/* Record i of a test: a key of n_key bytes, and len(i) bytes of data, which lie in `data`. */
struct records {
    int n, n_key;
    size_t (*len)(int i);
    uint8_t *data;
    size_t data_max;
};

static void key_of(const struct records *r, int i, char *key)
{
    memset(key, '.', (size_t)r->n_key);
    snprintf(key, 9, "%08d", i);
    key[8] = r->n_key > 8 ? '_' : '\0';
}

static const uint8_t *data_of(const struct records *r, int i) { return r->data + i % 251; }

static void write_all(struct fixture *f, const struct records *r)
{
    struct err err = {0};
    struct lmdb_writer *w = lmdb_create(f->folder, &err);
    char key[LMDB_KEY_MAX + 1];

    assert_non_null(w);
    for (int i = 0; i < r->n; i++) {
        key_of(r, i, key);
        assert_int_equal(lmdb_write(w, key, (size_t)r->n_key, data_of(r, i), r->len(i), &err), 0);
    }
    assert_int_equal(lmdb_close(w, &err), 0);
}

static void begin(struct fixture *f, unsigned flags)
{
    assert_int_equal(mdb_txn_begin(f->env, NULL, flags, &f->txn), 0);
    assert_int_equal(mdb_dbi_open(f->txn, NULL, 0, &f->dbi), 0);
    assert_int_equal(mdb_stat(f->txn, f->dbi, &f->stat), 0);
}

static void open_env(struct fixture *f, unsigned flags)
{
    assert_int_equal(mdb_env_create(&f->env), 0);
    assert_int_equal(mdb_env_open(f->env, f->folder, flags, 0644), 0);
    begin(f, flags & MDB_RDONLY);
}

static void check_value(const struct records *r, int i, const MDB_val *v)
{
    assert_int_equal(v->mv_size, r->len(i));
    assert_memory_equal(v->mv_data, data_of(r, i), v->mv_size);
}

/* Walks through all records, and finds each by its key. */
static void check_all(struct fixture *f, const struct records *r)
{
    char key[LMDB_KEY_MAX + 1];
    MDB_cursor *cursor;
    MDB_val k, v;

    assert_int_equal(f->stat.ms_entries, r->n);
    assert_int_equal(mdb_cursor_open(f->txn, f->dbi, &cursor), 0);
    for (int i = 0; i < r->n; i++) {
        key_of(r, i, key);
        assert_int_equal(mdb_cursor_get(cursor, &k, &v, MDB_NEXT), 0);
        assert_int_equal(k.mv_size, r->n_key);
        assert_memory_equal(k.mv_data, key, k.mv_size);
        check_value(r, i, &v);
    }
    assert_int_equal(mdb_cursor_get(cursor, &k, &v, MDB_NEXT), MDB_NOTFOUND);
    for (int i = r->n - 1; i >= 0; i--) {
        key_of(r, i, key);
        k = (MDB_val){ (size_t)r->n_key, key };
        assert_int_equal(mdb_cursor_get(cursor, &k, &v, MDB_SET_KEY), 0);
        check_value(r, i, &v);
    }
    mdb_cursor_close(cursor);
}

static void fill(struct records *r, size_t data_max)
{
    r->data_max = data_max;
    r->data = xcalloc(data_max + 251, 1);
    for (size_t i = 0; i < data_max + 251; i++)
        r->data[i] = (uint8_t)(i * 7919 >> 3);
}

static size_t around_the_page(int i) { return (size_t)i * 3 % 9000; }
static size_t tiny(int i) { return (size_t)i % 3; }
static size_t large(int i) { return 4080 + (size_t)i * 70001; }

static void records_of_all_sizes_are_read_back(void **state)
{
    struct records r = { .n = 3000, .n_key = 20, .len = around_the_page };

    fill(&r, 9000);
    write_all(*state, &r);
    open_env(*state, MDB_RDONLY);
    check_all(*state, &r);
    free(r.data);
}

static void large_records_are_read_back(void **state)
{
    struct records r = { .n = 30, .n_key = 9, .len = large };

    fill(&r, large(30));
    write_all(*state, &r);
    open_env(*state, MDB_RDONLY);
    check_all(*state, &r);
    free(r.data);
}

/* Seven keys fit into a page: one more, or one less, of each level is tried. */
static void trees_of_every_shape_are_walked(void **state)
{
    struct fixture *f = *state;
    struct records r = { .n_key = LMDB_KEY_MAX, .len = tiny };

    fill(&r, 3);
    for (r.n = 0; r.n < 450; r.n += r.n < 70 ? 1 : 7) {
        write_all(f, &r);
        open_env(f, MDB_RDONLY);
        check_all(f, &r);
        assert_true(r.n < 400 || f->stat.ms_depth >= 4);
        mdb_txn_abort(f->txn);
        mdb_env_close(f->env);
        f->txn = NULL;
        f->env = NULL;
    }
    free(r.data);
}

/* The pages that the library counts are all pages of the file, so that none is lost and none is used twice. */
static void every_page_belongs_to_the_tree(void **state)
{
    struct fixture *f = *state;
    struct records r = { .n = 2000, .n_key = 100, .len = around_the_page };
    MDB_envinfo info;

    fill(&r, 9000);
    write_all(f, &r);
    open_env(f, MDB_RDONLY);
    assert_int_equal(mdb_env_info(f->env, &info), 0);
    assert_int_equal(f->stat.ms_branch_pages + f->stat.ms_leaf_pages + f->stat.ms_overflow_pages + 2, info.me_last_pgno + 1);
    free(r.data);
}

static void the_library_goes_on_writing_where_we_ended(void **state)
{
    struct fixture *f = *state;
    struct records r = { .n = 2000, .n_key = 30, .len = around_the_page };
    char key[LMDB_KEY_MAX + 1];
    MDB_val k = { 30, key }, v = { 5000, NULL };

    fill(&r, 9000);
    write_all(f, &r);
    open_env(f, 0);
    for (int i = 500; i < 1500; i++) {
        key_of(&r, i, key);
        assert_int_equal(mdb_del(f->txn, f->dbi, &k, NULL), 0);
    }
    assert_int_equal(mdb_txn_commit(f->txn), 0);
    begin(f, 0);
    for (int i = 1499; i >= 500; i--) {
        key_of(&r, i, key);
        v = (MDB_val){ r.len(i), (void *)data_of(&r, i) };
        assert_int_equal(mdb_put(f->txn, f->dbi, &k, &v, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(f->txn), 0);
    begin(f, MDB_RDONLY);
    check_all(f, &r);
    free(r.data);
}

static void keys_must_ascend(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct lmdb_writer *w = lmdb_create(f->folder, &err);

    assert_int_equal(lmdb_write(w, "b", 1, (const uint8_t *)"1", 1, &err), 0);
    assert_int_equal(lmdb_write(w, "ba", 2, (const uint8_t *)"2", 1, &err), 0);
    assert_int_equal(lmdb_write(w, "ba", 2, (const uint8_t *)"3", 1, &err), -1);
    assert_int_equal(err.kind, ERR_INTERNAL);
    lmdb_abandon(w);
}

static void an_environment_that_was_abandoned_is_none(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct lmdb_writer *w = lmdb_create(f->folder, &err);

    assert_int_equal(lmdb_write(w, "a", 1, (const uint8_t *)"1", 1, &err), 0);
    lmdb_abandon(w);
    assert_int_equal(mdb_env_create(&f->env), 0);
    assert_int_not_equal(mdb_env_open(f->env, f->folder, MDB_RDONLY, 0644), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(records_of_all_sizes_are_read_back),
        TEST(large_records_are_read_back),
        TEST(trees_of_every_shape_are_walked),
        TEST(every_page_belongs_to_the_tree),
        TEST(the_library_goes_on_writing_where_we_ended),
        TEST(keys_must_ascend),
        TEST(an_environment_that_was_abandoned_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
