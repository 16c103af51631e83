// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The schema in numbered steps, built into the program from migrations/NNN_*.sql. A database
 * records in PRAGMA user_version the last step it has taken. */

struct db;
struct err;

struct migration {
    int number;             /* 1, 2, 3 ... without gaps */
    const char *name;       /* of the file */
    const char *sql;
};

extern const struct migration migrations[];     /* ascending; ends with number 0 */

/* Takes the steps that the database has not taken, each in a transaction of its own, so that an
 * interrupted start goes on where it stopped; two processes may try at once. A database that has
 * taken steps this program does not know is left alone: ERR_CONFLICT. */
int migrate(struct db *db, const char *path, struct err *err);
