// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The args mini-language: one string, as it would be typed after the client's program name, split
 * into what the platform consumes and what the program gets. One table in args.c has every
 * option. Pure: no I/O. */

#include "base/field.h"

struct mem;
struct err;

enum { ARGS_MAX_BYTES = 256 << 10, ARGS_WORDS_MAX = 4096 };

struct args {
    const char *framework;          /* --exec-start */
    const char *group;              /* --ig */
    const char *model_main, *model_dir;
    const char *prebuilt_name, *prebuilt_cmd;
    bool user_cmd;
    const char *app_name, *submit_user, *consumer;
    const char *conda_home, *conda_env, *python_version;
    const char *datastore_meta;     /* --cs-datastore-meta, raw; last wins */
    const char *data_path;          /* its data_path part; plan_data_dir() checks where it leads */
    const char *data_source;        /* --data-source JSON */
    int64_t n_workers;              /* INT_UNSET when absent; also --edt-options maxWorkers */
    int64_t devices_per_worker;     /* --workerDeviceNum, --gpuPerWorker */
    const char *device_type;        /* "cpu", "gpu", NULL */
    int64_t memory_mib;             /* --workerMemory */
    int64_t memory_limit_mib;       /* --workerMemoryLimit */
    double cpu_limit;               /* --workerCPULimit */
    int64_t n_ps;                   /* --numPs */
    int64_t priority;               /* --msd-priority, 1.. ; default 5000 is the engine's */
    int64_t pending_timeout_s;      /* --msd-pending-timeout */
    const char *debug_level;
    bool cold;                      /* --msd-warm-interpreter false */
    struct list env;                /* --msd-env NAME=VALUE, const char * each, in order */
    const char *dataset;            /* --msd-dataset: name of a finished dataset that the program reads */
    struct list ignored;            /* accepted options without meaning here, "--name value", for the
                                     * launcher log; secrets redacted */
    struct list program;            /* what the program gets, const char * each */
    const char *echo;               /* the whole text as given, with secret values replaced by *** */
};

/* ERR_BAD_INPUT names the option in err->field. Values live in `mem`. */
int args_parse(const char *text, size_t len, struct mem *mem, struct args *ret, struct err *err);

/* "4G", "512m", "32Gi", "2048" (MiB). ERR_BAD_INPUT naming `option`. */
int args_memory_mib(const char *option, const char *text, int64_t *ret_mib, struct err *err);
