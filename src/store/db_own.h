// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The inside of this room: what stands behind a struct db. */

#include "store/db.h"

#include <sqlite3.h>

enum { N_BUCKETS = 64 /* a connection knows about a hundred statements */ };

struct statement;

struct db {
    sqlite3 *handle;        /* NULL until it is opened */
    char *path;
    struct statement *buckets[N_BUCKETS];
    bool foreign;           /* another program's file: see foreign.h */
    int64_t deadline_ms;    /* monotonic; of a foreign file that is read */
};

struct db *db_new(const char *path); /* not opened; configures SQLite before the first */

/* What SQLite says is wrong, as an error; returns -1. */
int db_fail(struct db *db, struct err *err);
int foreign_fail(struct db *db, int rc, const char *text, struct err *err);
