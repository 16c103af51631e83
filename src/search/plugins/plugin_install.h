// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The files of installed algorithms. All of it blocks: for worker threads, or before the server answers.
 *
 * A folder in <shared>/tools/tune/plugins is made aside and renamed. While no row in the database speaks of it yet,
 * or any more, a marker inside says so: the start-up pass removes what has one and no row, and leaves alone what
 * others put there. */

#include <stdbool.h>

struct db;
struct err;
struct settings;

struct plugin_files {           /* where a plugin comes from: one of these */
    const char *archive;        /* an uploaded file */
    const char *folder;         /* a folder of this machine */
    bool anywhere;              /* that may be any; else one below paths.data or paths.shared, readable by everyone */
};

/* Places the files of a plugin under `name`, marked. ERR_BAD_INPUT, with nothing left behind: what was given cannot
 * be used and why, or there is a folder of this name. */
int plugin_place(const struct settings *s, const char *name, const struct plugin_files *from, struct err *err);

int plugin_mark(const struct settings *s, const char *name, struct err *err);   /* its row is about to go */

/* The next start does what these cannot do now; they log it. */
void plugin_unmark(const struct settings *s, const char *name);     /* its row is there */
void plugin_remove(const struct settings *s, const char *name);     /* marked, and without a row */

/* After a crash: removes what is marked and has no row, and what was being made or removed. Logs what it cannot do. */
void plugins_sweep(const struct settings *s, struct db *db);
