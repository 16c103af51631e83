// SPDX-License-Identifier: Apache-2.0
/* The parent of a program that was forked from a warm interpreter, with the rights of its user. It reaps
 * what descends from the program and tells the shepherd how the program ended; see base/warm.h. */

#include "shepherd/shepherd.h"

#include "base/orders.h"
#include "base/warm.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void tell(const char *text) { send(ORDERS_SOCKET, text, strlen(text), MSG_NOSIGNAL); }

static void tell_end(int wait_status)
{
    char text[WARM_MESSAGE_MAX];

    if (WIFSIGNALED(wait_status))
        snprintf(text, sizeof text, "signal %d", WTERMSIG(wait_status));
    else
        snprintf(text, sizeof text, "exit %d", WEXITSTATUS(wait_status));
    tell(text);
}

/* Whether anybody is left. */
static bool bury(pid_t program)
{
    int status;
    pid_t pid;

    for (pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG))
        if (pid == program)
            tell_end(status);
    return pid == 0;
}

static int settle(void)
{
    sigset_t all, child;

    close_range(ORDERS_SOCKET + 1, ~0U, 0);
    dup2(STDIN_FILENO, STDOUT_FILENO);      /* /dev/null, in place of the interpreter's output */
    dup2(STDIN_FILENO, STDERR_FILENO);
    prctl(PR_SET_NAME, "trainyard-sheepdog");
    prctl(PR_SET_DUMPABLE, 0);              /* its user's other programs cannot make it lie */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (chdir("/") < 0)
        _exit(1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

void sheepdog(pid_t program)
{
    const struct shepherd self = {0};
    struct signalfd_siginfo info;
    struct pollfd slots[] = {
        { .fd = settle(), .events = POLLIN },
        { .fd = ORDERS_SOCKET },            /* only its end: what comes there is for the program */
    };

    tell("sheepdog");
    while (bury(program)) {
        if (poll(slots, 2, -1) < 0)
            continue;
        if (slots[1].revents) {
            family_signal(&self, SIGKILL);
            _exit(0);
        }
        while (read(slots[0].fd, &info, sizeof info) > 0)
            continue;
    }
    _exit(0);
}
