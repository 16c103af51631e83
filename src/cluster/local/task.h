// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tasks of the local back end: which there are, how long each lives, and what is reported of it. Only
 * local.c and task.c include this. Everything is on the loop's thread. */

#include "cluster/local/local.h"

#include "base/loop.h"

enum { N_CHAINS = 1024 };

struct named_user {
    struct named_user *next;
    char *name;
    struct user *user;
};

struct task {
    struct backend_ctx *b;
    struct task *next;          /* with the same hash */
    char *exec_id, *run_dir;
    pid_t pid;                  /* of the shepherd; 0 unless it is our child */
    int socket;                 /* -1: not connected */
    int64_t stop_ms;            /* the grace of a stop that could not be sent yet; -1: none */
    int64_t started_ms;
    bool told_started, is_lost;
    char death[64];             /* how the shepherd died, "" when not known */
    struct watch *socket_watch; /* only when the shepherd is not our child: the child's end is enough */
    struct watch *child_watch;
    struct watch *later;        /* of the folder of a shepherd that is not ready */
    struct watch *again;        /* until it is looked at again anyway */
    int n_posted;               /* messages under way with this task */
    bool dropped;               /* only they refer to it */
};

struct backend_ctx {
    struct loop *loop;
    char *shepherd;
    report_fn *report;
    void *arg;
    struct named_user *users;
    struct work *work;          /* for remains; NULL until needed */
    struct warm_pool *warm;
    struct task *tasks[N_CHAINS];
    int n_posted;               /* of all tasks */
    bool closed;
};

struct task *local_task_find(struct backend_ctx *b, const char *exec_id);        /* NULL when unknown */
struct task *local_task_add(struct backend_ctx *b, const char *exec_id, const char *run_dir);
void local_task_disconnect(struct task *t);     /* from its shepherd; fine when not connected */

/* Ends its watches and forgets it. The memory stays while messages are under way. */
void local_task_drop(struct task *t);
void local_task_free_if_unused(struct task *t);
void local_ctx_free(struct backend_ctx *b);

/* Messages to ourselves, since no report may come from inside a call. `fn` gets the task, and must first
 * ask local_task_arrived(), which is NULL when the task is of no interest any more. */
void local_task_post(struct task *t, loop_fn *fn);
struct task *local_task_arrived(struct task *t);

void local_task_tell_started(struct task *t, int64_t pid);    /* once; later calls do nothing */
void local_task_tell_started_later(void *arg);                /* for local_task_post() */

/* The last report; drops the task. The receiver may start a task of the same name at once. */
void local_task_tell_end(struct task *t, struct report report);
