// SPDX-License-Identifier: Apache-2.0
#pragma once
/* An application: a task as the scheduler's and the instance groups' calls show it. One builder
 * serves them all. Pure, but for the machine's name. */

#include "tasks/exec.h"

struct mem;
struct settings;

struct app_driver {             /* DriverDetail: the launcher */
    const char *id;             /* the task's submissionId */
    const char *container_id;   /* "": there are no containers */
    const char *state, *host;
    double cores, memory_mib;   /* of the launcher itself: 0 */
    int64_t timestamp_ms;
    const char *out, *err;      /* paths of its logs */
};

struct app_executor {           /* ExecutorDetail: one worker */
    const char *id;             /* <n>-<uuid>, n from 0, uuid as in the submissionId */
    const char *container_id;
    const char *state, *host;
    double cores, memory_mib;   /* held now */
    int64_t timestamp_ms;
    const char *out, *err;
};

struct app_task {               /* a process group as the CLI counts them: the launcher is 0 */
    int64_t id;
    const char *state, *ip, *host;
};

struct app_total { double total; };

struct app_driver_short { const char *id, *state; };
struct app_executor_short { const char *id; };

struct application {            /* SparkApplicationDetail; times are Unix time in ms, 0: not yet */
    const char *group_id, *id, *name, *type, *state, *ui_port;
    struct app_driver driver;
    struct list executors;      /* struct app_executor */
    int64_t slots, demand_slots;        /* devices, or CPU slots of a task without: held, and wanted */
    int64_t hosts;
    double cores, memory_mib;
    const char *user, *driver_user, *executor_user;
    int64_t timestamp_ms, submitted_ms, ended_ms;
    const char *master_url, *schedule_name, *shared;
    double run_minutes;
    int64_t master_seq;
    const char *master_service, *model, *dataset, *framework, *search, *group_name, *history_url;
    struct app_task task0;
    struct list workers;        /* struct app_task, from 1 */
    /* as the instance groups' call shows it */
    struct app_driver_short driver_short;
    struct list executors_short;        /* struct app_executor_short */
    int64_t gpu_slots;          /* devices held */
    struct app_total gpu_memory, gpu_use;       /* not measured: 0 */
};

extern const struct field application_fields[];             /* SparkApplicationDetail, task0, task12n */
extern const struct field instance_application_fields[];    /* of GET /instances/{id}/applications */

struct engine_app {     /* an item of /scheduler/engine/applications; times in Unix seconds */
    const char *id, *consumer, *user, *name;
    int64_t priority;
    const char *type, *state, *tag;
    const char *task12n_resreq; /* "ncpus=2,mem=4096,ngpus=1", of one worker */
    int64_t n_workers;
    struct list workers;        /* struct app_task */
    int64_t used_gpus, used_memory_mib;
    int64_t used_cpus;
    int64_t submit_s, start_s, end_s;   /* 0: not yet */
    struct list kernels;        /* always empty: a task has none */
    bool packing;
    const char *pack_id;
};

extern const struct field engine_app_fields[];

/* Texts live in `mem` or in what `e` borrows. */
void application_make(const struct exec *e, const struct settings *s, int64_t now_ms,
                      struct mem *mem, struct application *ret);
void engine_app_make(const struct exec *e, const char *consumer, struct mem *mem,
                     struct engine_app *ret);

/* The number in an executor's id ("2-<uuid>" is 2); -1 when it is none of this task's. */
int64_t application_executor(const struct exec *e, const char *executor_id);
