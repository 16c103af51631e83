// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the files that make a launch plan share. */

#include "frameworks/interpreter.h"
#include "frameworks/plan.h"
#include "frameworks/variables.h"

#include <sys/types.h>

enum { PROCESSES_MAX = 1024 };      /* of one task */

struct owner {                  /* the OS user that runs the task */
    uid_t uid;
    gid_t gid;
    const char *home;
};

struct planning {
    const struct plan_request *in;
    struct mem *mem;
    struct text *log;
    struct owner owner;
    struct interpreter python;
    const char *data_dir;       /* NULL: the site has none */
    int n_workers, n_ps;
    int devices;                /* per worker, granted; 0 on CPUs */
    int *ports;                 /* n_workers + n_ps; NULL when none are needed */
};

/* One process of the task: workers 0..n_workers-1, then parameter servers. */
struct member {
    const char *label;          /* "worker-0", "ps-0" */
    const char *log_dir;
    bool is_ps;
    int index;                  /* among its kind */
    int number;                 /* among all */
};

/* Variables that every process of the task has, and those of one process on top. */
struct variables plan_variables(const struct planning *p);
struct variables plan_member_variables(const struct planning *p, const struct variables *common,
                                       const struct member *m);

/* How the only process of a trial may be started warm; NULL when it may not. */
const struct launch_warm *plan_warm(const struct planning *p, const struct launch_process *process);
