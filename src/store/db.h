// SPDX-License-Identifier: Apache-2.0
#pragma once
/* SQLite, seen by the rest: connections, statements by name, rows into structs. sqlite3.h is
 * included in this room only. One struct db belongs to one thread at a time; statements are
 * prepared once per connection and SQL text (compared by pointer: pass the `static const char
 * sql_...[]` itself). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct db;
struct err;
struct field;
struct mem;

struct bind {               /* a value for one :name in the SQL */
    const char *name;
    enum { BIND_END, BIND_INT, BIND_REAL, BIND_TEXT, BIND_BLOB } type;
    int64_t i;
    double r;
    const void *data; /* TEXT: NUL-terminated; NULL binds NULL. Borrowed until the statement ends */
    size_t len;             /* BLOB */
};

#define BIND_I(name_, v)      { .name = (name_), .type = BIND_INT,  .i = (v) }
#define BIND_R(name_, v)      { .name = (name_), .type = BIND_REAL, .r = (v) }  /* NaN: NULL */
#define BIND_T(name_, v)      { .name = (name_), .type = BIND_TEXT, .data = (v) }
#define BIND_B(name_, v, n)   { .name = (name_), .type = BIND_BLOB, .data = (v), .len = (n) }
#define BINDS(...)            ((const struct bind[]){ __VA_ARGS__, { .type = BIND_END } })

struct query {              /* a statement in progress; start as {0} */
    struct db *db;
    struct statement *statement;
};

enum db_mode { DB_READ, DB_WRITE };

/* Opens <data>/trainyard.db in WAL mode, synchronous FULL. DB_WRITE creates it (readable by its
 * owner only) and brings its schema to the newest migration; a database newer than this program is
 * ERR_CONFLICT. DB_READ refuses every change and needs an existing database (ERR_NOT_FOUND).
 * `path` may be ":memory:". Another process that writes is waited for, up to 5 s. */
struct db *db_open(const char *path, enum db_mode mode, struct err *err);
void db_close(struct db *db);       /* NULL is fine */
static inline void db_closep(struct db **db) { db_close(*db); }

/* Binds the parameters by name (a name the SQL lacks is a bug and aborts). */
int query_start(struct query *q, struct db *db, const char *sql, const struct bind *binds,
                struct err *err);

/* Next row into `row`, columns matched to fields by name (columns without a field are skipped, NULL
 * gives the absent value of field.h, members without a column keep what they had); text is copied
 * to `mem`. FIELD_JSON columns hold JSON text; the value lives as long as `mem`. Only TEXT, INT,
 * REAL, BOOL and JSON members are filled. Returns 1 with a row, 0 at the end, -1 on error. `fields`
 * may be NULL when no row is wanted. A broken UNIQUE, CHECK or FOREIGN KEY rule is ERR_CONFLICT; a
 * full disk ERR_NO_SPACE; a database that another process keeps locked ERR_UNAVAILABLE. */
int query_next(struct query *q, const struct field *fields, void *row, struct mem *mem,
               struct err *err);

/* Column `col` of the current row, for one-off reads. */
int64_t query_int(const struct query *q, int col);
const char *query_text(const struct query *q, int col);     /* borrowed until the next step */
const void *query_blob(const struct query *q, int col, size_t *ret_len);
void query_done(struct query *q);

/* For statements that return no rows. Returns the number of rows changed, -1 on error. */
int db_run(struct db *db, const char *sql, const struct bind *binds, struct err *err);
int64_t db_last_id(struct db *db);

/* For the writer and the migrations. db_script() runs several statements without parameters.
 * db_in_transaction() is false again when SQLite has rolled back by itself, as it does on a full
 * disk. db_checkpoint() empties the write-ahead log into the database without waiting for readers;
 * false: one was in the way. */
int db_script(struct db *db, const char *sql, struct err *err);
bool db_in_transaction(const struct db *db);
bool db_checkpoint(struct db *db);
