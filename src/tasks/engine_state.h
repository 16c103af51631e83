// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the files of the engine share: the live tasks and the steps done with them. Nothing outside
 * tasks/engine*.c includes this. All of it belongs to the engine thread, but for what a comment says
 * crosses threads. */

#include "base/err.h"
#include "base/text.h"
#include "cluster/backend.h"
#include "cluster/cluster.h"
#include "tasks/engine.h"
#include "tasks/exec.h"
#include "tasks/queue.h"

#include <pthread.h>

struct mem;
struct watch;

enum { GROUPS_MAX = 64, BACKENDS_MAX = 8, LISTENERS_MAX = 4 };

/* One change of state on its way through the writer. Belongs to its task; the writer's thread fills
 * `event_id` and `err` while the task waits for it. */
struct move {
    struct move *next;
    struct task *task;
    struct exec exec;           /* as it becomes; texts are the task's */
    enum exec_state from;
    int64_t event_id;
    struct err err;
};

/* A launch being made ready on a worker thread, which alone uses it until it posts it back. */
struct preparation {
    struct task *task;
    struct engine *engine;
    struct mem *mem;
    struct exec exec;           /* as it was; texts are the task's */
    struct grant grant;
    const struct group *group;
    struct launch launch;       /* out */
    struct err err;             /* out; kind ERR_NONE when ready */
};

struct task {
    struct queue_item item;     /* first: the queue hands it back */
    struct task *next;          /* in its bucket */
    struct engine *engine;
    struct mem *mem;            /* of exec's texts */
    struct exec exec;
    enum exec_state state;
    struct group *group;
    struct queue *queue;        /* of its group */
    struct grant grant;
    bool granted;               /* holds slots */
    bool launched;              /* the back end has it */
    bool adopting;              /* the back end is asked whether it has it */
    bool stop_wanted;
    int64_t stop_grace_ms;
    struct preparation *preparing;  /* on a worker thread, or kept for the back end until started */
    bool prepared;              /* it is back */
    struct watch *deadline;     /* of waiting for slots */
    struct watch *retry;        /* of a change of state that could not be written */
    struct move *moves, **moves_end;
    bool writing;               /* the first move is with the writer */
};

struct stop_wish {              /* tasks_stop() under way; crosses threads */
    struct stop_wish *next;
    struct engine *engine;
    char *id;
    bool force;
    void (*done)(void *arg, const struct err *err);
    void *arg;
    struct err err;
};

struct engine {
    struct tasks *tasks;
    struct db *db;              /* reads, on the engine thread */
    struct task **buckets;
    size_t n_buckets, n_live;
    struct queue *queues[GROUPS_MAX];       /* by place in the cluster's list */
    struct group *groups[GROUPS_MAX];
    int n_groups;
    struct { const struct backend *backend; struct backend_ctx *ctx; } backends[BACKENDS_MAX];
    int n_backends;
    const struct engine_observer *observer;
    void *observer_arg;
    struct { exec_moved_fn *fn; void *arg; } listeners[LISTENERS_MAX];
    int n_listeners;
    bool write_failed;          /* said so already */
    struct sweep *sweep;        /* a batch being removed on a worker thread; NULL */
    bool sweep_again;
    struct leftovers *leftovers;    /* start-up pass under way; NULL */
    pthread_mutex_t wishes_lock;
    struct stop_wish *wishes;   /* guarded by wishes_lock */
};

/* live.c: the table of live tasks */
struct task *task_new(struct engine *e, const char *exec_id, struct err *err);     /* from its row */
struct task *task_find(struct engine *e, const char *exec_id);
void task_forget(struct task *t);           /* if nothing of it is left to do */
void task_free(struct task *t);

/* engine_move.c: states */
bool task_apply(struct task *t, enum exec_event event);     /* false: it meant nothing */
void task_fail(struct task *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
                                            /* EV_LOST with a sentence */
void moves_free(struct task *t);

/* engine_launch.c */
void task_launch(struct task *t);           /* has its grant */
void preparation_free(struct preparation *p);

/* engine.c */
void task_enqueue(struct task *t);          /* and starts it if it fits */
void task_wait(struct task *t);              /* it is queued and did not fit */
void task_release(struct task *t);          /* gives back slots, leaves the queue */
void engine_dispatch(struct engine *e);
struct backend_ctx *engine_backend(struct engine *e, const struct backend *backend);

/* engine_stop.c */
void task_stop(struct task *t, bool force);
void task_signal(struct task *t);           /* asks the back end */
void task_stop_unlaunched(struct task *t);  /* of which no process runs */
void wishes_free(struct engine *e);

/* engine_delete.c */
void sweep_free(struct sweep *s);

/* recover.c */
void leftovers_free(struct leftovers *l);
