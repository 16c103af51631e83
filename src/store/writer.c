// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    GROUP_MAX = 512,        /* changes in one commit: the first in line must not wait long */
    QUIET_MS = 1000,        /* without a change before the write-ahead log is emptied */
};

struct change {
    struct change *next;
    write_fn *fn;
    written_fn *done;
    void *arg;
    struct err err;         /* the outcome */
};

struct writer {
    struct db *db;          /* the thread's alone */
    pthread_t thread;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t given;   /* on the monotonic clock */
    struct change *first, **end;
    bool stopping;
    _Atomic uint64_t n_commits;     /* not guarded */
};

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_mark[] = "SAVEPOINT change";
static const char sql_undo[] = "ROLLBACK TO change";
static const char sql_keep[] = "RELEASE change";

static void roll_back(struct db *db)
{
    struct err ignored = {0};       /* there is nothing to roll back when SQLite already did */

    if (db_in_transaction(db))
        db_run(db, sql_rollback, NULL, &ignored);
}

/* Makes one change inside the group's transaction. Returns -1 when the transaction itself is lost
 * or the savepoint cannot be handled; a change that failed alone is undone, with its reason in
 * c->err. */
static int make_change(struct db *db, struct change *c, struct err *err)
{
    c->err = (struct err){0};
    if (db_run(db, sql_mark, NULL, err) < 0)
        return -1;
    if (c->fn(db, c->arg, &c->err) < 0) {
        if (!db_in_transaction(db)) {
            *err = c->err;
            return -1;
        }
        if (db_run(db, sql_undo, NULL, err) < 0)
            return -1;
    }
    return db_run(db, sql_keep, NULL, err) < 0 ? -1 : 0;
}

static int commit_changes(struct db *db, struct change *first, struct err *err)
{
    for (struct change *c = first; c; c = c->next)
        if (make_change(db, c, err) < 0)
            return -1;
    return db_run(db, sql_commit, NULL, err) < 0 ? -1 : 0;
}

/* Commits the list as one transaction. When that is impossible nothing of it is left. */
static int write_group(struct db *db, struct change *first, bool *ret_begun, struct err *err)
{
    *ret_begun = false;
    if (db_run(db, sql_begin, NULL, err) < 0)
        return -1;
    *ret_begun = true;
    if (commit_changes(db, first, err) == 0)
        return 0;
    roll_back(db);
    return -1;
}

static void fail_change(struct change *c, const struct err *err)
{
    if (c->err.kind == ERR_NONE)
        c->err = *err;
}

/* One by one after a group could not be committed: the change that is too large for the disk must
 * not take the others with it. */
static void write_singly(struct db *db, struct change *first)
{
    struct change *next;
    bool begun;

    for (struct change *c = first; c; c = next) {
        struct err err = {0};

        next = c->next;
        c->next = NULL;
        if (write_group(db, c, &begun, &err) < 0) {
            c->err = (struct err){0};
            fail_change(c, &err);
        }
        c->next = next;
    }
}

static void write_changes(struct db *db, struct change *first)
{
    struct err err = {0};
    bool begun;

    if (write_group(db, first, &begun, &err) == 0)
        return;
    if (begun && first->next) {
        write_singly(db, first);
        return;
    }
    for (struct change *c = first; c; c = c->next)
        c->err = err;
}

static void tell(struct change *first)
{
    struct change *next;

    for (struct change *c = first; c; c = next) {
        next = c->next;
        if (c->done)
            c->done(c->arg, &c->err);
        free(c);
    }
}

/* The next group, NULL when stopping. Called and returns with the lock held. While `dirty`, a quiet
 * spell ends with an emptied log, so that an idle server holds no large one. */
static struct change *wait_for_changes(struct writer *w, bool *dirty)
{
    struct timespec until;
    int rc = 0;

    while (!w->first && !w->stopping) {
        if (!*dirty) {
            pthread_cond_wait(&w->given, &w->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += QUIET_MS / 1000;
        rc = pthread_cond_timedwait(&w->given, &w->lock, &until);
        if (rc == ETIMEDOUT && !w->first) {
            pthread_mutex_unlock(&w->lock);
            *dirty = !db_checkpoint(w->db);
            pthread_mutex_lock(&w->lock);
        }
    }

    struct change *first = w->first, *last = first;
    for (int n = 1; last && last->next && n < GROUP_MAX; n++)
        last = last->next;
    w->first = last ? last->next : NULL;
    if (!w->first)
        w->end = &w->first;
    if (last)
        last->next = NULL;
    return first;
}

static void *run(void *arg)
{
    struct writer *w = arg;
    struct change *group;
    bool dirty = true;      /* a crash may have left a large log */

    for (;;) {
        pthread_mutex_lock(&w->lock);
        group = wait_for_changes(w, &dirty);
        pthread_mutex_unlock(&w->lock);
        if (!group)
            break;
        write_changes(w->db, group);
        w->n_commits++;
        tell(group);
        dirty = true;
    }
    db_checkpoint(w->db);
    return NULL;
}

static struct writer *writer_new(struct db *db)
{
    struct writer *w = xcalloc(1, sizeof *w);
    pthread_condattr_t attr;

    w->db = db;
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->given, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

static void writer_free(struct writer *w)
{
    db_close(w->db);
    pthread_cond_destroy(&w->given);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct writer *writer_start(const char *path, struct err *err)
{
    struct db *db = db_open(path, DB_WRITE, err);
    struct writer *w;
    int reason;

    if (!db)
        return NULL;
    w = writer_new(db);
    reason = pthread_create(&w->thread, NULL, run, w);
    if (reason != 0) {
        writer_free(w);
        err_set(err, ERR_INTERNAL, "cannot start the writer's thread: %s", strerror(reason));
        return NULL;
    }
    pthread_setname_np(w->thread, "writer");
    return w;
}

void writer_stop(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->given);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    writer_free(w);
}

void writer_add(struct writer *w, write_fn *fn, written_fn *done, void *arg)
{
    struct change *c = xcalloc(1, sizeof *c);

    *c = (struct change){ .fn = fn, .done = done, .arg = arg };
    pthread_mutex_lock(&w->lock);
    *w->end = c;
    w->end = &c->next;
    pthread_cond_signal(&w->given);
    pthread_mutex_unlock(&w->lock);
}

uint64_t writer_commits(const struct writer *w) { return w->n_commits; }

struct wait {
    write_fn *fn;
    void *arg;
    struct err *err;
    bool over;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static int wait_change(struct db *db, void *arg, struct err *err)
{
    struct wait *wait = arg;

    return wait->fn(db, wait->arg, err);
}

static void wait_done(void *arg, const struct err *err)
{
    struct wait *wait = arg;

    pthread_mutex_lock(&wait->lock);
    if (err->kind != ERR_NONE)
        *wait->err = *err;
    wait->over = true;
    pthread_cond_signal(&wait->done);
    pthread_mutex_unlock(&wait->lock);
}

int writer_run(struct writer *w, write_fn *fn, void *arg, struct err *err)
{
    struct err outcome = {0};
    struct wait wait = { .fn = fn, .arg = arg, .err = &outcome };

    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.done, NULL);
    writer_add(w, wait_change, wait_done, &wait);
    pthread_mutex_lock(&wait.lock);
    while (!wait.over)
        pthread_cond_wait(&wait.done, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    pthread_cond_destroy(&wait.done);
    pthread_mutex_destroy(&wait.lock);
    if (outcome.kind == ERR_NONE)
        return 0;
    *err = outcome;
    return -1;
}
