// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The one thread that writes. Changes given to it by any thread are run in order, each in a
 * savepoint of its own, and whatever is waiting is committed as one transaction (group commit): one
 * fsync for many changes. A change is acknowledged only after that commit. */

#include <stdint.h>

struct db;
struct err;
struct writer;

/* Makes the change, on the writer's thread; -1 undoes this change alone. May run again if the
 * commit of the group failed, so it must not touch anything but the database and its own `arg`. */
typedef int write_fn(struct db *db, void *arg, struct err *err);

/* Told the outcome, on the writer's thread, once: err->kind is ERR_NONE after a durable commit.
 * Must be short: post to a loop, wake a call. */
typedef void written_fn(void *arg, const struct err *err);

struct writer *writer_start(const char *path, struct err *err);     /* opens with DB_WRITE */
void writer_stop(struct writer *w);         /* commits what was given; NULL is fine */

void writer_add(struct writer *w, write_fn *change, written_fn *done /* may be NULL */, void *arg);

/* The same, waiting for the outcome. Not for the engine thread or HTTP handlers. */
int writer_run(struct writer *w, write_fn *change, void *arg, struct err *err);

/* Grows with every commit, before anyone is told of it: what was read after noting it is still true while it
 * has not grown. Any thread. */
uint64_t writer_commits(const struct writer *w);
