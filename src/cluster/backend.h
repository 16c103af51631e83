// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A place where tasks run. All calls and all reports are on the engine thread; none may block: slow work
 * is started here and reported later.
 *
 *   open      once per server. `report` is how the back end tells what happened
 *   start     launch; 0 = accepted, then REPORT_STARTED and REPORT_ENDED follow. Safe to repeat for one
 *             run directory: what was launched there before is adopted, not launched again
 *   stop      ask politely (TERM), kill everything after grace_ms (0 = at once); the end arrives through
 *             a report. Safe to repeat, with a shorter grace too
 *   adopt     find a task again after a restart of the server. It then reports as if nothing had
 *             happened: REPORT_STARTED again if it lives, REPORT_ENDED with its exit record if it ended
 *             meanwhile, REPORT_LOST if its shepherd was killed (nothing of it runs any more then),
 *             REPORT_NEVER_STARTED if it had not been launched
 *             No report comes from inside start, stop and adopt: they come later, from the loop
 *   forget    a search has ended: no task of it will be launched, and what is kept for it goes
 *   close     forget everything; running tasks go on
 */

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;
struct settings;

/* How a process may be started from an interpreter that has imported what it needs. What it sees is the
 * same; it only starts sooner. */
struct launch_warm {
    const char *search;         /* that it is kept for */
    const char *key;            /* processes with the same key may share an interpreter */
    const char *const *argv;    /* the interpreter: NULL-ended, ends with blanks to be written over */
    const char *const *env;
};

struct launch_process {         /* one process of a task: a worker, a parameter server */
    const char *label;          /* "worker-0": names its raw logs */
    const char *const *argv;    /* NULL-ended; argv[0] is a path or found in PATH of env */
    const char *const *env;     /* NULL-ended "NAME=value": all it gets */
    const struct launch_warm *warm;     /* NULL: only anew. The only process of its launch */
    bool service;               /* never ends by itself (a parameter server): stopped when all
                                 * others have ended */
    bool channel;               /* a helper: see cluster/helper.h */
};

struct launch {
    const char *exec_id;
    const char *run_dir;        /* <data>/run/<execid>; exists */
    const char *cwd;
    const char *user;           /* OS user, "" = the server's */
    const struct launch_process *processes;
    int n_processes;
    int64_t wall_ms;            /* limit from start, 0 = none */
    int64_t grace_ms;           /* between TERM and KILL */
    int64_t others_ms;          /* once one process failed, how long the others may go on; 0 = 30 s */
    int64_t memory_bytes;       /* of all together, 0 = no limit */
    int64_t files_max;          /* open files per process, 0 = as the server */
    bool leash;                 /* a helper: ends with the server */
    int64_t log_max_bytes;      /* of a helper */
};

enum report_kind {
    REPORT_STARTED, REPORT_ENDED, REPORT_LOST, REPORT_NEVER_STARTED,
};

struct report {
    enum report_kind kind;
    const char *exec_id;
    int64_t pid;                /* STARTED: the shepherd's */
    int exit_code;              /* ENDED: 0..255, of the first process that failed; -1 when signalled */
    int signal;                 /* ENDED: that killed it, 0 when none */
    bool stopped;               /* ENDED: because stop was asked for */
    const char *reason;         /* a sentence or NULL. LOST; ENDED by a limit, or because it could not
                                 * start (exit code 127), or though it went well, with output dropped */
    int64_t started_ms, ended_ms;   /* Unix time */
};

typedef void report_fn(void *arg, const struct report *report);

struct backend_ctx;             /* the back end's own */

struct backend {
    const char *name;           /* as in settings: "local" */
    struct backend_ctx *(*open)(struct loop *loop, const struct settings *settings,
                                report_fn *report, void *arg, struct err *err);
    int (*start)(struct backend_ctx *b, const struct launch *launch, struct err *err);
    int (*stop)(struct backend_ctx *b, const char *exec_id, int64_t grace_ms, struct err *err);
    int (*adopt)(struct backend_ctx *b, const char *exec_id, const char *run_dir, struct err *err);
    void (*forget)(struct backend_ctx *b, const char *search);      /* NULL: nothing is kept */
    void (*close)(struct backend_ctx *b);
};

extern const struct backend local_backend;  /* this machine, through trainyard-shepherd */
extern const struct backend null_backend;   /* scripted outcomes, for tests: see null/null.h */

const struct backend *backend_find(const char *name);   /* NULL when unknown */

/* Raw logs of a process in its run directory: <label>.out, <label>.err and <label>.both (interleaved in
 * order of arrival); the launcher's own log is launcher.log. The same for every back end. */
