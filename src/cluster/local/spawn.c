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
static int orders_file(const struct launch *launch, const struct user *user, const struct offer *offer,
                       struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(fd_closep) int fd = memfd_create("orders", MFD_CLOEXEC);

    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "write the orders of %s", launch->exec_id);
    orders_text(launch, user, offer, &text);
    if (write(fd, text.data, text.len) != (ssize_t)text.len)
        return err_errno(err, ERR_INTERNAL, "write the orders of %s", launch->exec_id);
    return TAKE_FD(fd);
}

enum { N_GIVEN = ORDERS_WARM + 1 };

/* What the new process gets, by the number that it has there; -1: nothing. */
struct given {
    int fds[N_GIVEN];
};

static struct given given_nothing(void)
{
    struct given g;

    for (int i = 0; i < N_GIVEN; i++)
        g.fds[i] = -1;
    return g;
}

static void given_close(struct given *g)
{
    for (int i = 0; i < N_GIVEN; i++)
        fd_closep(&g->fds[i]);
}

/* Numbers above all that dup2() will make, so that no source is overwritten before it is copied. */
static int move_up(int *fd)
{
    int moved;

    if (*fd < 0 || *fd > ORDERS_WARM)
        return 0;
    moved = fcntl(*fd, F_DUPFD_CLOEXEC, ORDERS_WARM + 1);
    if (moved < 0)
        return -1;
    close(*fd);
    *fd = moved;
    return 0;
}

/* posix_spawn() and never fork(): copying the page tables of a big server takes milliseconds. In a session
 * of its own and with all signals blocked from its first instruction, the shepherd is out of reach of
 * whatever ends the server. */
static int run(const char *program, char *mode, const struct given *g, pid_t *ret_pid)
{
    char *argv[] = { "trainyard-shepherd", mode, NULL };
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
    for (int i = ORDERS_SOCKET; i < N_GIVEN; i++)
        if (g->fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&files, g->fds[i], i);
    reason = posix_spawn(ret_pid, program, &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return reason;
}

/* Adds the socket to what is given, which has its orders or, with `err` filled, none. Returns our end. */
static int spawn(const char *program, char *mode, struct given *g, pid_t *ret_pid, struct err *err)
{
    CLEANUP(fd_closep) int ours = -1;
    int pair[2];

    if (g->fds[ORDERS_FILE] < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return err_errno(err, ERR_INTERNAL, "get a socket for %s", program);
    ours = pair[0];
    g->fds[ORDERS_SOCKET] = pair[1];
    for (int i = ORDERS_SOCKET; i < N_GIVEN; i++)
        if (move_up(&g->fds[i]) < 0)
            return err_errno(err, ERR_INTERNAL, "get descriptors for %s", program);
    errno = run(program, mode, g, ret_pid);
    if (errno)
        return err_errno(err, ERR_UNAVAILABLE, "start %s", program);
    return TAKE_FD(ours);
}

int shepherd_spawn(const char *program, const struct launch *launch, const struct user *user, int lock_fd,
                   const struct offer *offer, pid_t *ret_pid, struct err *err)
{
    CLEANUP(given_close) struct given g = given_nothing();

    g.fds[ORDERS_FILE] = orders_file(launch, user, offer, err);
    g.fds[ORDERS_LOCK] = lock_fd;
    g.fds[ORDERS_WARM] = offer->fd;
    return spawn(program, /* mode= */ NULL, &g, ret_pid, err);
}

int helper_spawn(const char *program, const struct launch *launch, const struct user *user, int lock_fd,
                 const int channel[2], pid_t *ret_pid, struct err *err)
{
    CLEANUP(given_close) struct given g = given_nothing();

    g.fds[ORDERS_FILE] = orders_file(launch, user, /* offer= */ NULL, err);
    g.fds[ORDERS_LOCK] = lock_fd;
    g.fds[ORDERS_REQUESTS] = channel[0];
    g.fds[ORDERS_ANSWERS] = channel[1];
    return spawn(program, /* mode= */ NULL, &g, ret_pid, err);
}

int warm_spawn(const char *program, const struct launch *launch, const struct user *user, pid_t *ret_pid,
               struct err *err)
{
    CLEANUP(given_close) struct given g = given_nothing();

    g.fds[ORDERS_FILE] = orders_file(launch, user, /* offer= */ NULL, err);
    return spawn(program, "warm", &g, ret_pid, err);
}
