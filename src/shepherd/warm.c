// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/orders.h"
#include "base/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { OUTPUT_BYTES = 1 << 20 };     /* the most that a process may ask for without privileges */

static void forget_pair(struct shepherd *s)
{
    fd_closep(&s->warm_fd);
    s->warm_fd = -1;
}

/* --- a program's start --- */

static bool write_list(int fd, char **list)
{
    char count[24];
    int n = 0;
    bool done;

    while (list[n])
        n++;
    done = write(fd, count, (size_t)snprintf(count, sizeof count, "%d", n) + 1) > 0;
    for (int i = 0; i < n && done; i++)
        done = write(fd, list[i], strlen(list[i]) + 1) > 0;
    return done;
}

static bool send_orders(int to, const struct shepherd *s, const struct process *p, const int out[2])
{
    CLEANUP(fd_closep) int file = memfd_create("orders", MFD_CLOEXEC);
    const int fds[] = { file, out[0], out[1] };

    return file >= 0 && write(file, s->orders.cwd, strlen(s->orders.cwd) + 1) > 0 && write_list(file, p->argv)
        && write_list(file, p->env) && warm_send(to, "orders", fds, ARRAY_LEN(fds));
}

bool warm_start(struct shepherd *s, struct process *p, const int out[2])
{
    s->warm_fd = ORDERS_WARM;
    s->warming = send_orders(s->warm_fd, s, p, out);
    s->warm_end_ms = clock_mono_ms() + WARM_PATIENCE_MS;
    if (!s->warming) {
        note(s, "%s is started anew, the warm interpreter has gone", p->label);
        forget_pair(s);
    }
    return s->warming;
}

void warm_cancel(struct shepherd *s)
{
    forget_pair(s);
    s->warming = false;
    s->childless = true;
}

/* Its output is made anew, too: somebody may hold the other ends of the old pipes. */
void warm_start_anew(struct shepherd *s, const char *why)
{
    struct process *p = s->orders.processes;

    note(s, "%s is started anew, the warm interpreter cannot be used: %s", p->label, why);
    warm_cancel(s);
    s->orders.warm = false;
    for (int i = 0; i < 2; i++) {
        fd_closep(&p->pipe[i]);
        p->pipe[i] = -1;
    }
    if (!process_start(s, p))
        note(s, "%s", s->reason);
}

/* One message, and who sent it as the kernel knows. */
struct message {
    char text[WARM_MESSAGE_MAX + 1];
    struct ucred from;
};

/* What recvmsg() returns. A message without a sender, or with files, is as bad as none. */
static ssize_t hear(int fd, struct message *ret)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } room;
    struct iovec text = { ret->text, WARM_MESSAGE_MAX };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = room.bytes,
                              .msg_controllen = sizeof room.bytes };
    const struct cmsghdr *c;
    ssize_t len;

    do
        len = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == ECONNRESET);
    if (len <= 0)
        return len;
    c = CMSG_FIRSTHDR(&message);
    if (message.msg_flags & MSG_CTRUNC || !c || c->cmsg_type != SCM_CREDENTIALS)
        return 0;
    ret->text[len] = '\0';
    memcpy(&ret->from, CMSG_DATA(c), sizeof ret->from);
    return len;
}

/* Its user's, a child of `parent`, and leader of a group: who sent a message may have gone since, and its number may be
 * another's. */
static bool is_as_it_should(pid_t pid, pid_t parent, uid_t uid)
{
    char path[64], stat[512];
    CLEANUP(fd_closep) int fd = -1;
    int its_parent, its_group;
    const char *rest;
    struct stat st;
    ssize_t len;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = fd >= 0 ? read(fd, stat, sizeof stat - 1) : 0;
    stat[len > 0 ? len : 0] = '\0';
    rest = strrchr(stat, ')');      /* its name may hold anything */
    return rest && fstat(fd, &st) == 0 && st.st_uid == uid
        && sscanf(rest, ") %*c %d %d", &its_parent, &its_group) == 2 && its_parent == parent && its_group == pid;
}

