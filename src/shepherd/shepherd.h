// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One task: its orders, its processes and how it ends. One thread; everything is in one struct. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    const char *label;
    char **argv, **env;         /* NULL-ended; point into orders.text */
    bool service;
    bool channel;               /* its stdin and stdout are the server's: only stderr is ours */
    pid_t pid;                  /* 0: not started, or ended and reaped */
    int pipe[2];                /* we read its stdout [0] and stderr [1]; -1 once closed */
    int log[2], both_log;       /* .out, .err; .both. With a channel log[1] is .log and the others are -1 */
    int64_t log_bytes;          /* in .log */
};

struct orders {
    char *text;                 /* everything below points into it */
    const char *exec_id, *run_dir, *cwd;
    bool change_user;
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t n_groups;
    int64_t wall_ms, grace_ms, others_ms, memory_bytes, files_max;
    bool leash;                 /* we live as long as the server, and no longer */
    int64_t log_max_bytes;      /* of processes with a channel */
    bool warm;                  /* a warm interpreter is to start the only process */
    const char *how;            /* or why none does, for the log */
    struct process *processes;
    int n_processes;
};

enum stopping {
    STOPPING_NOT,
    STOPPING_ASKED,             /* TERM was sent; KILL follows at kill_ms */
    STOPPING_KILLED,            /* KILL was sent, and again at kill_ms to what has slipped through */
};

enum { RETRY_MS = 1000 };       /* after a full disk; rare enough to cost nothing */

struct shepherd {
    struct orders orders;
    int signal_fd, lock_fd, launcher_log;
    int warm_fd;                /* to a process that is started warm, and its sheepdog; -1: none */
    bool warming;               /* the process has not begun: warm_end_ms is when it is started anew */
    struct { pid_t sheepdog, program; } heard;      /* while warming: who has answered; 0: not yet */
    pid_t sheepdog;             /* the parent of the process; 0: none */
    int connection, listener;   /* at most one of them is open; -1: none */
    int64_t retry_ms;           /* when to try again to listen or to write the exit record; 0: never */

    bool at_home;               /* in the run directory, so files can be written */
    bool childless;             /* no descendant lives */
    bool has_failed;            /* code and signal are those of the first process that failed */
    enum stopping stopping;
    int64_t kill_ms;            /* all times without "unix" or "started", "ended": monotonic */
    int64_t wall_end_ms, others_end_ms, memory_check_ms, warm_end_ms;   /* 0: never */
    int64_t dropped_bytes;      /* of output, for want of disk space */

    int code, signal;
    bool stopped;
    char reason[400];           /* a sentence or "" */
    int64_t started_ms, ended_ms;       /* Unix time */
};

/* orders.c. False when they cannot be understood. */
bool orders_read(struct orders *o, int fd);

/* spawn.c. Starts one process with pipes and logs; false with s->reason and code 127. */
bool process_start(struct shepherd *s, struct process *p);     /* at once, or warming */
_Noreturn void process_become(const struct orders *o, const int ends[3]);  /* this process, the only one */

/* warm.c: see base/warm.h. False: it cannot be started warm. Otherwise it begins when warm_receive() has
 * heard all, or is started anew. */
bool warm_start(struct shepherd *s, struct process *p, const int out[2]);
void warm_receive(struct shepherd *s);
void warm_start_anew(struct shepherd *s, const char *why);
void warm_cancel(struct shepherd *s);           /* it is not to begin at all */
_Noreturn void warm_interpreter(void);          /* `trainyard-shepherd warm` */

/* sheepdog.c: `trainyard-shepherd sheepdog <pid>`, the parent of that process, on ORDERS_SOCKET. */
_Noreturn void sheepdog(pid_t program);

/* output.c */
bool output_open(struct shepherd *s, struct process *p);        /* false with s->reason */
bool output_pump(struct shepherd *s, struct process *p, int which);     /* one chunk; false: none now */
void output_drain(struct shepherd *s);                          /* what is left, at the end */
void note(struct shepherd *s, const char *fmt, ...)     /* a line in launcher.log */
    __attribute__((format(printf, 2, 3)));

/* family.c: every descendant, however far it ran: the shepherd, or its sheepdog, is their reaper. */
void family_signal(const struct shepherd *s, int sig);
int64_t family_memory(const struct shepherd *s);     /* resident bytes; exact only when above the limit */

/* talk.c: the server's side of the world */
void talk_receive(struct shepherd *s);
void talk_accept(struct shepherd *s);
void talk_listen(struct shepherd *s);           /* sets retry_ms when it cannot */
bool talk_ended(struct shepherd *s);            /* false: neither on disk nor told; try again */

/* main.c */
bool write_down(const struct shepherd *s, const char *what, pid_t pid);     /* a line in the lock file */
void stop_all(struct shepherd *s, int64_t grace_ms);
void process_ended(struct shepherd *s, struct process *p, int wait_status);
void reap(struct shepherd *s);
bool workers_alive(const struct shepherd *s);
