// SPDX-License-Identifier: Apache-2.0
#pragma once
/* SQLite files of other programs: made for them, and read from them. A file that is read may have been
 * written by anyone to do harm: it is opened for reading alone, as a file that does not change; nothing
 * of its schema runs (views, triggers, functions that are not harmless, extensions); rows, statements and
 * time are bounded; every page is checked before it is believed. db_run(), query_*() and db_close() work
 * as on any connection. */

#include "store/db.h"

struct foreign_limits {
    int64_t bytes_max;      /* of the file */
    int64_t ms_max;         /* for all reading, from the opening on */
};

/* A new file, readable by its owner only, with the tables of `schema`, in a transaction that
 * foreign_finish() ends. It is not durable before: when anything fails it is to be thrown away. ERR_NO_SPACE. */
struct db *foreign_create(const char *path, const char *schema, struct err *err);
int foreign_finish(struct db *db, struct err *err);

/* Opens a file for reading. From here on whatever is wrong with it is ERR_BAD_INPUT with a sentence, also from
 * query_start() and query_next(). ERR_TOO_LARGE. */
struct db *foreign_open(const char *path, const struct foreign_limits *limits, struct err *err);

/* The same of bytes in memory, which are copied. */
struct db *foreign_open_bytes(const void *data, size_t len, const struct foreign_limits *limits, struct err *err);

/* Whether it has a table of this name: a real one, no view and no virtual table. 1, 0, or -1 with err. */
int foreign_has_table(struct db *db, const char *name, struct err *err);
