// SPDX-License-Identifier: Apache-2.0
#include "store/db_own.h"

#include "base/err.h"
#include "base/field.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

enum { BUSY_TIMEOUT_MS = 5000 };

struct statement {
    struct statement *next;         /* in its bucket */
    const char *sql;
    sqlite3_stmt *stmt;
    const struct field *fields;     /* the table `columns` was computed for */
    const struct field **columns;   /* the field each column fills; NULL: none */
    int n_columns;
    bool busy;              /* a query runs it */
    bool single;            /* made while the cached one was busy; dies with its query */
};

/* The writer keeps more pages, as its commits touch every index; a reader that answers from the
 * operating system's cache costs microseconds, and there is one on each thread. mmap is off because
 * a failing disk would then end the process instead of the request. */
static const char setup_writer[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -1024;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA trusted_schema = OFF;";
static const char setup_reader[] =
    "PRAGMA query_only = ON;"
    "PRAGMA cache_size = -512;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA trusted_schema = OFF;";

/* Off while migrating: a step may rebuild a table that others refer to. */
static const char setup_references[] = "PRAGMA foreign_keys = ON";

int db_fail(struct db *db, struct err *err)
{
    int rc = db->handle ? sqlite3_extended_errcode(db->handle) : SQLITE_NOMEM;
    int reason = db->handle ? sqlite3_system_errno(db->handle) : 0;
    const char *text = db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
    bool full = rc == SQLITE_FULL || reason == ENOSPC || reason == EDQUOT;

    if (db->foreign)
        return foreign_fail(db, rc & 0xFF, text, err);
    switch (rc & 0xFF) {
    case SQLITE_CONSTRAINT:
        return err_set(err, ERR_CONFLICT, "the database refuses this change: %s", text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_UNAVAILABLE, "another program keeps the database %s locked",
                       db->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_INTERNAL,
                       "the database %s is damaged (%s); restore it from a backup", db->path, text);
    case SQLITE_READONLY:
        return err_set(err, ERR_UNAVAILABLE,
                       "the database %s cannot be written: its file or folder is read-only",
                       db->path);
    case SQLITE_FULL:
    case SQLITE_IOERR:
        if (full)
            return err_set(err, ERR_NO_SPACE, "no space left on the disk of the database");
        return err_set(err, ERR_INTERNAL, "cannot read or write the database %s: %s", db->path,
                       reason ? strerror(reason) : text);
    case SQLITE_CANTOPEN:
        return err_set(err, full ? ERR_NO_SPACE : ERR_INTERNAL, "cannot open the database %s: %s",
                       db->path, reason ? strerror(reason) : text);
    default:
        return err_set(err, ERR_INTERNAL, "database %s: %s", db->path, text);
    }
}

/* SQLite would make the file readable by all; it holds password hashes and the signing key. */
static int make_private(const char *path, struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;

    if (strcmp(path, ":memory:") == 0)
        return 0;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "cannot open the database %s", path);
    return 0;
}

static int set_up(struct db *db, enum db_mode mode, struct err *err)
{
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    if (mode == DB_READ)
        return db_script(db, setup_reader, err);
    if (db_script(db, setup_writer, err) < 0)
        return -1;
    if (migrate(db, db->path, err) < 0)
        return -1;
    return db_script(db, setup_references, err);
}

/* Without statistics of memory no lock is taken for each piece of it;
 * without pages in advance (20 of them, 87 KB) a connection that reads a few rows stays small. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

struct db *db_new(const char *path)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct db *db = xcalloc(1, sizeof *db);

    pthread_once(&once, configure);
    db->path = xstrdup(path);
    return db;
}

struct db *db_open(const char *path, enum db_mode mode, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_new(path);
    int flags = mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

    if (mode == DB_WRITE && make_private(path, err) < 0)
        return NULL;
    if (mode == DB_READ && access(path, F_OK) < 0) {
        err_set(err, ERR_NOT_FOUND, "there is no database %s", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        db_fail(db, err);
        return NULL;
    }
    if (set_up(db, mode, err) < 0)
        return NULL;
    return TAKE(db);
}

static void statement_free(struct statement *s)
{
    sqlite3_finalize(s->stmt);
    free(s->columns);
    free(s);
}

void db_close(struct db *db)
{
    struct statement *s, *next;

    if (!db)
        return;
    for (int i = 0; i < N_BUCKETS; i++) {
        for (s = db->buckets[i]; s; s = next) {
            next = s->next;
            statement_free(s);
        }
    }
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

static struct statement *prepare(struct db *db, const char *sql, struct err *err)
{
    struct statement *s = xcalloc(1, sizeof *s);

    s->sql = sql;
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL)
        != SQLITE_OK) {
        db_fail(db, err);
        free(s);
        return NULL;
    }
    return s;
}

/* The statement for this SQL, its own if nobody runs it. */
static struct statement *find_statement(struct db *db, const char *sql, struct err *err)
{
    struct statement **bucket = &db->buckets[(uintptr_t)sql / 16 % N_BUCKETS];
    struct statement *s = *bucket;

    while (s && s->sql != sql)
        s = s->next;
    if (s && !s->busy)
        return s;

    bool single = s != NULL;
    s = prepare(db, sql, err);
    if (!s)
        return NULL;
    s->single = single;
    if (!single) {
        s->next = *bucket;
        *bucket = s;
    }
    return s;
}

