// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

/* What the new process could not do; written by it in our memory, which it borrows until execve(). */
static struct {
    const char *step;
    int reason;
} volatile spawn_error;

static _Noreturn void give_up(const char *step)
{
    spawn_error.step = step;
    spawn_error.reason = errno;
    _exit(127);
}

static void limit(int what, rlim_t value)
{
    struct rlimit r;

    if (getrlimit(what, &r) < 0)
        give_up("read its limits");
    rlim_t most = r.rlim_max;
    r.rlim_cur = r.rlim_max = value;
    if (setrlimit(what, &r) == 0)
        return;
    r.rlim_cur = r.rlim_max = value < most ? value : most;  /* raising takes CAP_SYS_RESOURCE */
    if (setrlimit(what, &r) < 0)
        give_up("set its limits");
}

static void change_user(const struct orders *o)
{
    if (setgroups(o->n_groups, o->groups) < 0 || setgid(o->gid) < 0 || setuid(o->uid) < 0)
        give_up("change to its user");
}

/* In the child, between vfork() and execve(): system calls only. */
static _Noreturn void become(const struct orders *o, const struct process *p, const int ends[3],
                             pid_t shepherd)
{
    sigset_t none;

    setpgid(0, 0);
    limit(RLIMIT_CORE, 0);
    if (o->files_max > 0)
        limit(RLIMIT_NOFILE, (rlim_t)o->files_max);
    for (int i = 0; i < 3; i++)
        if (ends[i] >= 0 && dup2(ends[i], i) < 0)
            give_up("get its input and output");
    if (o->change_user)
        change_user(o);
    if (chdir(o->cwd) < 0)
        give_up("enter its working directory");

    /* After the change of user, which would clear it; the shepherd may be dead by now. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != shepherd)
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(p->argv[0], p->argv, p->env);
    give_up("start");
}

static bool refuse(struct shepherd *s, const struct process *p, const char *step, int reason)
{
    const char *what = strcmp(step, "enter its working directory") == 0 ? s->orders.cwd : p->argv[0];

    snprintf(s->reason, sizeof s->reason, "%s cannot %s %s: %s", p->label, step, what,
             strerror(reason));
    s->has_failed = true;
    s->code = 127;
    s->signal = 0;
    return false;
}

/* What becomes descriptors 0, 1 and 2 of the process; ours only until it has them. */
static bool make_ends(struct process *p, int ret_ends[3])
{
    int fds[2];

    if (p->channel) {
        ret_ends[0] = ORDERS_REQUESTS;
        ret_ends[1] = ORDERS_ANSWERS;
    }
    for (int i = p->channel; i < 2; i++) {
        if (pipe2(fds, O_CLOEXEC) < 0)
            return false;
        p->pipe[i] = fds[0];
        ret_ends[i + 1] = fds[1];
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
    }
    return true;
}

/* In a function of its own, since a vfork() child shares the stack. */
__attribute__((noinline))
static pid_t launch(const struct orders *o, const struct process *p, const int ends[3])
{
    char **const own_environ = environ;
    const pid_t self = getpid();
    pid_t pid;

    environ = p->env;       /* where execvpe() finds PATH */
    pid = vfork();
    if (pid == 0)
        become(o, p, ends, self);
    environ = own_environ;
    return pid;
}

void process_become(const struct orders *o, const int ends[3])
{
    environ = o->processes->env;
    become(o, o->processes, ends, getppid());
}

bool process_start(struct shepherd *s, struct process *p)
{
    int ends[3] = { -1, -1, -1 };       /* a task reads nothing: our own stdin */
    bool warming = false;
    pid_t pid = -1;
    int reason;

    spawn_error.step = NULL;
    if (make_ends(p, ends)) {
        warming = s->orders.warm && warm_start(s, p, ends + 1);
        pid = warming ? 0 : launch(&s->orders, p, ends);
    }
    reason = errno;
    for (int i = 0; i < 3; i++)
        fd_closep(&ends[i]);
    if (pid < 0)
        return refuse(s, p, "start", reason);
    if (spawn_error.step) {
        waitpid(pid, NULL, 0);
        return refuse(s, p, spawn_error.step, spawn_error.reason);
    }

    s->childless = false;
    if (warming)
        return true;
    p->pid = pid;
    write_down(s, "group", pid);
    note(s, "%s runs as process %d: %s", p->label, (int)pid, p->argv[0]);
    return true;
}
