// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a task (an `execs` entry) is: its record, its states, and what may happen to it. Pure. */

#include "base/field.h"

struct mem;
struct text;

/* The record of GET /execs/{id}; every member is a scalar, because clients make a one-row table of it. */
struct exec {
    int64_t seq;                /* order of submission; hidden */
    const char *id;             /* <user>-<nanotime>-<number> */
    const char *args;           /* echoed, secrets redacted */
    const char *submission_id;  /* driver-<YYYYMMDDhhmmss>-<4 digits>-<uuid> */
    const char *creator;        /* also written as userName */
    const char *state;
    const char *app_id;         /* = id */
    const char *scheduler_url;
    const char *model_file_owner;
    const char *work_dir;
    const char *app_name;
    int64_t created_ms;         /* hidden; createTime is its text */
    bool elastic;
    const char *events;         /* after trouble: a sentence; NULL otherwise. Also failReason */
    const char *name_space;
    int64_t n_workers;
    const char *framework;
    const char *sig_name, *sig_id, *master_url;
    const char *execution_user;
    int64_t started_ms, ended_ms;   /* Unix time, INT_UNSET until then */
    int64_t exit_code;          /* INT_UNSET until ended; 128+n when signal n ended it */
    const char *create_time, *start_time, *end_time;    /* texts of the three, by exec_set_times() */
    /* hidden from the record: what launching needs */
    const char *main_file;      /* below work_dir; NULL with --user-cmd */
    const char *plan;           /* JSON text of a struct exec_plan; NULL unless asked for */
    int64_t cpus, gpus, memory_mib, priority;
    int64_t pending_deadline_ms;    /* Unix time, INT_UNSET none */
    const char *search;         /* name of the search it is a trial of; NULL */
    int64_t trial;              /* experiment id; INT_UNSET */
    const char *dataset;        /* name of the dataset it builds or reads; NULL */
    bool stop_asked;            /* a stop was acknowledged; the end will be KILLED */
    bool deleted;               /* marked for deletion: invisible, being removed */
};

extern const struct field exec_fields[];        /* columns of table exec; public ones are the record */

/* What launching needs beyond the record: column `plan`. */
struct exec_plan {
    bool user_cmd;
    struct list program;        /* const char *: what the program gets, or the whole command */
    struct list env;            /* const char *: NAME=VALUE of --msd-env */
    struct list ignored;        /* const char *: options without meaning here, for the launcher log */
    const char *data_path;      /* below DLI_DATA_FS; NULL */
    const char *datastore_meta;
    const char *conda_home, *conda_env, *python_version;
    const char *debug_level;
    const char *prebuilt_name;
    const char *device_type;    /* "cpu" or "gpu" */
    int64_t n_ps, devices_per_worker;
    int64_t memory_limit_mib;   /* of one worker; INT_UNSET none */
    bool cold;                  /* not to be started by a warm interpreter */
};

extern const struct field exec_plan_fields[];

/* It has ended at that time, but not before its start: the clock may have been set back meanwhile. */
void exec_set_end(struct exec *e, int64_t unix_ms);

/* Sets the three texts from the three times. */
void exec_set_times(struct exec *e, struct mem *mem);

/* The one-line JSON of an `exec.state` event. */
void exec_event_json(const struct exec *e, struct text *out);

enum exec_state {
    EXEC_SUBMITTED,             /* stored, not yet looked at */
    EXEC_PENDING,               /* waits for slots: "PENDING_CRD_SCHEDULER" */
    EXEC_RUNNING,
    EXEC_FINISHED, EXEC_KILLED, EXEC_ERROR,     /* final */
    EXEC_N_STATES,
};

enum exec_event {
    EV_QUEUED,                  /* no slots free yet */
    EV_STARTED,                 /* the shepherd runs */
    EV_STOP,                    /* someone asked */
    EV_EXIT_OK, EV_EXIT_BAD,    /* the processes ended by themselves */
    EV_STOPPED,                 /* they ended because we asked */
    EV_LOST,                    /* shepherd killed, limit hit, could not be launched */
    EV_N_EVENTS,
};

enum exec_effect { DO_NOTHING, DO_SIGNAL /* ask the back end to stop */, DO_RELEASE /* slots, watches */ };

struct exec_step {
    enum exec_state from;
    enum exec_event event;
    enum exec_state to;
    enum exec_effect effect;
};

/* NULL: late or repeated news, nothing happens. */
const struct exec_step *exec_step(enum exec_state from, enum exec_event event);
const char *exec_state_name(enum exec_state state);     /* as in the API */
int exec_state_parse(const char *name);                 /* -1 when unknown; case ignored */
bool exec_state_is_final(enum exec_state state);
