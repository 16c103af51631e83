// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a framework definition says, and where definitions come from: the shipped
 * frameworks/<name>.json, and site plugins <plugins_dir>/<Name>.conf (JSON with `desc`, `appName`,
 * `frameworkCmdGenerator`, ...), rescanned when the folder changes, without a restart.
 * Thread-safe. */

#include "base/field.h"
#include "http/call.h"

struct err;
struct frameworks;
struct mem;
struct settings;

struct framework {
    const char *name;
    struct list aliases;            /* other names it is found under; not in replies */
    struct list desc;               /* lines of text */
    const char *version;            /* frameworkVersion; NULL when the engine is not installed */
    const char *description;
    const char *distribute_strategy;
    int64_t n_ps;
    const char *deploy_mode;        /* "cluster" */
    const char *has_task0;          /* "" or "false" */
    const char *exec_mode;          /* "single", "distributed" */
    const char *app_name;
    int64_t n_workers, max_workers;
    const char *worker_memory;      /* "4G" */
    const char *generator;          /* frameworkCmdGenerator; site plugins run it */
    const char *backend;            /* "PyTorch", "TensorFlow", ... */
    const char *prebuilt_main, *prebuilt_dir;
    json_t *exports;                /* object of strings */
    struct list warm;               /* Python modules that a warm interpreter may import; not in replies */
    const char *launch;             /* "python", "torch", "tensorflow", "generator", "caffe": how the
                                     * launch plan is made; not in replies */
    const char *package;            /* Python package whose version is frameworkVersion; NULL = none */
    const char *engine;             /* name in GET /frameworks; NULL = not for managed models */
    const char *home;               /* where its interpreter is installed: "/usr" */
    int64_t max_devices;            /* GPUs of one worker; INT_UNSET = no limit */
    const char *python;             /* interpreter of this definition; NULL = paths.python */
    const char *conda_env;          /* default environment; NULL = frameworks.default_env */
    bool precreate_model_dir;
    bool installed;                 /* false: listed, refuses to run */
    const char *missing;            /* why not installed: a sentence */
};

extern const struct field framework_fields[]; /* DLFramework */

/* A definition file's object, shipped or site; ERR_BAD_INPUT names the member that is wrong. What
 * the file leaves out gets its default. Everything lives in `mem`. */
int framework_from_json(const json_t *json, const char *name, struct mem *mem,
                        struct framework *ret, struct err *err);
void framework_copy(const struct framework *in, struct mem *mem, struct framework *ret);

/* Case ignored. */
bool framework_is_called(const struct framework *f, const char *name, bool by_alias);

struct frameworks *frameworks_new(const struct settings *settings, struct err *err);
void frameworks_free(struct frameworks *f);

/* By name or alias, case ignored; a copy in `mem`. A site plugin wins over a shipped definition of
 * its name. Unknown is ERR_BAD_INPUT that names the closest and says where the list is; a listed
 * but not installed one is ERR_BAD_INPUT with its reason. */
int frameworks_find(struct frameworks *f, const char *name, struct mem *mem, struct framework *ret,
                    struct err *err);
/* Every definition, shipped ones first; list of struct framework in `mem`. Versions of packages are
 * looked up here, at most once a minute. */
int frameworks_all(struct frameworks *f, struct mem *mem, struct list *ret, struct err *err);

extern const struct route frameworks_routes[]; /* base BASE_DL, room = struct frameworks */
