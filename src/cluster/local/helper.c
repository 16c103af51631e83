// SPDX-License-Identifier: Apache-2.0
#include "cluster/helper.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/orders.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"
#include "cluster/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
    GRACE_MS = 2000,            /* between TERM and KILL: only its own last words are waited for */
    DEAF_MS = 5000,             /* it has closed its output: how long its end may take to be seen */
    CHUNK = 64 << 10,           /* bytes read in one turn of the loop, so that others get theirs */
};

struct helper {
    struct helper *next;
    struct helpers *helpers;
    struct mem *mem;            /* of launch and process */
    struct launch launch;
    struct launch_process process;
    struct user *user;          /* NULL: the server's */
    int lock;                   /* until it is started */
    int socket, requests, answers;      /* -1: closed */
    struct watch *child, *reading, *writing, *deaf;
    struct text out;            /* what is being sent */
    size_t n_sent;
    struct text in;             /* the line that is coming in */
    bool asked;                 /* an answer is expected */
    bool stopped;               /* nobody listens any more */
    bool exited;                /* its shepherd has ended */
    helper_line_fn *line;
    helper_ended_fn *ended;
    void *arg;
};

struct helpers {
    const struct settings *settings;
    struct loop *loop;
    struct work *work;
    struct helper *all;         /* started ones */
};

struct helpers *helpers_new(const struct settings *settings, struct loop *loop, struct work *work)
{
    struct helpers *hs = xcalloc(1, sizeof *hs);

    *hs = (struct helpers){ .settings = settings, .loop = loop, .work = work };
    return hs;
}

/* --- before its start --- */

