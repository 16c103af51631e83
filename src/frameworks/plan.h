// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The launch plan of a task: for every process its argv, environment and log directory, as user
 * code expects them. Blocks (looks for interpreters, runs a site plugin's generator with a time
 * limit of 30 s): call it on a worker thread. */

#include "cluster/backend.h"
#include "cluster/group.h"
#include "frameworks/framework.h"

struct settings;
struct text;

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
    int64_t n_workers, n_ps, devices_per_worker;    /* INT_UNSET: the framework's; 1 */
    const char *device_type;        /* "cpu" or "gpu" */
    struct list env;                /* NAME=VALUE of --msd-env, applied last */
    const char *sub_id;             /* SUBID of a trial; NULL otherwise */
    const char *search;             /* what it is a trial of; NULL */
    bool cold;                      /* not to be started by a warm interpreter */
    const struct grant *grant;
    int64_t wall_ms, memory_bytes;
};

/* DATA_DIR: the data root, or the folder below it that `data_path` (NULL, relative, or absolute
 * inside the root) names; NULL when the site has no data root. ERR_BAD_INPUT when it leads
 * elsewhere. Pure. */
int plan_data_dir(const struct settings *s, const char *data_path, struct mem *mem,
                  const char **ret, struct err *err);

/* How many workers a task of this framework gets: `asked`, or the definition's when INT_UNSET.
 * ERR_BAD_INPUT when that is more than the framework runs. Pure. */
int plan_workers(const struct framework *f, int64_t asked, int64_t *ret, struct err *err);

/* How many parameter servers; 0 unless the framework has them and they are asked for, or its
 * strategy needs them. Pure. */
int64_t plan_parameter_servers(const struct framework *f, int64_t asked);

/* Fills *ret (everything in `mem`) and creates the log directories. ERR_BAD_INPUT or
 * ERR_UNAVAILABLE with what is missing: "environment dlipy3 is not in /opt/conda/envs".
 * `launcher_log` gets the lines for launcher.log. */
int plan_make(const struct plan_request *in, struct mem *mem, struct launch *ret,
              struct text *launcher_log, struct err *err);
