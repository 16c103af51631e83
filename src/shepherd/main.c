// SPDX-License-Identifier: Apache-2.0
/* trainyard-shepherd: the parent of one task's processes. The server starts it (see base/orders.h), may
 * die, and finds it again; it ends when the last process of the task has ended and is on record. */

#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
    KILL_AGAIN_MS = 100,        /* to processes that were born while their parents were killed */
    MEMORY_CHECK_MS = 1000,
};

/* The first sentence stays: it names the cause, later ones what followed from it. */
static void explain(struct shepherd *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void explain(struct shepherd *s, const char *fmt, ...)
{
    va_list ap;

    if (s->reason[0])
        return;
    va_start(ap, fmt);
    vsnprintf(s->reason, sizeof s->reason, fmt, ap);
    va_end(ap);
    for (char *c = s->reason; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

bool workers_alive(const struct shepherd *s)
{
    for (int i = 0; i < s->orders.n_processes; i++)
        if (s->orders.processes[i].pid > 0 && !s->orders.processes[i].service)
            return true;
    return s->warming;
}

/* --- stopping --- */

static void kill_all(struct shepherd *s)
{
    s->stopping = STOPPING_KILLED;
    family_signal(s, SIGKILL);
    if (s->sheepdog)
        kill(s->sheepdog, SIGCONT);     /* its user may have stopped it, and it has to bury them */
    s->kill_ms = clock_mono_ms() + KILL_AGAIN_MS;
}

void stop_all(struct shepherd *s, int64_t grace_ms)
{
    int64_t kill_ms = clock_mono_ms() + (grace_ms > 0 ? grace_ms : 0);

    if (s->warming)
        warm_cancel(s);
    if (s->childless || s->stopping == STOPPING_KILLED)
        return;
    s->wall_end_ms = s->others_end_ms = s->memory_check_ms = 0;
    if (grace_ms <= 0) {
        kill_all(s);
        return;
    }
    if (s->stopping == STOPPING_NOT)
        family_signal(s, SIGTERM);
    if (s->stopping == STOPPING_NOT || kill_ms < s->kill_ms)
        s->kill_ms = kill_ms;
    s->stopping = STOPPING_ASKED;
}

/* --- ends --- */

void process_ended(struct shepherd *s, struct process *p, int wait_status)
{
    int sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    int code = sig ? -1 : WEXITSTATUS(wait_status);
    bool our_doing = p->service && s->stopping;

    p->pid = 0;
    if (sig)
        note(s, "%s ended by signal %d (%s)", p->label, sig, strsignal(sig));
    else
        note(s, "%s ended with exit code %d", p->label, code);
    if (code == 0 || s->has_failed || our_doing)
        return;
    s->has_failed = true;
    s->code = code;
    s->signal = sig;
    s->others_end_ms = clock_mono_ms() + s->orders.others_ms;
}

void reap(struct shepherd *s)
{
    struct process *p;
    int status;
    pid_t pid;

    for (pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG))
        for (p = s->orders.processes; p < s->orders.processes + s->orders.n_processes; p++)
            if (p->pid == pid)
                process_ended(s, p, status);
    s->childless = pid < 0 && s->warm_fd < 0;   /* an orphan becomes our child before its parent can be reaped */

    if (!s->childless && s->stopping == STOPPING_NOT && !workers_alive(s))
        stop_all(s, s->orders.grace_ms);
}

/* --- limits --- */

/* "90 s", "2 h": as it was set. */
static const char *span_text(int64_t ms, char buf[32])
{
    int64_t unit = ms % 3600000 == 0 ? 3600000 : ms % 60000 == 0 ? 60000 : ms % 1000 == 0 ? 1000 : 1;
    const char *name = unit == 3600000 ? "h" : unit == 60000 ? "min" : unit == 1000 ? "s" : "ms";

    snprintf(buf, 32, "%" PRId64 " %s", ms / unit, name);
    return buf;
}

static void enforce(struct shepherd *s, int64_t grace_ms)
{
    note(s, "stopping: %s", s->reason);
    stop_all(s, grace_ms);
}

static void check_memory(struct shepherd *s, int64_t now)
{
    int64_t bytes = family_memory(s);

    s->memory_check_ms = now + MEMORY_CHECK_MS;
    if (bytes <= s->orders.memory_bytes)
        return;
    explain(s, "it used %" PRId64 " MiB of memory, more than its limit of %" PRId64 " MiB", bytes >> 20,
            s->orders.memory_bytes >> 20);
    enforce(s, /* grace_ms= */ 0);
}

static void check_limits(struct shepherd *s)
{
    const struct orders *o = &s->orders;
    int64_t now = clock_mono_ms();
    char span[32];

    if (s->wall_end_ms && now >= s->wall_end_ms) {
        explain(s, "it ran longer than its limit of %s", span_text(o->wall_ms, span));
        enforce(s, o->grace_ms);
    }
    if (s->others_end_ms && now >= s->others_end_ms) {
        explain(s, "one of its processes failed, and the others did not end within %s",
                span_text(o->others_ms, span));
        enforce(s, o->grace_ms);
    }
    if (s->memory_check_ms && now >= s->memory_check_ms)
        check_memory(s, now);
    if (s->warming && now >= s->warm_end_ms)
        warm_start_anew(s, "it did not answer in time");
    if (s->stopping && now >= s->kill_ms)
        kill_all(s);
    if (s->retry_ms && now >= s->retry_ms)
        talk_listen(s);
}

/* --- waiting --- */

static int until_next(const struct shepherd *s)
{
    const int64_t times[] = { s->wall_end_ms, s->others_end_ms, s->memory_check_ms, s->retry_ms,
                              s->warming ? s->warm_end_ms : 0, s->stopping ? s->kill_ms : 0 };
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        if (times[i] && times[i] < first)
            first = times[i];
    if (first == INT64_MAX)
        return -1;
    first -= clock_mono_ms();
    return first < 0 ? 0 : first > INT32_MAX ? INT32_MAX : (int)first;
}

/* Slots: signals, connection, listener, sheepdog, then two pipes of each process; -1 is passed over by poll(). */
enum { SLOT_SIGNALS, SLOT_CONNECTION, SLOT_LISTENER, SLOT_WARM, SLOT_PIPES };

static void turn(struct shepherd *s, struct pollfd *slots)
{
    struct signalfd_siginfo info;
    struct process *p;
    int n = s->orders.n_processes;
    int slot;

    slots[SLOT_SIGNALS].fd = s->signal_fd;
    slots[SLOT_CONNECTION].fd = s->connection;
    slots[SLOT_LISTENER].fd = s->listener;
    slots[SLOT_WARM].fd = s->warm_fd;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            slots[SLOT_PIPES + 2 * i + k].fd = s->orders.processes[i].pipe[k];
    if (poll(slots, (nfds_t)(SLOT_PIPES + 2 * n), until_next(s)) < 0)
        return;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            slot = SLOT_PIPES + 2 * i + k;
            p = &s->orders.processes[i];
            if (slots[slot].fd >= 0 && slots[slot].revents)
                output_pump(s, p, k);
        }
    if (slots[SLOT_SIGNALS].revents && read(s->signal_fd, &info, sizeof info) > 0)
        reap(s);
    if (slots[SLOT_WARM].fd >= 0 && slots[SLOT_WARM].revents)
        warm_receive(s);
    if (slots[SLOT_CONNECTION].fd >= 0 && slots[SLOT_CONNECTION].revents)
        talk_receive(s);
    else if (slots[SLOT_LISTENER].fd >= 0 && slots[SLOT_LISTENER].revents)
        talk_accept(s);
    check_limits(s);
}

static void live(struct shepherd *s)
{
    CLEANUP(freep) struct pollfd *slots = NULL;
    size_t n = SLOT_PIPES + 2 * (size_t)s->orders.n_processes;

    slots = xcalloc(n, sizeof *slots);
    for (size_t i = 0; i < n; i++)
        slots[i].events = POLLIN;
    while (!s->childless)
        turn(s, slots);
    output_drain(s);
}

/* --- start and end --- */

/* All signals are blocked since before the start, and only this one is read. */
static int open_signals(void)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool write_down(const struct shepherd *s, const char *what, pid_t pid)
{
    char line[96];
    int len = snprintf(line, sizeof line, "%s %d %" PRId64 "\n", what, (int)pid, clock_boot_ms());

    return write(s->lock_fd, line, (size_t)len) == len;
}

static bool write_down_machine(const struct shepherd *s)
{
    CLEANUP(fd_closep) int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    char line[64] = "machine ";
    ssize_t len = strlen(line), more = fd < 0 ? 0 : read(fd, line + len, sizeof line - (size_t)len);

    return more <= 0 || write(s->lock_fd, line, (size_t)(len + more)) == len + more;
}

static int last_given(const struct orders *o)
{
    return o->warm ? ORDERS_WARM : o->leash ? ORDERS_ANSWERS : ORDERS_LOCK;
}

static bool prepare(struct shepherd *s)
{
    bool understood = orders_read(&s->orders, ORDERS_FILE);

    close_range(last_given(&s->orders) + 1, ~0U, 0);
    close_range(ORDERS_SOCKET, ~0U, CLOSE_RANGE_CLOEXEC);
    s->started_ms = clock_unix_ms();
    s->connection = ORDERS_SOCKET;
    s->lock_fd = ORDERS_LOCK;
    s->listener = s->launcher_log = s->warm_fd = -1;
    s->childless = true;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    s->signal_fd = open_signals();

    if (!understood) {
        explain(s, "the shepherd does not understand its orders; is it of another version?");
        return false;
    }
    close(ORDERS_FILE);
    if (chdir(s->orders.run_dir) < 0) {
        explain(s, "cannot enter %s: %s", s->orders.run_dir, strerror(errno));
        return false;
    }
    s->at_home = true;
    s->launcher_log = open("launcher.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (!write_down_machine(s) || !write_down(s, "shepherd", getpid())) {
        explain(s, "cannot write %s/%s: %s", s->orders.run_dir, LOCK_FILE, strerror(errno));
        return false;
    }
    return true;
}

static void start_all(struct shepherd *s)
{
    struct orders *o = &s->orders;
    int64_t now = clock_mono_ms();

    s->wall_end_ms = o->wall_ms > 0 ? now + o->wall_ms : 0;
    s->memory_check_ms = o->memory_bytes > 0 ? now + MEMORY_CHECK_MS : 0;
    if (*o->how)
        note(s, "%s", o->how);
    for (int i = 0; i < o->n_processes; i++)
        if (!output_open(s, &o->processes[i]) || !process_start(s, &o->processes[i])) {
            note(s, "%s", s->reason);
            stop_all(s, /* grace_ms= */ 0);
            return;
        }
}

/* Somebody removed the run folder: no server will ever look for the outcome here. */
static bool home_is_gone(void)
{
    struct stat st;

    return stat(".", &st) < 0 || st.st_nlink == 0;
}

static void finish(struct shepherd *s)
{
    struct pollfd retry = { .fd = -1, .events = POLLIN };

    s->ended_ms = clock_unix_ms();
    if (s->reason[0] && !s->has_failed && !s->stopped) {
        s->code = -1;           /* a limit: an exit code of 0 after TERM is no success */
        s->signal = SIGKILL;
    }
    if (s->dropped_bytes > 0)
        explain(s, "%" PRId64 " bytes of its output were dropped because they could not be written",
                s->dropped_bytes);
    if (!s->at_home) {
        talk_ended(s);
        return;
    }
    if (s->connection < 0 && !s->orders.leash)
        note(s, "the server is away; the exit record waits for it");

    while (!talk_ended(s) && !home_is_gone()) {     /* neither disk nor server: whoever comes first gets it */
        retry.fd = s->listener;
        if (poll(&retry, 1, RETRY_MS) > 0)
            talk_accept(s);
    }
}

int main(int argc, char **argv)
{
    struct shepherd s = {0};

    if (argc == 2 && strcmp(argv[1], "warm") == 0)
        warm_interpreter();
    if (argc == 3 && strcmp(argv[1], "sheepdog") == 0)
        sheepdog((pid_t)strtol(argv[2], NULL, 10));

    if (prepare(&s)) {
        start_all(&s);
        live(&s);
    } else {
        s.has_failed = true;
        s.code = 127;
    }
    finish(&s);
    return 0;
}
