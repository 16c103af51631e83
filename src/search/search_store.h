// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Searches and experiments in the database. Functions that read take any connection; functions that
 * change run on the writer's thread, each as one change together with its event. */

#include "base/text.h"
#include "search/search.h"

struct db;
struct err;
struct exec;
struct mem;

/* What to publish once a change is committed. Start as {0}; a change that is run again overwrites
 * it. */
struct search_news {
    int64_t event_id;           /* 0: nothing happened */
    const char *kind;           /* "search.state" or "search.experiment" */
    struct text json;           /* owned */
};

/* ERR_NOT_FOUND "there is no search ...". */
int searches_find(struct db *db, const char *name, struct mem *mem, struct search *ret,
                  struct err *err);

/* The same without `spec`: what is wanted often. */
int searches_look(struct db *db, const char *name, struct mem *mem, struct search *ret,
                  struct err *err);

/* Calls each() in order of creation; it may return -1 with *err to end it. Rows have no `spec` and
 * live until it returns. */
typedef int search_each_fn(void *arg, const struct search *search, struct err *err);
int searches_each(struct db *db, const char *creator /* NULL: everyone's */, search_each_fn *each,
                  void *arg, struct err *err);
/* Those that have not ended, and those whose forced stop may not have reached every experiment. */
int searches_each_unfinished(struct db *db, search_each_fn *each, void *arg, struct err *err);

/* All packages that a row names; for the start-up pass that removes the others. */
int searches_each_package(struct db *db, void (*each)(void *arg, const char *package), void *arg,
                          struct err *err);

/* Between these two, reads see one state of the database. */
int searches_read_begin(struct db *db, struct err *err);
void searches_read_end(struct db *db);

/* --- on the writer's thread --- */

/* ERR_CONFLICT when the name is taken. */
int searches_insert(struct db *db, const struct search *s, struct search_news *news,
                    struct err *err);

/* A new experiment (`again`: one whose row is there, NOTRUN) with its task; the search becomes
 * RUNNING. `exec` NULL: it could not be submitted; experiments_end() follows. ERR_CONFLICT when the
 * search does not take experiments (any more): it has ended, or someone asked it to stop. */
int experiments_start(struct db *db, const char *search, const struct experiment *e, bool again,
                      const struct exec *exec, struct search_news *news, struct err *err);

/* Its task runs. Late news change nothing. */
int experiments_run(struct db *db, const char *search, const struct experiment *e,
                    struct search_news *news, struct err *err);

/* It has ended: state, metric, metrics, message, times. Counters and the best experiment follow.
 * Late news (of another task than the row's, or of one that has ended) change nothing. */
int experiments_end(struct db *db, const char *search, const struct experiment *e, bool maximize,
                    struct search_news *news, struct err *err);

/* What the metrics of running experiments are so far: id, exec and metrics of each struct experiment in the list. Late
 * news change nothing. */
int experiments_measured(struct db *db, const char *search, const struct list *experiments, struct err *err);

/* It is to be stopped because of its metric: a wish that outlives the server. Late news change nothing. */
int experiments_stop_early(struct db *db, const char *search, const struct experiment *e, struct err *err);

/* The task of an experiment was lost with its machine or shepherd: it is to run again, NOTRUN. */
int experiments_requeue(struct db *db, const char *search, const struct experiment *e,
                        struct err *err);

/* The end of a search; experiments still waiting to be run again become KILLED. ERR_CONFLICT when
 * it has ended. */
int searches_end(struct db *db, const char *name, enum search_state state, const char *message,
                 int64_t now_ms, struct search_news *news, struct err *err);

/* Records the wish to stop. ERR_CONFLICT when it has ended. */
int searches_ask_stop(struct db *db, const char *name, struct err *err);

/* STOPPED at once, every experiment that has not ended KILLED. ERR_CONFLICT when it has ended. */
int searches_force(struct db *db, const char *name, int64_t now_ms, struct search_news *news,
                   struct err *err);
int searches_force_done(struct db *db, const char *name,
                        struct err *err); /* none of its tasks runs */

/* STOPPED or RECOVERFAILED becomes SUBMITTED; interrupted experiments become NOTRUN. ERR_CONFLICT
 * otherwise. */
int searches_restart(struct db *db, const char *name, int64_t now_ms, struct search_news *news,
                     struct err *err);

/* Removes rows; with_execs marks the experiments' tasks as deleted. ERR_CONFLICT when one has not
 * ended (then nothing is removed). */
int searches_remove(struct db *db, const char *name, bool with_execs, struct err *err);
int searches_remove_all(struct db *db, const char *creator /* NULL: everyone's */, bool with_execs,
                        struct err *err);
