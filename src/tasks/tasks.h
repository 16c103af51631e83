// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tasks room as a whole: what its routes, its engine and the searches above share. */

#include "http/call.h"

struct cluster;
struct db;
struct err;
struct exec;
struct frameworks;
struct hub;
struct loop;
struct metric_row;
struct settings;
struct work;
struct writer;

struct tasks_config {
    const struct settings *settings;
    struct cluster *cluster;
    struct frameworks *frameworks;
    struct writer *writer;
    struct work *work;
    struct loop *loop;          /* the engine thread; tasks_new() comes before
                                 * loop_start(), tasks_recover() after it */
    struct hub *hub;
    const char *db_path;
};

struct tasks {                  /* plain, read-only after tasks_new() */
    struct tasks_config config;
    struct engine *engine;
    struct exec_cache *cache;   /* records that are being polled */
    struct insight *insight;
    struct events_keep *events_keep;
    int64_t started_mono_ms;    /* for the uptime */
};

struct tasks *tasks_new(const struct tasks_config *config, struct err *err);
void tasks_free(struct tasks *t);       /* after the loop and the writer have stopped; running tasks go on */

/* Reads what the database says is not final and adopts or queues it. Once, before serving; returns when
 * every task is accounted for or being adopted. */
int tasks_recover(struct tasks *t, struct err *err);

/* Told on the engine thread after a task's new state is committed. `exec` is borrowed. */
typedef void exec_moved_fn(void *arg, const struct exec *exec);
void tasks_on_move(struct tasks *t, exec_moved_fn *fn, void *arg);     /* before tasks_recover(); one for each room above */

/* Told on the engine thread after new points of a task are stored. `replaced` names series that begin
 * anew with these rows. All borrowed. */
typedef void exec_metrics_fn(void *arg, const char *exec_id, const struct metric_row *rows, size_t n,
                             const char *const *replaced, size_t n_replaced);
void tasks_on_metrics(struct tasks *t, exec_metrics_fn *fn, void *arg); /* before tasks_recover(); one listener */
/* Tells the listener the points of a running task once more, the first (n 0) first, when it has been told any. On the
 * engine thread. */
void tasks_metrics_again(struct tasks *t, const char *exec_id);

/* On the engine thread: a search has ended, and no task of it will follow. */
void tasks_forget(struct tasks *t, const char *search);

/* Any thread. */
void tasks_admit(struct tasks *t, const char *exec_id);     /* a row just committed by submit_store() */
/* Records the wish durably, then acts; `done` (may be NULL) on the engine thread when the wish is committed. */
void tasks_stop(struct tasks *t, const char *exec_id, bool force, void (*done)(void *arg, const struct err *err), void *arg);
void tasks_sweep(struct tasks *t);      /* rows were marked deleted (execs_mark_deleted()): remove them */

/* Base BASE_DL, room = struct tasks, unless it says otherwise. */
extern const struct route exec_routes[];        /* /execs..., /status */
extern const struct route events_routes[];      /* /events */
extern const struct route metrics_routes[];     /* /execs/{execId}/metrics */
extern const struct route scheduler_routes[];   /* /scheduler/..., /resplans/... */
extern const struct route conductor_routes[];   /* base BASE_CONDUCTOR: instances, logs */
