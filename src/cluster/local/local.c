// SPDX-License-Identifier: Apache-2.0
/* The back end of this machine: one shepherd per task, spoken to over a socket. See base/orders.h.
 *
 * What can be known about a task without its shepherd lies in its run directory, and decide() reads it
 * in an order that leaves no gap: the exit record, the lock, and once the lock is free, the exit record
 * again. */

#include "cluster/local/task.h"
#include "cluster/local/warm.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/orders.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { RETRY_MS = 1000 };

/* --- a task whose shepherd was killed --- */

static void remains_gone(void *arg)
{
    struct task *t = local_task_arrived(arg);
    char reason[200];

    if (!t)
        return;
    snprintf(reason, sizeof reason, "its shepherd was killed%s; nothing of it runs any more", t->death);
    local_task_tell_end(t, (struct report){ .kind = REPORT_LOST, .reason = reason, .started_ms = t->started_ms,
                                 .ended_ms = clock_unix_ms() });
}

static void kill_remains(void *arg)
{
    struct task *t = arg;

    remains_kill(t->exec_id, t->run_dir);
    loop_post(t->b->loop, remains_gone, t);
}

static void lose(struct task *t)
{
    struct backend_ctx *b = t->b;
    struct err err = {0};

    if (t->is_lost)
        return;
    t->is_lost = true;
    local_task_disconnect(t);
    if (!b->work)
        b->work = work_start(1, &err);
    t->n_posted++;
    b->n_posted++;
    if (b->work)
        work_add(b->work, kill_remains, t);
    else
        kill_remains(t);    /* slowly, but nothing may live on */
}

/* --- what the run directory says --- */

static void path_in(const struct task *t, const char *name, struct text *out)
{
    text_addf(out, "%s/%s", t->run_dir, name);
}

enum record_state { RECORD_NONE, RECORD_TOLD, RECORD_UNREADABLE };

/* A record that is there but makes no sense, after a power cut for example, is none. */
static enum record_state tell_recorded_end(struct task *t)
{
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(text_done) struct text record = {0};
    struct report report;
    struct err err = {0};

    path_in(t, EXIT_FILE, &path);
    if (file_read(path.data, ORDERS_MESSAGE_MAX, &record, &err) < 0)
        return err.kind == ERR_NOT_FOUND || err.kind == ERR_TOO_LARGE ? RECORD_NONE : RECORD_UNREADABLE;
    if (!record.data || !record_parse(record.data, &report))
        return RECORD_NONE;
    local_task_tell_end(t, report);
    return RECORD_TOLD;
}

enum lock_state {
    LOCK_NONE,      /* no shepherd came as far as starting anything */
    LOCK_HELD,      /* a shepherd lives, or we cannot tell */
    LOCK_LEFT,      /* it died */
};

static enum lock_state lock_state(const struct task *t)
{
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(fd_closep) int fd = -1;
    struct stat st;

    path_in(t, LOCK_FILE, &path);
    fd = open(path.data, O_RDONLY | O_CLOEXEC);     /* not for writing: that would wake `later` */
    if (fd < 0)
        return errno == ENOENT ? LOCK_NONE : LOCK_HELD;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return LOCK_HELD;
    return fstat(fd, &st) == 0 && st.st_size > 0 ? LOCK_LEFT : LOCK_NONE;
}

/* --- the socket --- */

static void decide(struct task *t);

