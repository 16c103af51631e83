// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/lmdb_file.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>

#include <lmdb.h>

enum {
    BATCH_BYTES = 8 << 20,              /* of one transaction, which is held in memory */
    MAP_STEP = 256 << 20,               /* bytes of address space, not of disk */
};

struct lmdb_writer {
    MDB_env *env;
    MDB_txn *txn;                       /* NULL between transactions */
    MDB_cursor *cursor;
    MDB_dbi dbi;
    char *folder;
    size_t batch;                       /* bytes in the open transaction */
};

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

/* --- writing --- */

static void writer_free(struct lmdb_writer *w)
{
    if (w->cursor)
        mdb_cursor_close(w->cursor);
    if (w->txn)
        mdb_txn_abort(w->txn);
    if (w->env)
        mdb_env_close(w->env);
    free(w->folder);
    free(w);
}

void lmdb_abandon(struct lmdb_writer *w)
{
    if (w)
        writer_free(w);
}

struct lmdb_writer *lmdb_create(const char *folder, struct err *err)
{
    struct lmdb_writer *w;
    int code;

    if (file_mkdirs(folder, 0755, err) < 0)
        return NULL;
    w = xcalloc(1, sizeof *w);
    w->folder = xstrdup(folder);
    code = mdb_env_create(&w->env);
    if (code == 0)
        code = mdb_env_set_mapsize(w->env, MAP_STEP);
    if (code == 0)
        code = mdb_env_open(w->env, folder, MDB_NOSYNC | MDB_NORDAHEAD, 0644);
    if (code != 0) {
        fail(folder, code, err);
        writer_free(w);
        return NULL;
    }
    return w;
}

static int commit(struct lmdb_writer *w, struct err *err)
{
    int code;

    if (!w->txn)
        return 0;
    mdb_cursor_close(w->cursor);
    w->cursor = NULL;
    code = mdb_txn_commit(w->txn);
    w->txn = NULL;
    w->batch = 0;
    return code ? fail(w->folder, code, err) : 0;
}

/* Address space for what is there, one transaction with a record of `len` bytes, and the tree above. */
static int make_room(struct lmdb_writer *w, size_t len)
{
    MDB_envinfo info;
    MDB_stat stat;
    size_t need;

    mdb_env_info(w->env, &info);
    mdb_env_stat(w->env, &stat);
    need = (info.me_last_pgno + 1) * stat.ms_psize + 2 * (BATCH_BYTES + len);
    if (need <= info.me_mapsize)
        return 0;
    need += need / 4;
    return mdb_env_set_mapsize(w->env, (need + MAP_STEP - 1) / MAP_STEP * MAP_STEP);
}

static int begin(struct lmdb_writer *w, size_t len, struct err *err)
{
    int code;

    if (w->txn && w->batch + len <= BATCH_BYTES)
        return 0;
    if (commit(w, err) < 0)
        return -1;
    code = make_room(w, len);
    if (code == 0)
        code = mdb_txn_begin(w->env, NULL, 0, &w->txn);
    if (code == 0)
        code = mdb_dbi_open(w->txn, NULL, 0, &w->dbi);
    if (code == 0)
        code = mdb_cursor_open(w->txn, w->dbi, &w->cursor);
    return code ? fail(w->folder, code, err) : 0;
}

int lmdb_write(struct lmdb_writer *w, const void *key, size_t n_key, const uint8_t *data, size_t len, struct err *err)
{
    MDB_val k = { .mv_size = n_key, .mv_data = (void *)key }, v = { .mv_size = len, .mv_data = (void *)data };
    int code;

    if (begin(w, len, err) < 0)
        return -1;
    code = mdb_cursor_put(w->cursor, &k, &v, MDB_APPEND);
    w->batch += len;
    return code ? fail(w->folder, code, err) : 0;
}

int lmdb_close(struct lmdb_writer *w, struct err *err)
{
    int result = commit(w, err);
    int code = result == 0 ? mdb_env_sync(w->env, /* force= */ 1) : 0;

    if (code)
        result = fail(w->folder, code, err);
    writer_free(w);
    return result;
}

/* --- reading --- */

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
