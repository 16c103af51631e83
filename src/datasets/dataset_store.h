// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Datasets in the database. Functions that read take any connection; functions that change run on the writer's
 * thread. Rows that are being deleted are invisible unless a comment says otherwise. */

#include "base/text.h"
#include "datasets/dataset.h"

struct db;
struct err;
struct exec;
struct mem;

/* The row, as it is stored; dataset_fill() makes the record. ERR_NOT_FOUND "there is no dataset ...". */
int datasets_find(struct db *db, const char *name, struct mem *mem, struct dataset *ret, struct err *err);

/* Oldest first, what `user` may see (NULL: everything). The row lives until each() returns. */
typedef int dataset_each_fn(void *arg, const struct dataset *row, struct mem *mem, struct err *err);
int datasets_each(struct db *db, const char *user, dataset_each_fn *each, void *arg, struct err *err);

/* At start: what is not final or is being deleted, and then every folder that a row names: of those that are still
 * built their target and source, of all the name. */
int datasets_each_active(struct db *db, dataset_each_fn *each, void *arg, struct err *err);
int datasets_each_any(struct db *db, dataset_each_fn *each, void *arg, struct err *err);

/* --- on the writer's thread --- */

struct dataset_news {           /* the event of a change; json is reused when a change runs again */
    int64_t event_id;           /* 0: nothing changed */
    struct text json;
};

/* The row and its task, one change. ERR_BAD_INPUT about "name" when that is taken. */
int datasets_insert(struct db *db, const struct dataset *row, const struct exec *exec, struct dataset_news *news,
                    struct err *err);

/* Another task builds it: the one before was lost. ERR_CONFLICT when it is final, is to be
 * stopped, or is not built by `lost` any more. */
int datasets_again(struct db *db, const struct dataset *row, const char *lost, const struct exec *exec, struct err *err);

int datasets_ask_stop(struct db *db, const char *name, struct err *err);   /* final: nothing */

int datasets_run(struct db *db, const char *name, const char *exec, int64_t started_ms, struct dataset_news *news,
                 struct err *err);                      /* nothing when it is not SUBMITTED */

/* The end: status, message, times, size_bytes, report_text and input_text of `row`. ERR_CONFLICT when it is final. */
int datasets_end(struct db *db, const struct dataset *row, struct dataset_news *news, struct err *err);

/* Marks it and its task as deleted. ERR_CONFLICT, with a sentence that says by what, while it is built or used. */
int datasets_mark_deleted(struct db *db, const char *name, struct err *err);
int datasets_remove(struct db *db, const char *name, struct err *err);     /* the row, at last */
