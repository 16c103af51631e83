// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The engine: owns live tasks. It queues them for slots, launches them, hears how they end, and writes
 * every change of state to the database before anyone is told. Everything here is for the engine thread
 * (the loop of struct tasks_config) unless a comment says otherwise. */

#include "tasks/tasks.h"

struct engine;
struct exec;
struct task;

/* Told when processes of a task begin (again after a restart of the server, for tasks that run on) and
 * when they have ended, before that end is stored. Arguments are borrowed for the call. */
struct engine_observer {
    void (*started)(void *arg, const struct exec *exec, const char *result_dir, const char *run_dir);
    void (*ended)(void *arg, const struct exec *exec);
};

struct engine *engine_new(struct tasks *t, struct err *err);    /* the loop runs already; any thread */
void engine_free(struct engine *e);                             /* the loop has stopped; NULL is fine */

void engine_set_observer(struct engine *e, const struct engine_observer *observer, void *arg);
                                                                /* before engine_recover(); one */
void engine_add_listener(struct engine *e, exec_moved_fn *fn, void *arg);   /* tasks_on_move() */

/* Takes over what the database says is not final; waits for the engine thread. Not on it. */
int engine_recover(struct engine *e, struct err *err);

void engine_admit(struct engine *e, const char *exec_id);       /* a row just committed */
void engine_stop(struct engine *e, const char *exec_id, bool force);    /* the wish is stored already */
void engine_forget(struct engine *e, const char *search);       /* it has ended: no task of it will follow */
void engine_sweep(struct engine *e);        /* rows were marked deleted: stop and remove them */

/* What a live task holds, for the scheduler's views. NULL when the task is not live. */
struct grant;
const struct grant *engine_grant(struct engine *e, const char *exec_id);
