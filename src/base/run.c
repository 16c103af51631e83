// SPDX-License-Identifier: Apache-2.0
#include "base/run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_LIMITS false
#else
#define MEMORY_LIMITS true
#endif

struct run {
    pid_t pid;      /* 0 = none; leads its own process group */
    int out, err;   /* read ends of its streams; -1 = closed */
};

static void run_done(struct run *r)
{
    if (r->pid > 0) {
        kill(-r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    fd_closep(&r->out);
    fd_closep(&r->err);
}

static int spawn(const struct run_call *c, int out, int err, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (c->cwd)
        posix_spawn_file_actions_addchdir_np(&actions, c->cwd);

    rc = posix_spawn(ret, c->argv[0], &actions, &attr, (char *const *)c->argv, (char *const *)c->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

static int start(const struct run_call *c, struct run *r, struct err *err)
{
    const struct rlimit memory = { (rlim_t)c->memory_bytes, (rlim_t)c->memory_bytes };
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(fd_closep) int complaints = -1;
    int pair[2], rc;

    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, ERR_UNAVAILABLE, "a pipe for %s", c->argv[0]);
    r->out = pair[0];
    out = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return err_errno(err, ERR_UNAVAILABLE, "a pipe for %s", c->argv[0]);
    r->err = pair[0];
    complaints = pair[1];

    rc = spawn(c, out, complaints, &r->pid);
    if (rc == 0) {
        if (MEMORY_LIMITS && c->memory_bytes > 0)
            prlimit(r->pid, RLIMIT_DATA, &memory, NULL);
        return 0;
    }
    r->pid = 0;
    errno = rc;
    return err_errno(err, ERR_UNAVAILABLE, "start %s", c->argv[0]);
}

/* Reads what is there; closes at the end of the stream. */
static void drain(int *fd, size_t max, struct text *into, bool *cut)
{
    char buf[16384];
    ssize_t n = read(*fd, buf, sizeof buf);
    size_t room = max - into->len;

    if (n > 0) {
        text_add_n(into, buf, (size_t)n < room ? (size_t)n : room);
        *cut |= (size_t)n > room;
    }
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

/* Reads both streams to their ends; false at the limit. */
static bool listen_to(struct run *r, const struct run_call *c, struct run_result *ret)
{
    int64_t deadline = clock_mono_ms() + c->limit_ms;

    while (r->out >= 0 || r->err >= 0) {
        struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN }, { .fd = r->err, .events = POLLIN } };
        int64_t left = deadline - clock_mono_ms();

        if (left <= 0)
            return false;
        poll(fds, 2, (int)left);
        if (fds[0].revents)
            drain(&r->out, c->output_max, &ret->out, &ret->cut);
        if (fds[1].revents)
            drain(&r->err, c->output_max, &ret->err, &ret->cut);
    }
    return true;
}

int run_program(const struct run_call *c, struct run_result *ret, struct err *err)
{
    CLEANUP(run_done) struct run r = { .out = -1, .err = -1 };

    if (start(c, &r, err) < 0)
        return -1;
    ret->timed_out = !listen_to(&r, c, ret);
    if (ret->timed_out)
        kill(-r.pid, SIGKILL);
    waitpid(r.pid, &ret->status, 0);
    r.pid = 0;
    return 0;
}

void run_result_done(struct run_result *r)
{
    text_done(&r->out);
    text_done(&r->err);
}
