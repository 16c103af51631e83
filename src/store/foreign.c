// SPDX-License-Identifier: Apache-2.0
#include "store/foreign.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "store/db_own.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    STEPS_BETWEEN_LOOKS = 1000,     /* of SQLite's machine, at the clock: some microseconds */
    VALUE_BYTES_MAX     = 1 << 20,
    SQL_BYTES_MAX       = 1 << 16,  /* of a statement, those that describe its tables included */
    COLUMNS_MAX         = 100,
    MACHINE_STEPS_MAX   = 5000,     /* of one statement's program */
};

static const char sql_has_table[] =
    "SELECT count(*)"
    "  FROM sqlite_schema"
    " WHERE type = 'table' AND rootpage > 0 AND name = :name COLLATE NOCASE";

static const char setup_new[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "BEGIN;";

static const char setup_hostile[] =
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA query_only = ON;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -2048;";

int foreign_fail(struct db *db, int rc, const char *text, struct err *err)
{
    (void)db;
    switch (rc) {
    case SQLITE_INTERRUPT:
        return err_set(err, ERR_BAD_INPUT, "reading the SQLite file takes too long");
    case SQLITE_NOTADB:
        return err_set(err, ERR_BAD_INPUT, "this is no SQLite file");
    case SQLITE_CORRUPT:
        return err_set(err, ERR_BAD_INPUT, "the SQLite file is damaged");
    case SQLITE_TOOBIG:
        return err_set(err, ERR_BAD_INPUT, "the SQLite file has a value of more than a megabyte");
    default:
        return err_set(err, ERR_BAD_INPUT, "the SQLite file cannot be read: %.200s",
                       text_is_utf8(text, strlen(text)) ? text : "its tables have odd names");
    }
}

/* --- writing --- */

struct db *foreign_create(const char *path, const char *schema, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_new(path);
    CLEANUP(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    if (fd < 0) {
        err_errno(err, ERR_INTERNAL, "%s", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        db_fail(db, err);
        return NULL;
    }
    if (db_script(db, setup_new, err) < 0 || db_script(db, schema, err) < 0)
        return NULL;
    return TAKE(db);
}

int foreign_finish(struct db *db, struct err *err) { return db_script(db, "COMMIT", err); }

/* --- reading --- */

static int look_at_clock(void *arg)
{
    const struct db *db = arg;

    return clock_mono_ms() > db->deadline_ms; /* not 0: SQLITE_INTERRUPT */
}

/* The statements are ours; this keeps them from anything but reading, whatever stands behind a name. What a schema
 * computes for itself is not asked about here: trusted_schema and the limits hold it. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *database, const char *cause)
{
    static const char *const harmless[] = { "count", "coalesce", "length" };

    (void)arg, (void)a, (void)database, (void)cause;
    if (action == SQLITE_SELECT || action == SQLITE_READ)
        return SQLITE_OK;
    for (size_t i = 0; action == SQLITE_FUNCTION && i < ARRAY_LEN(harmless); i++)
        if (text_same(b, harmless[i]))
            return SQLITE_OK;
    return SQLITE_DENY;
}

static void restrain(sqlite3 *handle)
{
    static const struct { int what, value; } limits[] = {
        { SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX },       { SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX },
        { SQLITE_LIMIT_COLUMN, COLUMNS_MAX },           { SQLITE_LIMIT_EXPR_DEPTH, 20 },
        { SQLITE_LIMIT_COMPOUND_SELECT, 2 },            { SQLITE_LIMIT_VDBE_OP, MACHINE_STEPS_MAX },
        { SQLITE_LIMIT_FUNCTION_ARG, 8 },               { SQLITE_LIMIT_ATTACHED, 0 },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50 },       { SQLITE_LIMIT_VARIABLE_NUMBER, 10 },
        { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },              { SQLITE_LIMIT_WORKER_THREADS, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        sqlite3_limit(handle, limits[i].what, limits[i].value);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
}

static int set_up(struct db *db, const struct foreign_limits *limits, struct err *err)
{
    db->foreign = true;
    db->deadline_ms = clock_mono_ms() + limits->ms_max;
    restrain(db->handle);
    sqlite3_progress_handler(db->handle, STEPS_BETWEEN_LOOKS, look_at_clock, db);
    if (db_script(db, setup_hostile, err) < 0)
        return -1;
    sqlite3_set_authorizer(db->handle, authorize, NULL);
    return 0;
}

static int check_size(int64_t bytes, const struct foreign_limits *limits, struct err *err)
{
    if (bytes <= limits->bytes_max)
        return 0;
    return err_set(err, ERR_TOO_LARGE, "the SQLite file has more than the %d MiB allowed here",
                   (int)(limits->bytes_max >> 20));
}

/* file:<path>?immutable=1 */
static void add_uri(const char *path, struct text *out)
{
    text_add(out, "file:");
    for (; *path; path++) {
        if (strchr("%?# ", *path))
            text_addf(out, "%%%02X", (unsigned char)*path);
        else
            text_add_char(out, *path);
    }
    text_add(out, "?immutable=1");
}

struct db *foreign_open(const char *path, const struct foreign_limits *limits, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_new(path);
    CLEANUP(text_done) struct text uri = {0};
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    struct stat st;

    if (stat(path, &st) < 0) {
        err_errno(err, ERR_INTERNAL, "%s", path);
        return NULL;
    }
    if (check_size(st.st_size, limits, err) < 0)
        return NULL;
    add_uri(path, &uri);
    if (sqlite3_open_v2(uri.data, &db->handle, flags, NULL) != SQLITE_OK) {
        db_fail(db, err);
        return NULL;
    }
    return set_up(db, limits, err) < 0 ? NULL : TAKE(db);
}

struct db *foreign_open_bytes(const void *data, size_t len, const struct foreign_limits *limits, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_new(":memory:");
    unsigned char *copy;

    if (check_size((int64_t)len, limits, err) < 0)
        return NULL;
    if (sqlite3_open_v2(":memory:", &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        db_fail(db, err);
        return NULL;
    }
    copy = sqlite3_malloc64(len ? len : 1);
    if (!copy)
        abort();
    memcpy(copy, data, len);
    if (sqlite3_deserialize(db->handle, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
        db_fail(db, err);
        return NULL;
    }
    return set_up(db, limits, err) < 0 ? NULL : TAKE(db);
}

int foreign_has_table(struct db *db, const char *name, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_has_table, BINDS(BIND_T(":name", name)), err) < 0 ||
        query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    return query_int(&q, 0) > 0;
}