static void send_stop(struct task *t)
{
    char message[64];
    int len = snprintf(message, sizeof message, "stop %" PRId64, t->stop_ms);

    t->stop_ms = -1;
    if (send(t->socket, message, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;     /* the shepherd has just ended, and the loop will say so */
}

static int64_t peer_pid(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    return peer.pid;
}

/* Whether this was the last message. */
static bool receive(struct task *t, char *message)
{
    struct report report;

    if (sscanf(message, "started %" SCNd64, &t->started_ms) == 1) {
        local_task_tell_started(t, peer_pid(t->socket));
        return false;
    }
    if (!text_starts(message, "ended\n") || !record_parse(message + strlen("ended\n"), &report))
        return false;
    local_task_tell_end(t, report);
    return true;
}

/* Length of the message now in `buf`; 0 when the shepherd has gone; -1 when there is none yet. */
static ssize_t next_message(struct task *t, char buf[ORDERS_MESSAGE_MAX + 1])
{
    ssize_t len = recv(t->socket, buf, ORDERS_MESSAGE_MAX, MSG_DONTWAIT);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    buf[len] = '\0';
    return len;
}

static void socket_ready(void *arg, uint32_t epoll_events)
{
    char message[ORDERS_MESSAGE_MAX + 1];
    struct task *t = arg;
    ssize_t len = next_message(t, message);

    (void)epoll_events;
    if (len > 0) {
        receive(t, message);
    } else if (len == 0) {
        local_task_disconnect(t);
        decide(t);
    }
}

static void shepherd_exited(void *arg, pid_t pid, int wait_status)
{
    char message[ORDERS_MESSAGE_MAX + 1];
    struct task *t = arg;

    (void)pid;
    t->child_watch = NULL;
    while (next_message(t, message) > 0)
        if (receive(t, message))
            return;
    local_task_disconnect(t);
    if (WIFSIGNALED(wait_status))
        snprintf(t->death, sizeof t->death, " by signal %d", WTERMSIG(wait_status));
    decide(t);
}

/* Through the descriptor of its folder, since the path may be longer than a socket's address. */
static int connect_to(const struct task *t)
{
    CLEANUP(fd_closep) int folder = open(t->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" SOCKET_FILE, folder);
    if (folder < 0 || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return TAKE_FD(fd);
}

static bool attach(struct task *t)
{
    struct err err = {0};

    t->socket = connect_to(t);
    if (t->socket < 0)
        return false;
    t->socket_watch = loop_fd(t->b->loop, t->socket, EPOLLIN, socket_ready, t, &err);
    if (!t->socket_watch) {
        local_task_disconnect(t);
        return false;
    }
    watch_cancel(TAKE(t->later));
    watch_cancel(TAKE(t->again));
    if (t->stop_ms >= 0)
        send_stop(t);
    return true;
}

static void folder_changed(void *arg, const char *name, uint32_t mask)
{
    (void)mask;
    if (strcmp(name, SOCKET_FILE) == 0 || strcmp(name, LOCK_FILE) == 0 || name[0] == '\0')
        decide(arg);
}

static void try_again(void *arg)
{
    struct task *t = arg;

    watch_cancel(TAKE(t->again));
    decide(t);
}

static void decide_in_a_while(struct task *t)
{
    if (!t->again)
        t->again = loop_timer(t->b->loop, RETRY_MS, 0, try_again, t);
}

/* A shepherd that lives but does not listen has not noticed yet that its server went away. It will
 * rename its socket into place, or end and let go of the lock: both show in the folder. But the kernel tells
 * of a closed file before it lets go of its lock, so that whoever looks at once may find it locked still. */
static void attach_later(struct task *t)
{
    struct err err = {0};

    decide_in_a_while(t);
    if (t->later)
        return;
    t->later = loop_folder(t->b->loop, t->run_dir, IN_MOVED_TO | IN_CLOSE_WRITE, folder_changed, t, &err);
    if (t->later && !attach(t) && lock_state(t) != LOCK_HELD)
        decide(t);
}

/* Finds out what has become of a task that no shepherd reports on. */
static void decide(struct task *t)
{
    enum record_state record;
    enum lock_state lock;

    if (t->is_lost || t->socket >= 0 || tell_recorded_end(t) == RECORD_TOLD)
        return;
    lock = lock_state(t);
    if (lock == LOCK_HELD) {
        if (!attach(t))
            attach_later(t);
        return;
    }
    record = tell_recorded_end(t);      /* it may have been written before the lock was let go */
    if (record == RECORD_UNREADABLE)
        decide_in_a_while(t);
    else if (record == RECORD_NONE && (lock == LOCK_LEFT || t->told_started || !file_is_dir(t->run_dir)))
        lose(t);        /* a folder that is gone says nothing about what runs */
    else if (record == RECORD_NONE)
        local_task_tell_end(t, (struct report){ .kind = REPORT_NEVER_STARTED });
}

static void decide_later(void *arg)
{
    struct task *t = local_task_arrived(arg);

    if (t)
        decide(t);
}

/* --- the back end --- */

static const struct user *user_of(struct backend_ctx *b, const char *name, struct err *err)
{
    struct named_user *u = b->users;

    while (u && strcmp(u->name, name) != 0)
        u = u->next;
    if (u)
        return u->user;

    u = xcalloc(1, sizeof *u);
    u->user = user_find(name, err);
    if (!u->user) {
        free(u);
        return NULL;
    }
    u->name = xstrdup(name);
    u->next = b->users;
    b->users = u;
    return u->user;
}

/* Finds every user while nobody waits: the look-up may go to another machine. */
static int find_users(struct backend_ctx *b, const struct settings *settings, struct err *err)
{
    const char *name;

    for (int i = 0; i < settings->n_groups; i++) {
        name = settings->groups[i].user;
        if (name && *name && !user_of(b, name, err))
            return err_wrap(err, "group \"%s\"", settings->groups[i].name);
    }
    return 0;
}

static struct backend_ctx *local_open(struct loop *loop, const struct settings *settings, report_fn *report,
                                      void *arg, struct err *err)
{
    struct backend_ctx *b = xcalloc(1, sizeof *b);

    b->loop = loop;
    b->shepherd = xstrdup(settings->shepherd);
    b->report = report;
    b->arg = arg;
    b->warm = warm_pool_new(loop, settings);
    if (find_users(b, settings, err) < 0) {
        warm_pool_free(b->warm);
        local_ctx_free(b);
        return NULL;
    }
    return b;
}

static int local_adopt(struct backend_ctx *b, const char *exec_id, const char *run_dir, struct err *err)
{
    (void)err;
    if (!local_task_find(b, exec_id))
        local_task_post(local_task_add(b, exec_id, run_dir), decide_later);
    return 0;
}

/* The lock of a run directory where nothing was launched yet; -1 with ERR_CONFLICT when something was. */
static int take_lock(const struct launch *launch, struct err *err)
{
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(fd_closep) int fd = -1;
    struct stat st;
    bool is_new;

    text_addf(&path, "%s/" LOCK_FILE, launch->run_dir);
    fd = open(path.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    is_new = fd >= 0;
    if (!is_new && errno == EEXIST)
        fd = open(path.data, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_INTERNAL, "make %s", path.data);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 || (!is_new && (fstat(fd, &st) < 0 || st.st_size > 0)))
        return err_set(err, ERR_CONFLICT, "%s was launched before", launch->exec_id);
    return TAKE_FD(fd);
}

static int check_user(const struct launch *launch, const struct user *user, struct err *err)
{
    if (geteuid() == 0 || user_is_us(user))
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "only a server that runs as root can run tasks as the user \"%s\"",
                   launch->user);
}

static int local_start(struct backend_ctx *b, const struct launch *launch, struct err *err)
{
    const struct user *user = NULL;
    struct offer offer;
    struct task *t;
    pid_t pid;
    int lock, socket;

    if (local_task_find(b, launch->exec_id))
        return 0;
    if (launch->user && *launch->user) {
        user = user_of(b, launch->user, err);
        if (!user || check_user(launch, user, err) < 0)
            return -1;
    }
    lock = take_lock(launch, err);
    if (lock < 0)
        return err->kind == ERR_CONFLICT ? local_adopt(b, launch->exec_id, launch->run_dir, err) : -1;
    offer = warm_offer(b->warm, launch, user);
    socket = shepherd_spawn(b->shepherd, launch, user, lock, &offer, &pid, err);
    if (socket < 0)
        return -1;

    t = local_task_add(b, launch->exec_id, launch->run_dir);
    t->socket = socket;
    t->pid = pid;
    t->started_ms = clock_unix_ms();
    local_task_post(t, local_task_tell_started_later);
    t->child_watch = loop_child(b->loop, pid, shepherd_exited, t, err);
    if (!t->child_watch) {      /* out of descriptors: as if we had been restarted */
        local_task_disconnect(t);
        decide_in_a_while(t);
    }
    return 0;
}

static int local_stop(struct backend_ctx *b, const char *exec_id, int64_t grace_ms, struct err *err)
{
    struct task *t = local_task_find(b, exec_id);

    if (!t)
        return err_set(err, ERR_NOT_FOUND, "no task %s runs on this machine", exec_id);
    if (t->stop_ms < 0 || grace_ms < t->stop_ms)
        t->stop_ms = grace_ms > 0 ? grace_ms : 0;
    if (t->socket >= 0)
        send_stop(t);
    return 0;
}

static void local_forget(struct backend_ctx *b, const char *search) { warm_pool_forget(b->warm, search); }

static void local_close(struct backend_ctx *b)
{
    struct task *t;

    if (!b)
        return;
    work_stop(b->work);
    warm_pool_free(b->warm);
    for (int i = 0; i < N_CHAINS; i++)
        while (b->tasks[i]) {
            t = b->tasks[i];
            local_task_drop(t);
            local_task_free_if_unused(t);
        }
    b->closed = true;
    if (b->n_posted == 0)
        local_ctx_free(b);
}

const struct backend local_backend = {
    .name   = "local",
    .open   = local_open,
    .start  = local_start,
    .stop   = local_stop,
    .adopt  = local_adopt,
    .forget = local_forget,
    .close  = local_close,
};