static const char **copy_list(const char *const *list, struct mem *mem)
{
    const char **copy;
    size_t n = 0;

    while (list[n])
        n++;
    copy = mem_alloc(mem, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_strdup(mem, list[i]);
    return copy;
}

static void copy_launch(struct helper *h, const struct helper_launch *l)
{
    h->process = (struct launch_process){ .label = mem_strdup(h->mem, l->label), .argv = copy_list(l->argv, h->mem),
                                          .env = copy_list(l->env, h->mem), .channel = true };
    h->launch = (struct launch){
        .exec_id = mem_strdup(h->mem, l->id), .run_dir = mem_strdup(h->mem, l->home), .cwd = mem_strdup(h->mem, l->cwd),
        .user = mem_strdup(h->mem, l->user), .processes = &h->process, .n_processes = 1, .grace_ms = GRACE_MS,
        .files_max = h->helpers->settings->task_files_max, .leash = true, .log_max_bytes = l->log_max_bytes,
    };
}

static int find_user(struct helper *h, struct err *err)
{
    const char *name = h->launch.user;

    if (!*name)
        return 0;
    h->user = user_find(name, err);
    if (!h->user) {
        err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    if (user_is_us(h->user))
        user_free(TAKE(h->user));
    if (!h->user || geteuid() == 0)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "only a server that runs as root can run programs as the user \"%s\"", name);
}

/* The lock of its home. A shepherd on a leash dies soon after its server, and what a killed one left behind is killed
 * by us, so that no two lives of a helper overlap. */
static int take_lock(struct helper *h, struct err *err)
{
    const char *path = mem_printf(h->mem, "%s/" LOCK_FILE, h->launch.run_dir);
    struct stat st;

    h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (h->lock < 0)
        return err_errno(err, ERR_INTERNAL, "make %s", path);
    if (flock(h->lock, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_BUSY, "%s is still ending", h->launch.exec_id);
    if (fstat(h->lock, &st) < 0 || st.st_size == 0)
        return 0;
    remains_kill(h->launch.exec_id, h->launch.run_dir);
    if (ftruncate(h->lock, 0) < 0 || lseek(h->lock, 0, SEEK_SET) < 0)
        return err_errno(err, ERR_INTERNAL, "empty %s", path);
    return 0;
}

static void helper_free(struct helper *h)
{
    if (!h)
        return;
    watch_cancel(h->child);
    watch_cancel(h->reading);
    watch_cancel(h->writing);
    watch_cancel(h->deaf);
    fd_closep(&h->lock);
    fd_closep(&h->socket);
    fd_closep(&h->requests);
    fd_closep(&h->answers);
    user_free(h->user);
    text_done(&h->out);
    text_done(&h->in);
    mem_free(h->mem);
    free(h);
}

static void helper_freep(struct helper **h) { helper_free(*h); }

struct helper *helper_new(struct helpers *hs, const struct helper_launch *launch, struct err *err)
{
    CLEANUP(helper_freep) struct helper *h = xcalloc(1, sizeof *h);

    h->helpers = hs;
    h->mem = mem_new();
    h->lock = h->socket = h->requests = h->answers = -1;
    copy_launch(h, launch);
    if (find_user(h, err) < 0 || take_lock(h, err) < 0)
        return NULL;
    return TAKE(h);
}

/* --- its end --- */

static void forget(struct helper *h)
{
    struct helper **at = &h->helpers->all;

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    helper_free(h);
}

static void remains_gone(void *arg) { forget(arg); }

static void kill_remains(void *arg)
{
    struct helper *h = arg;

    remains_kill(h->launch.exec_id, h->launch.run_dir);
    loop_post(h->helpers->loop, remains_gone, h);
}

void helpers_free(struct helpers *hs)
{
    struct helper *h;

    if (!hs)
        return;
    while ((h = hs->all)) {
        hs->all = h->next;
        helper_free(h);
    }
    free(hs);
}

static void stop_reading(struct helper *h) { watch_cancel(TAKE(h->reading)); }

static void close_fd(int *fd)
{
    fd_closep(fd);
    *fd = -1;
}

/* From here on nobody listens; the process may live on for a moment. */
static void give_up(struct helper *h, bool at_once)
{
    char message[32];
    int len = snprintf(message, sizeof message, "stop %d", at_once ? 0 : GRACE_MS);

    h->stopped = true;
    stop_reading(h);
    watch_cancel(TAKE(h->writing));
    watch_cancel(TAKE(h->deaf));
    close_fd(&h->requests);
    close_fd(&h->answers);
    if (send(h->socket, message, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;     /* it has just ended, and the loop will say so */
}

void helper_stop(struct helper *h, bool at_once)
{
    if (!h)
        return;
    if (h->socket < 0)
        helper_free(h);         /* never started */
    else if (!h->child && !h->exited)
        forget(h);              /* hardly started: out of descriptors. The leash ends it */
    else
        give_up(h, at_once);
}

static void tell_end(struct helper *h, const char *why)
{
    if (h->stopped)
        return;
    h->stopped = true;
    h->ended(h->arg, why);
}

static void describe_end(const struct report *r, char *buf, size_t size)
{
    if (r->reason)
        snprintf(buf, size, "%s", r->reason);
    else if (r->signal)
        snprintf(buf, size, "it was ended by signal %d (%s)", r->signal, strsignal(r->signal));
    else
        snprintf(buf, size, "it ended with exit code %d", r->exit_code);
}

/* What the shepherd said last; false when it was killed before it could. */
static bool last_words(struct helper *h, char *buf, size_t size)
{
    char message[ORDERS_MESSAGE_MAX + 1];
    struct report report;
    ssize_t len;

    while ((len = recv(h->socket, message, ORDERS_MESSAGE_MAX, MSG_DONTWAIT)) > 0) {
        message[len] = '\0';
        if (text_starts(message, "ended\n") && record_parse(message + strlen("ended\n"), &report)) {
            describe_end(&report, buf, size);
            return true;
        }
    }
    return false;
}

static void read_answers(void *arg, uint32_t epoll_events);

static void shepherd_exited(void *arg, pid_t pid, int wait_status)
{
    struct helper *h = arg;
    char why[480] = "its shepherd was killed";
    bool orderly = last_words(h, why, sizeof why);

    (void)pid, (void)wait_status;
    h->child = NULL;
    h->exited = true;
    while (!h->stopped && h->reading)       /* what it said before it ended comes first */
        read_answers(h, 0);
    tell_end(h, why);
    if (orderly)
        forget(h);
    else
        work_add(h->helpers->work, kill_remains, h);
}

/* --- talking --- */

static void refuse(struct helper *h, const char *why)
{
    tell_end(h, why);
    give_up(h, /* at_once= */ true);
}

static void output_stays_closed(void *arg) { refuse(arg, "it closed its standard output"); }

/* Its end says more than the end of its output: it is waited for a little. */
static void output_closed(struct helper *h)
{
    stop_reading(h);
    if (h->child)
        h->deaf = loop_timer(h->helpers->loop, DEAF_MS, 0, output_stays_closed, h);
}

/* The answer is whole when its line end is the last byte there is. */
static void take_line(struct helper *h, size_t len)
{
    struct text line = h->in;

    if (!h->asked || len + 1 != h->in.len) {
        refuse(h, "it wrote a line that nobody asked for");
        return;
    }
    h->asked = false;
    h->in = (struct text){0};
    line.data[len] = '\0';
    h->line(h->arg, line.data, len);
    text_done(&line);
}

static void read_answers(void *arg, uint32_t epoll_events)
{
    struct helper *h = arg;
    char chunk[CHUNK];
    ssize_t len = read(h->answers, chunk, sizeof chunk);
    size_t before = h->in.len;
    const char *end;

    (void)epoll_events;
    if (len < 0 && (errno == EAGAIN || errno == EINTR) && h->child)
        return;
    if (len <= 0) {
        output_closed(h);
        return;
    }
    text_add_n(&h->in, chunk, (size_t)len);
    end = memchr(h->in.data + before, '\n', (size_t)len);
    if (end)
        take_line(h, (size_t)(end - h->in.data));
    else if (h->in.len > HELPER_LINE_MAX)
        refuse(h, "it wrote a line of more than 16 MiB");
}

static void write_requests(void *arg, uint32_t epoll_events)
{
    struct helper *h = arg;
    ssize_t len = write(h->requests, h->out.data + h->n_sent, h->out.len - h->n_sent);

    (void)epoll_events;
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len > 0)
        h->n_sent += (size_t)len;
    if (len > 0 && h->n_sent < h->out.len)
        return;
    watch_cancel(TAKE(h->writing));     /* all is sent, or it does not listen: then it ends, or never answers */
    text_clear(&h->out);
}

void helper_send(struct helper *h, struct text *lines)
{
    struct err err = {0};

    text_done(&h->out);
    h->out = *lines;
    *lines = (struct text){0};
    h->n_sent = 0;
    h->asked = true;
    if (h->requests < 0)
        return;
    h->writing = loop_fd(h->helpers->loop, h->requests, EPOLLOUT, write_requests, h, &err);
    if (!h->writing)
        close_fd(&h->requests);         /* out of memory or descriptors: the end of its input tells it to end */
}

/* --- start and stop --- */

static int make_channel(struct helper *h, int ret_theirs[2], struct err *err)
{
    int requests[2], answers[2];

    if (pipe2(requests, O_CLOEXEC) < 0)
        return err_errno(err, ERR_INTERNAL, "get a pipe for %s", h->launch.exec_id);
    ret_theirs[0] = requests[0];
    h->requests = requests[1];
    if (pipe2(answers, O_CLOEXEC) < 0) {
        close(ret_theirs[0]);
        return err_errno(err, ERR_INTERNAL, "get a pipe for %s", h->launch.exec_id);
    }
    h->answers = answers[0];
    ret_theirs[1] = answers[1];
    fcntl(h->requests, F_SETFL, O_NONBLOCK);
    fcntl(h->answers, F_SETFL, O_NONBLOCK);
    return 0;
}

int helper_start(struct helper *h, helper_line_fn *line, helper_ended_fn *ended, void *arg, struct err *err)
{
    struct helpers *hs = h->helpers;
    int theirs[2];
    pid_t pid;

    h->line = line;
    h->ended = ended;
    h->arg = arg;
    if (make_channel(h, theirs, err) < 0)
        return -1;
    h->socket = helper_spawn(hs->settings->shepherd, &h->launch, h->user, TAKE_FD(h->lock), theirs, &pid, err);
    if (h->socket < 0)
        return -1;
    h->next = hs->all;
    hs->all = h;
    h->child = loop_child(hs->loop, pid, shepherd_exited, h, err);
    h->reading = h->child ? loop_fd(hs->loop, h->answers, EPOLLIN, read_answers, h, err) : NULL;
    return h->reading ? 0 : -1;
}
