// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The launch plan of a task: for every process its argv, environment and log directory, as the runtime
 * contract says. Blocks (looks for interpreters, runs a site plugin's generator with a time limit of
 * 30 s): call it on a worker thread. */

#include "cluster/backend.h"
#include "cluster/group.h"
#include "frameworks/framework.h"

struct plan_request {               /* what tasks/ knows about the task */
    const struct framework *framework;
    const struct settings *settings;
    const char *exec_id, *user;     /* submitter = path component = USER */
    const char *result_dir;         /* RESULT_DIR */
    const char *work_dir;           /* where the code is, cwd */
    const char *run_dir;
    const char *os_user;            /* "" = the server's */
    const char *main_file;          /* relative to work_dir; NULL with user_cmd */
    bool user_cmd;
    struct list program;            /* const char *: arguments, or the whole command with user_cmd */
    const char *data_path;          /* below DLI_DATA_FS; NULL */
    const char *datastore_meta;
    const char *conda_home, *conda_env, *python_version;
    const char *debug_level, *app_name;
    const char *prebuilt_name;
    int64_t n_workers, n_ps, devices_per_worker;
    const char *device_type;        /* "cpu" or "gpu" */
    struct list env;                /* NAME=VALUE of --msd-env, applied last */
    const char *sub_id;             /* SUBID of a trial; NULL otherwise */
    const char *token;              /* --cs-url-bearer and the like never come here */
    const struct grant *grant;
    int64_t wall_ms, memory_bytes;
};

/* Fills *ret (everything in `mem`) and creates the log directories. ERR_BAD_INPUT or ERR_UNAVAILABLE with
 * what is missing: "environment dlipy3 is not in /opt/conda/envs". `launcher_log` gets the lines for
 * launcher.log. */
int plan_make(const struct plan_request *in, struct mem *mem, struct launch *ret,
              struct text *launcher_log, struct err *err);