/* Both have answered. NULL, or why the program cannot begin. */
static const char *begin(struct shepherd *s, uid_t uid)
{
    const struct process *p = s->orders.processes;

    if (!is_as_it_should(s->heard.program, s->heard.sheepdog, uid))
        return "its processes are not related";
    if (!write_down(s, "group", s->heard.program))
        return "its group cannot be written down";
    note(s, "%s runs as process %d, from a warm interpreter: %s", p->label, (int)s->heard.program, p->argv[0]);
    if (send(s->warm_fd, "go", strlen("go"), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return "it went away";
    return NULL;
}

/* NULL, or why the program cannot begin. */
static const char *listen_to(struct shepherd *s, struct message *m)
{
    const char *why = warm_refusal(m->text);
    uid_t uid = s->orders.change_user ? s->orders.uid : geteuid();

    if (why)
        return why;
    if (m->from.uid != uid)
        return "another user answered";
    if (strcmp(m->text, "sheepdog") == 0)
        s->heard.sheepdog = m->from.pid;
    else if (strcmp(m->text, "ready") == 0)
        s->heard.program = m->from.pid;
    else
        return "it did not understand";
    return s->heard.sheepdog && s->heard.program ? begin(s, uid) : NULL;
}

static void receive_answer(struct shepherd *s)
{
    struct message m;
    ssize_t len = hear(s->warm_fd, &m);
    const char *why = "it went away";

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len > 0)
        why = listen_to(s, &m);
    if (why) {
        warm_start_anew(s, why);
    } else if (s->heard.sheepdog && s->heard.program) {
        s->warming = false;
        s->orders.processes->pid = s->heard.program;
        s->sheepdog = s->heard.sheepdog;
    }
}

/* --- its end --- */

/* Without its parent nobody will learn how the program ends. As if this shepherd had been killed: the
 * server kills whatever is left and says so. */
static _Noreturn void lose_sheepdog(struct shepherd *s, const struct process *p)
{
    note(s, "the sheepdog of %s was killed", p->label);
    kill(-p->pid, SIGKILL);
    _exit(1);
}

static void receive_end(struct shepherd *s)
{
    struct process *p = s->orders.processes;
    char message[WARM_MESSAGE_MAX + 1];
    int wait_status;
    ssize_t len;

    do
        len = recv(s->warm_fd, message, WARM_MESSAGE_MAX, MSG_DONTWAIT);
    while (len < 0 && errno == ECONNRESET);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len > 0) {
        message[len] = '\0';
        if (p->pid > 0 && warm_end_parse(message, &wait_status))
            process_ended(s, p, wait_status);
    } else {
        forget_pair(s);
        s->sheepdog = 0;
        if (p->pid > 0)
            lose_sheepdog(s, p);
    }
    reap(s);
}

void warm_receive(struct shepherd *s)
{
    if (s->warming)
        receive_answer(s);
    else
        receive_end(s);
}

/* --- the interpreter itself --- */

/* A pipe, as a program's output is; one that holds all that is printed by whatever one might import. */
static bool make_output(int reading, int *ret_writing)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0 || pair[0] != reading)
        return false;
    fcntl(pair[0], F_SETFD, 0);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    fcntl(pair[0], F_SETPIPE_SZ, OUTPUT_BYTES);
    *ret_writing = pair[1];
    return true;
}

void warm_interpreter(void)
{
    struct orders orders = {0};
    int ends[3] = { -1, -1, -1 };       /* its stdin stays as it is */

    close_range(ORDERS_FILE + 1, ~0U, 0);
    if (!orders_read(&orders, ORDERS_FILE) || !make_output(WARM_OUT, &ends[1])
        || !make_output(WARM_ERR, &ends[2]))
        _exit(127);
    close(ORDERS_FILE);
    if (open("/proc/self/exe", O_PATH) != ORDERS_FILE)
        _exit(127);
    process_become(&orders, ends);
}
