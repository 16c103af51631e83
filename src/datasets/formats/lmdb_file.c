// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/lmdb_file.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>

#include <lmdb.h>

struct lmdb_reader {
    MDB_env *env;
    MDB_txn *txn;
    MDB_cursor *cursor;
    char *folder;
    int64_t count;
    bool positioned;                    /* the cursor stands on the record that lmdb_next() is to give */
};

static int fail(const char *folder, int code, struct err *err)
{
    if (code > 0) {
        errno = code;
        return err_errno(err, ERR_INTERNAL, "the LMDB environment %s cannot be used", folder);
    }
    return err_set(err, ERR_BAD_INPUT, "the LMDB environment %s cannot be used: %s", folder, mdb_strerror(code));
}

void lmdb_reader_free(struct lmdb_reader *r)
{
    if (!r)
        return;
    if (r->cursor)
        mdb_cursor_close(r->cursor);
    if (r->txn)
        mdb_txn_abort(r->txn);
    if (r->env)
        mdb_env_close(r->env);
    free(r->folder);
    free(r);
}

static int open_reader(struct lmdb_reader *r)
{
    MDB_stat stat;
    MDB_dbi dbi;
    int code = mdb_env_create(&r->env);

    if (code == 0)
        code = mdb_env_open(r->env, r->folder, MDB_RDONLY | MDB_NOLOCK, 0);
    if (code == 0)
        code = mdb_txn_begin(r->env, NULL, MDB_RDONLY, &r->txn);
    if (code == 0)
        code = mdb_dbi_open(r->txn, NULL, 0, &dbi);
    if (code == 0)
        code = mdb_stat(r->txn, dbi, &stat);
    if (code == 0)
        code = mdb_cursor_open(r->txn, dbi, &r->cursor);
    if (code == 0)
        r->count = (int64_t)stat.ms_entries;
    return code;
}

struct lmdb_reader *lmdb_open(const char *folder, struct err *err)
{
    struct lmdb_reader *r = xcalloc(1, sizeof *r);
    int code;

    r->folder = xstrdup(folder);
    code = open_reader(r);
    if (code) {
        err_set(err, ERR_BAD_INPUT, "%s holds no LMDB environment: %s", folder, mdb_strerror(code));
        lmdb_reader_free(r);
        return NULL;
    }
    return r;
}

int64_t lmdb_count(const struct lmdb_reader *r) { return r->count; }

int lmdb_seek(struct lmdb_reader *r, const void *key, size_t n_key, struct err *err)
{
    MDB_val k = { .mv_size = n_key, .mv_data = (void *)key }, v;
    int code = mdb_cursor_get(r->cursor, &k, &v, MDB_SET_RANGE);

    if (code && code != MDB_NOTFOUND)
        return fail(r->folder, code, err);
    r->positioned = code == 0;
    return r->positioned;
}

int lmdb_next(struct lmdb_reader *r, const uint8_t **ret_key, size_t *ret_n_key, const uint8_t **ret_data, size_t *ret_len,
              struct err *err)
{
    MDB_val k, v;
    int code = mdb_cursor_get(r->cursor, &k, &v, r->positioned ? MDB_GET_CURRENT : MDB_NEXT);

    r->positioned = false;
    if (code == MDB_NOTFOUND)
        return 0;
    if (code)
        return fail(r->folder, code, err);
    *ret_key = k.mv_data;
    *ret_n_key = k.mv_size;
    *ret_data = v.mv_data;
    *ret_len = v.mv_size;
    return 1;
}
