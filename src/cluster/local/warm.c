// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/warm.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    REFUSED_MS = 600 * 1000,            /* how long a refusal is believed: packages may be installed meanwhile */
    MEMORY_FREE_MIN_MIB = 1024,         /* an interpreter with PyTorch holds about 200 MiB of its own */
};

/* Where the id of a task is written over: as long as any. */
#define BLANK_ID                                                                                       \
    "                                                                                                " \
    "                                                                                                "

enum state {
    WARMING,    /* it imports */
    READY,
    REFUSED,    /* nothing runs; kept so that it is not tried again at once */
    ENDING,     /* killed, not buried yet */
};

struct interpreter {
    struct warm_pool *pool;
    struct interpreter *next;
    char *search, *key;
    enum state state;
    pid_t pid;                  /* 0 once buried */
    int socket;                 /* -1 when not WARMING or READY */
    int n_asked;                /* requests that it has not answered; none is answered while WARMING */
    char why[WARM_MESSAGE_MAX]; /* REFUSED */
    struct watch *socket_watch, *child_watch, *timer;
};

struct warm_pool {
    struct loop *loop;
    char *shepherd;
    int64_t n_max, idle_ms;
    struct interpreter *interpreters;
};

/* --- the end of an interpreter --- */

static void forget(struct interpreter *i)
{
    struct interpreter **at = &i->pool->interpreters;

    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    watch_cancel(i->socket_watch);
    watch_cancel(i->child_watch);
    watch_cancel(i->timer);
    fd_closep(&i->socket);
    free(i->search);
    free(i->key);
    free(i);
}

static void end(struct interpreter *i)
{
    i->state = ENDING;
    watch_cancel(TAKE(i->socket_watch));
    watch_cancel(TAKE(i->timer));
    fd_closep(&i->socket);
    i->socket = -1;
    if (i->pid)
        kill(i->pid, SIGKILL);      /* it may be in the middle of an import, and has nothing to tidy up */
    if (i->pid && !i->child_watch)
        waitpid(i->pid, NULL, 0);   /* the loop had no room for it: it has just begun, and dies at once */
    if (!i->child_watch)
        forget(i);
}

static void on_time(void *arg);

static void set_timer(struct interpreter *i, int64_t ms)
{
    watch_cancel(i->timer);
    i->timer = loop_timer(i->pool->loop, ms, 0, on_time, i);
}

/* It is ready: until it answers, or is idle. */
static void await_answer(struct interpreter *i)
{
    set_timer(i, i->n_asked > 0 ? WARM_ANSWER_MS : i->pool->idle_ms);
}

static struct interpreter *add(struct warm_pool *pool, const char *search, const char *key)
{
    struct interpreter *i = xcalloc(1, sizeof *i);

    i->pool = pool;
    i->search = xstrdup(search);
    i->key = xstrdup(key);
    i->socket = -1;
    i->next = pool->interpreters;
    pool->interpreters = i;
    return i;
}

/* Ends it, and does not try again for a while. */
static void remember(struct interpreter *i, const char *why)
{
    struct interpreter *memory = add(i->pool, i->search, i->key);

    memory->state = REFUSED;
    snprintf(memory->why, sizeof memory->why, "%s", why);
    set_timer(memory, REFUSED_MS);
    end(i);
}

static void on_time(void *arg)
{
    struct interpreter *i = arg;

    if (i->state == WARMING)
        remember(i, "importing takes too long");
    else
        end(i);         /* it was idle, or did not answer, or the refusal is old */
}

/* --- what an interpreter says --- */

static void on_message(struct interpreter *i, char *message)
{
    const char *why = warm_refusal(message);

    if (why && i->state == WARMING) {
        remember(i, why);
    } else if (strcmp(message, "ready") == 0 && i->state == WARMING) {
        i->state = READY;
        await_answer(i);
    } else if (strcmp(message, "forked") == 0 && i->state == READY && i->n_asked > 0) {
        i->n_asked--;
        await_answer(i);
    } else {
        remember(i, "it talks nonsense");
    }
}

static void gone(struct interpreter *i)
{
    if (i->state == WARMING)
        remember(i, "it ended while it was importing");
    else
        end(i);
}

/* Whether there was a message. */
static bool receive(struct interpreter *i)
{
    char message[WARM_MESSAGE_MAX + 1];
    ssize_t len;

    do
        len = recv(i->socket, message, WARM_MESSAGE_MAX, MSG_DONTWAIT);
    while (len < 0 && errno == ECONNRESET);
    if (len <= 0)
        return false;
    message[len] = '\0';
    on_message(i, message);
    return true;
}

static void socket_ready(void *arg, uint32_t epoll_events)
{
    struct interpreter *i = arg;

    if (!receive(i) && epoll_events & (EPOLLHUP | EPOLLERR))
        gone(i);
}

static void exited(void *arg, pid_t pid, int wait_status)
{
    struct interpreter *i = arg;

    (void)pid, (void)wait_status;
    i->child_watch = NULL;
    i->pid = 0;
    if (i->state == WARMING && receive(i))
        return;         /* its last word, which has ended it */
    gone(i);
}

