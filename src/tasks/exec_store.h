// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Tasks in the database. Functions that read take any connection; functions that change run on the
 * writer's thread. Rows marked as deleted are invisible unless a comment says otherwise. */

#include "tasks/exec.h"

struct db;
struct err;
struct mem;

/* The whole row but for its plan, texts in `mem`. `id` may also be a submissionId.
 * ERR_NOT_FOUND "there is no task ...". */
int execs_find(struct db *db, const char *id, struct mem *mem, struct exec *ret, struct err *err);

/* The row with its plan, deleted or not: for the engine. ERR_NOT_FOUND. */
int execs_load(struct db *db, const char *id, struct mem *mem, struct exec *ret, struct err *err);

struct exec_filter {            /* {0} is everything, oldest first */
    const char *creator;        /* whose; NULL: everyone's */
    const char *states;         /* "RUNNING,FINISHED", any case; NULL: all */
    const char *framework;      /* case ignored; NULL: all */
    const char *sig_name;       /* NULL: all */
    const char *search;         /* substring of id, appName, creator or framework; NULL: all */
    const char *sort;           /* a name of the record; NULL: order of submission */
    bool descending;
    const char *after;          /* go on after this task, in order of submission; NULL: from the start */
    int64_t start;              /* how many to pass over */
    int64_t limit;              /* 0: no limit */
};

/* Calls each() for every match; each() may return -1 with *err to end it. The exec and its texts live
 * until each() returns. ERR_BAD_INPUT for an unknown state or sort field. */
typedef int exec_each_fn(void *arg, const struct exec *exec, struct err *err);
int execs_each(struct db *db, const struct exec_filter *filter, exec_each_fn *each, void *arg,
               struct err *err);
int execs_count(struct db *db, const struct exec_filter *filter, int64_t *ret, struct err *err);

struct exec_counts {
    int64_t n_running, n_pending, n_searches;
};
int execs_counts(struct db *db, struct exec_counts *ret, struct err *err);

/* Every task that is not final, oldest first, deleted ones too, with plans: for recovery. */
int execs_each_active(struct db *db, exec_each_fn *each, void *arg, struct err *err);

bool execs_exist(struct db *db, const char *id);    /* deleted or not; true as well when unsure */

/* --- on the writer's thread --- */
int execs_insert(struct db *db, const struct exec *exec, struct err *err);   /* the row and its event */

/* From state `from` to exec->state, with its events, times and exit code, and an `exec.state` event
 * (id in *ret_event). ERR_CONFLICT when the row is not in `from` (any more). */
int execs_move(struct db *db, const struct exec *exec, const char *from, int64_t *ret_event,
               struct err *err);
int execs_ask_stop(struct db *db, const char *id, struct err *err);         /* final: nothing */
int execs_mark_deleted(struct db *db, const char *id, struct err *err);
int execs_mark_all_deleted(struct db *db, const char *creator, struct err *err);
                                    /* but trials of a search, and the builder of a dataset, that have not ended */
int execs_remove(struct db *db, const char *id, struct err *err);           /* the row, at last */

/* --- deletion, read side: rows marked and final, at most `max`; id and creator only --- */
int execs_each_doomed(struct db *db, int64_t max, exec_each_fn *each, void *arg, struct err *err);
/* Marked but not final: to be stopped first. */
int execs_each_condemned(struct db *db, exec_each_fn *each, void *arg, struct err *err);