static void bind_one(sqlite3_stmt *stmt, const struct bind *b)
{
    int at = sqlite3_bind_parameter_index(stmt, b->name);

    if (at == 0) {
        log_error("db.bug", "no parameter %s in: %s", b->name, sqlite3_sql(stmt));
        abort();
    }
    switch (b->type) {
    case BIND_INT:
        sqlite3_bind_int64(stmt, at, b->i);
        break;
    case BIND_REAL:
        sqlite3_bind_double(stmt, at, b->r);
        break;
    case BIND_TEXT:
        sqlite3_bind_text(stmt, at, b->data, -1, SQLITE_STATIC);
        break;
    case BIND_BLOB:
        sqlite3_bind_blob64(stmt, at, b->data, b->len, SQLITE_STATIC);
        break;
    case BIND_END:
        break;
    }
}

int query_start(struct query *q, struct db *db, const char *sql, const struct bind *binds,
                struct err *err)
{
    struct statement *s = find_statement(db, sql, err);

    if (!s)
        return -1;
    s->busy = true;
    *q = (struct query){ .db = db, .statement = s };
    for (const struct bind *b = binds; b && b->type != BIND_END; b++)
        bind_one(s->stmt, b);
    return 0;
}

/* Which field each column fills, worked out once per statement and table. */
static void map_columns(struct statement *s, const struct field *fields)
{
    int n = sqlite3_column_count(s->stmt);

    if (s->fields == fields && s->n_columns == n)
        return;
    s->columns = xrealloc(s->columns, (size_t)n * sizeof(struct field *));
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(s->stmt, i);
        const struct field *f = fields;

        while (f->type != FIELD_END && strcmp(f->name, name) != 0)
            f++;
        s->columns[i] = f->type == FIELD_END ? NULL : f;
    }
    s->fields = fields;
    s->n_columns = n;
}

static void drop_json(void *json) { json_decref(json); }

static int read_json(sqlite3_stmt *stmt, int col, struct mem *mem, json_t **ret, struct err *err)
{
    const char *text = (const char *)sqlite3_column_text(stmt, col);
    json_error_t why;

    *ret = NULL;
    if (!text)
        return 0;
    *ret = json_loadb(text, (size_t)sqlite3_column_bytes(stmt, col),
                      JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!*ret)
        return err_set(err, ERR_INTERNAL, "column %s of the database does not hold JSON: %s",
                       sqlite3_column_name(stmt, col), why.text);
    mem_on_free(mem, drop_json, *ret);
    return 0;
}

static const char *read_text(sqlite3_stmt *stmt, int col, struct mem *mem)
{
    const char *text = (const char *)sqlite3_column_text(stmt, col);

    return text ? mem_strndup(mem, text, (size_t)sqlite3_column_bytes(stmt, col)) : NULL;
}

static int read_column(sqlite3_stmt *stmt, int col, const struct field *f, void *row,
                       struct mem *mem, struct err *err)
{
    bool null = sqlite3_column_type(stmt, col) == SQLITE_NULL;
    void *at = (char *)row + f->offset;

    switch (f->type) {
    case FIELD_TEXT:
        *(const char **)at = read_text(stmt, col, mem);
        return 0;
    case FIELD_INT:
        *(int64_t *)at = null ? INT_UNSET : sqlite3_column_int64(stmt, col);
        return 0;
    case FIELD_REAL:
        *(double *)at = null ? NAN : sqlite3_column_double(stmt, col);
        return 0;
    case FIELD_BOOL:
        *(bool *)at = sqlite3_column_int64(stmt, col) != 0;
        return 0;
    case FIELD_JSON:
        return read_json(stmt, col, mem, at, err);
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_END:
        break;
    }
    return 0;
}

int query_next(struct query *q, const struct field *fields, void *row, struct mem *mem,
               struct err *err)
{
    struct statement *s = q->statement;
    int rc = sqlite3_step(s->stmt);

    if (rc == SQLITE_DONE)
        return 0;
    if (rc != SQLITE_ROW)
        return db_fail(q->db, err);
    if (!fields)
        return 1;
    map_columns(s, fields);
    for (int i = 0; i < s->n_columns; i++)
        if (s->columns[i] && read_column(s->stmt, i, s->columns[i], row, mem, err) < 0)
            return -1;
    return 1;
}

int64_t query_int(const struct query *q, int col)
{
    return sqlite3_column_int64(q->statement->stmt, col);
}

const char *query_text(const struct query *q, int col)
{
    return (const char *)sqlite3_column_text(q->statement->stmt, col);
}

const void *query_blob(const struct query *q, int col, size_t *ret_len)
{
    const void *data = sqlite3_column_blob(q->statement->stmt, col);

    *ret_len = (size_t)sqlite3_column_bytes(q->statement->stmt, col);
    return data;
}

void query_done(struct query *q)
{
    struct statement *s = q->statement;

    q->statement = NULL;
    if (!s)
        return;
    if (s->single) {
        statement_free(s);
        return;
    }
    sqlite3_reset(s->stmt);         /* ends the read transaction */
    sqlite3_clear_bindings(s->stmt);
    s->busy = false;
}

int db_run(struct db *db, const char *sql, const struct bind *binds, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql, binds, err) < 0)
        return -1;
    if (query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    return sqlite3_changes(db->handle);
}

int64_t db_last_id(struct db *db) { return sqlite3_last_insert_rowid(db->handle); }

int db_script(struct db *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(db, err);
    return 0;
}

bool db_in_transaction(const struct db *db) { return !sqlite3_get_autocommit(db->handle); }

bool db_checkpoint(struct db *db)
{
    int rc;

    sqlite3_busy_timeout(db->handle, 0);
    rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    return rc == SQLITE_OK;
}