/* --- a new one --- */

static bool memory_is_short(void)
{
    CLEANUP(fd_closep) int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    char text[1024];
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    const char *at;
    long long kib;

    text[len > 0 ? len : 0] = '\0';
    at = strstr(text, "\nMemAvailable:");
    return at && sscanf(at, "\nMemAvailable: %lld", &kib) == 1 && kib / 1024 < MEMORY_FREE_MIN_MIB;
}

static int n_running(const struct warm_pool *pool)
{
    int n = 0;

    for (const struct interpreter *i = pool->interpreters; i; i = i->next)
        n += i->state == WARMING || i->state == READY;
    return n;
}

/* NULL with a reason when there will be none. */
static struct interpreter *start(struct warm_pool *pool, const struct launch *launch, const struct user *user,
                                 const char **ret_why)
{
    const struct launch_warm *warm = launch->processes[0].warm;
    const struct launch_process process = { .label = "warm", .argv = warm->argv, .env = warm->env };
    const struct launch orders = { .exec_id = BLANK_ID, .run_dir = "", .cwd = launch->cwd,
                                   .processes = &process, .n_processes = 1, .files_max = launch->files_max };
    struct interpreter *i;
    struct err err = {0};

    *ret_why = n_running(pool) >= pool->n_max ? "as many interpreters as may be are in use"
             : memory_is_short()              ? "memory is short"
                                              : NULL;
    if (*ret_why)
        return NULL;
    i = add(pool, warm->search, warm->key);
    i->socket = warm_spawn(pool->shepherd, &orders, user, &i->pid, &err);
    if (i->socket < 0) {
        *ret_why = "it cannot be started";
        forget(i);
        return NULL;
    }
    set_timer(i, WARM_IMPORT_MS);
    i->socket_watch = loop_fd(pool->loop, i->socket, EPOLLIN, socket_ready, i, &err);
    i->child_watch = loop_child(pool->loop, i->pid, exited, i, &err);
    if (i->socket_watch && i->child_watch)
        return i;
    *ret_why = "it cannot be watched";
    end(i);
    return NULL;
}

/* --- a use --- */

static int ask(struct interpreter *i)
{
    CLEANUP(fd_closep) int shepherds = -1;
    CLEANUP(fd_closep) int programs = -1;
    const int on = 1;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    shepherds = pair[0];
    programs = pair[1];
    setsockopt(shepherds, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);     /* before anybody can write */
    if (!warm_send(i->socket, "fork", &programs, 1))
        return -1;
    i->n_asked++;
    if (i->state == READY)
        await_answer(i);
    return TAKE_FD(shepherds);
}

static struct interpreter *find(const struct warm_pool *pool, const char *key)
{
    for (struct interpreter *i = pool->interpreters; i; i = i->next)
        if (i->state != ENDING && strcmp(i->key, key) == 0)
            return i;
    return NULL;
}

struct offer warm_offer(struct warm_pool *pool, const struct launch *launch, const struct user *user)
{
    const struct launch_warm *warm = launch->processes[0].warm;
    struct interpreter *i = warm ? find(pool, warm->key) : NULL;
    struct offer offer = { .fd = -1 };
    const char *why = NULL;

    if (!warm)
        return offer;
    if (!i)
        i = start(pool, launch, user, &why);
    else if (i->state == REFUSED)
        why = i->why;
    if (!why)
        offer.fd = ask(i);
    if (offer.fd < 0) {
        snprintf(offer.how, sizeof offer.how, "started anew: %s", why ? why : "its interpreter does not listen");
        if (!why)
            end(i);
        return offer;
    }
    snprintf(offer.how, sizeof offer.how, "to be started by the warm interpreter %d%s", (int)i->pid,
             i->state == WARMING ? ", which still imports" : "");
    return offer;
}

/* --- the pool --- */

struct warm_pool *warm_pool_new(struct loop *loop, const struct settings *settings)
{
    struct warm_pool *pool = xcalloc(1, sizeof *pool);

    pool->loop = loop;
    pool->shepherd = xstrdup(settings->shepherd);
    pool->n_max = settings->warm_interpreters;
    pool->idle_ms = settings->warm_idle_s * 1000;
    return pool;
}

void warm_pool_forget(struct warm_pool *pool, const char *search)
{
    struct interpreter *next;

    for (struct interpreter *i = pool->interpreters; i; i = next) {
        next = i->next;
        if (i->state != ENDING && strcmp(i->search, search) == 0)
            end(i);
    }
}

void warm_pool_free(struct warm_pool *pool)
{
    struct interpreter *i;

    if (!pool)
        return;
    while (pool->interpreters) {
        i = pool->interpreters;
        if (i->pid) {
            kill(i->pid, SIGKILL);
            waitpid(i->pid, NULL, 0);
        }
        forget(i);
    }
    free(pool->shepherd);
    free(pool);
}
