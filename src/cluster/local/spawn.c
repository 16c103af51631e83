// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/local.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/orders.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* The orders as a file that is nowhere. */
static int orders_file(const struct launch *launch, const struct user *user, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(fd_closep) int fd = memfd_create("orders", MFD_CLOEXEC);

    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "write the orders of %s", launch->exec_id);
    orders_text(launch, user, &text);
    if (write(fd, text.data, text.len) != (ssize_t)text.len)
        return err_errno(err, ERR_INTERNAL, "write the orders of %s", launch->exec_id);
    return TAKE_FD(fd);
}

/* Numbers above all that dup2() will make, so that no source is overwritten before it is copied. */
static int move_up(int *fd)
{
    int moved;

    if (*fd < 0 || *fd > ORDERS_ANSWERS)
        return 0;
    moved = fcntl(*fd, F_DUPFD_CLOEXEC, ORDERS_ANSWERS + 1);
    if (moved < 0)
        return -1;
    close(*fd);
    *fd = moved;
    return 0;
}

struct given {          /* descriptors for the shepherd; -1: none */
    int socket, orders, lock, requests, answers;
};

/* posix_spawn() and never fork(): copying the page tables of a big server takes milliseconds. In a session
 * of its own and with all signals blocked from its first instruction, the shepherd is out of reach of
 * whatever ends the server. */
static int run(const char *program, const struct given *g, pid_t *ret_pid)
{
    char *argv[] = { "trainyard-shepherd", NULL };
    char *env[] = { "TZ=UTC0", NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all;
    int reason;

    sigfillset(&all);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF
                                   | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setsigmask(&how, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, g->socket, ORDERS_SOCKET);
    posix_spawn_file_actions_adddup2(&files, g->orders, ORDERS_FILE);
    posix_spawn_file_actions_adddup2(&files, g->lock, ORDERS_LOCK);
    if (g->requests >= 0) {
        posix_spawn_file_actions_adddup2(&files, g->requests, ORDERS_REQUESTS);
        posix_spawn_file_actions_adddup2(&files, g->answers, ORDERS_ANSWERS);
    }
    reason = posix_spawn(ret_pid, program, &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return reason;
}

static void given_close(struct given *g)
{
    fd_closep(&g->socket);
    fd_closep(&g->orders);
    fd_closep(&g->lock);
    fd_closep(&g->requests);
    fd_closep(&g->answers);
}

int shepherd_spawn(const char *program, const struct launch *launch, const struct user *user, int lock_fd,
                   const int *channel, pid_t *ret_pid, struct err *err)
{
    CLEANUP(given_close) struct given g = { -1, -1, lock_fd, channel ? channel[0] : -1, channel ? channel[1] : -1 };
    CLEANUP(fd_closep) int ours = -1;
    int pair[2];

    g.orders = orders_file(launch, user, err);
    if (g.orders < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return err_errno(err, ERR_INTERNAL, "get a socket for %s", launch->exec_id);
    ours = pair[0];
    g.socket = pair[1];
    if (move_up(&g.orders) < 0 || move_up(&g.socket) < 0 || move_up(&g.lock) < 0 || move_up(&g.requests) < 0 ||
        move_up(&g.answers) < 0)
        return err_errno(err, ERR_INTERNAL, "get descriptors for %s", launch->exec_id);
    errno = run(program, &g, ret_pid);
    if (errno)
        return err_errno(err, ERR_UNAVAILABLE, "start %s", program);
    return TAKE_FD(ours);
}
