// SPDX-License-Identifier: Apache-2.0
#include "base/loop.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    EVENTS_PER_TURN = 64,       /* more are taken in the next turn */
    N_FOLDER_CHAINS = 256,
};

enum watch_kind { WATCH_FD, WATCH_TIMER, WATCH_CHILD, WATCH_FOLDER };

struct watch {
    struct loop *loop;
    enum watch_kind kind;
    bool cancelled;             /* its memory lives to the end of the turn: events may name it */
    struct watch *prev, *next;  /* of loop->watches, or next of loop->cancelled */
    void *arg;
    union {
        loop_fd_fn *on_fd;
        loop_fn *on_timer;
        loop_exit_fn *on_exit;
        loop_file_fn *on_file;
    };
    int fd;                     /* FD: the caller's; CHILD: our pidfd */
    pid_t pid;                  /* CHILD */
    int64_t due_ns, every_ns;   /* TIMER */
    uint64_t turn;              /* TIMER: the order of being set, for equal due times */
    size_t at;                  /* TIMER: place in loop->timers, SIZE_MAX when not in it */
    int wd;                     /* FOLDER: inotify's number of it */
    uint32_t mask;              /* FOLDER: what this watch asked for; others may ask for more */
    bool gone;                  /* FOLDER: inotify has dropped it */
    struct watch *chain;        /* FOLDER: next with the same hash of wd */
};

struct post {
    loop_fn *fn;
    void *arg;
};

struct posts {
    struct post *items;
    size_t n, cap;
};

struct loop {
    int epoll_fd, wake_fd;
    int inotify_fd;             /* -1 until the first folder */
    struct watch *watches;
    struct watch *cancelled;
    struct watch **timers;      /* a binary heap, the earliest first */
    size_t n_timers, cap_timers;
    uint64_t n_timers_set;
    struct watch *folders[N_FOLDER_CHAINS];

    pthread_t thread;
    bool started;

    pthread_mutex_t lock;       /* of what follows */
    struct posts posted;
    bool asleep;                /* in epoll_wait(), so a post must write to wake_fd */
    bool stopping;
};

static __thread const struct loop *current_loop;

/* --- messages --- */

static void posts_add(struct posts *p, loop_fn *fn, void *arg)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        p->items = xrealloc(p->items, p->cap * sizeof *p->items);
    }
    p->items[p->n++] = (struct post){ fn, arg };
}

/* With loop->lock held. */
static void wake(struct loop *loop)
{
    const uint64_t one = 1;

    if (!loop->asleep)
        return;
    loop->asleep = false;
    if (write(loop->wake_fd, &one, sizeof one) < 0)
        abort();        /* an eventfd refuses a write only when misused */
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    pthread_mutex_lock(&loop->lock);
    posts_add(&loop->posted, fn, arg);
    wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

/* Runs what is posted now, not what these posts post. `spare` lends its memory to the next ones. */
static void run_posts(struct loop *loop, struct posts *spare)
{
    struct posts now;

    pthread_mutex_lock(&loop->lock);
    loop->asleep = false;
    now = loop->posted;
    loop->posted = (struct posts){ spare->items, 0, spare->cap };
    pthread_mutex_unlock(&loop->lock);

    for (size_t i = 0; i < now.n; i++)
        now.items[i].fn(now.items[i].arg);
    *spare = now;
}

/* --- watches --- */

static struct watch *watch_new(struct loop *loop, enum watch_kind kind, void *arg)
{
    struct watch *w = xcalloc(1, sizeof *w);

    w->loop = loop;
    w->kind = kind;
    w->arg = arg;
    w->fd = -1;
    w->at = SIZE_MAX;
    w->next = loop->watches;
    if (w->next)
        w->next->prev = w;
    loop->watches = w;
    return w;
}

static int epoll_add(struct loop *loop, int fd, uint32_t events, void *ptr)
{
    struct epoll_event ev = { .events = events, .data.ptr = ptr };

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

struct watch *loop_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fd_fn *fn, void *arg,
                      struct err *err)
{
    struct watch *w = watch_new(loop, WATCH_FD, arg);

    w->on_fd = fn;
    if (epoll_add(loop, fd, epoll_events, w) < 0) {
        watch_cancel(w);
        err_errno(err, ERR_INTERNAL, "watch descriptor %d", fd);
        return NULL;
    }
    w->fd = fd;
    return w;
}

struct watch *loop_child(struct loop *loop, pid_t pid, loop_exit_fn *fn, void *arg, struct err *err)
{
    struct watch *w = watch_new(loop, WATCH_CHILD, arg);

    w->on_exit = fn;
    w->pid = pid;
    w->fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (w->fd < 0 || epoll_add(loop, w->fd, EPOLLIN, w) < 0) {
        err_errno(err, ERR_INTERNAL, "watch process %d", (int)pid);
        watch_cancel(w);
        return NULL;
    }
    return w;
}

static void child_exited(struct watch *w)
{
    loop_exit_fn *fn = w->on_exit;
    void *arg = w->arg;
    pid_t pid = w->pid;
    int status = 0;

    if (waitpid(pid, &status, WNOHANG) == 0)
        return;
    watch_cancel(w);
    fn(arg, pid, status);
}

/* --- timers: a heap, since most are cancelled before they are due --- */

static bool earlier(const struct watch *a, const struct watch *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->turn < b->turn;
}

static void heap_put(struct loop *loop, size_t at, struct watch *w)
{
    loop->timers[at] = w;
    w->at = at;
}

/* Lets w rise, then sink, from the free place `at`. */
static void heap_settle(struct loop *loop, size_t at, struct watch *w)
{
    size_t child;

    while (at > 0 && earlier(w, loop->timers[(at - 1) / 2])) {
        heap_put(loop, at, loop->timers[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    while (2 * at + 1 < loop->n_timers) {
        child = 2 * at + 1;
        if (child + 1 < loop->n_timers && earlier(loop->timers[child + 1], loop->timers[child]))
            child++;
        if (!earlier(loop->timers[child], w))
            break;
        heap_put(loop, at, loop->timers[child]);
        at = child;
    }
    heap_put(loop, at, w);
}

static void timer_set(struct watch *w, int64_t due_ns)
{
    struct loop *loop = w->loop;

    if (loop->n_timers == loop->cap_timers) {
        loop->cap_timers = loop->cap_timers ? loop->cap_timers * 2 : 32;
        loop->timers = xrealloc(loop->timers, loop->cap_timers * sizeof *loop->timers);
    }
    w->due_ns = due_ns;
    w->turn = loop->n_timers_set++;
    heap_settle(loop, loop->n_timers++, w);
}

static void timer_unset(struct watch *w)
{
    struct loop *loop = w->loop;
    size_t at = w->at;
    struct watch *last;

    if (at == SIZE_MAX)
        return;
    w->at = SIZE_MAX;
    last = loop->timers[--loop->n_timers];
    if (last != w)
        heap_settle(loop, at, last);
}

struct watch *loop_timer(struct loop *loop, int64_t after_ms, int64_t every_ms, loop_fn *fn, void *arg)
{
    struct watch *w = watch_new(loop, WATCH_TIMER, arg);

    w->on_timer = fn;
    w->every_ns = every_ms * 1000000;
    timer_set(w, clock_mono_ns() + after_ms * 1000000);
    return w;
}

/* A timer that is late by more than its period skips the beats it missed. */
static void timer_fire(struct watch *w, int64_t now_ns)
{
    int64_t missed;

    timer_unset(w);
    if (w->every_ns > 0) {
        missed = (now_ns - w->due_ns) / w->every_ns;
        timer_set(w, w->due_ns + (missed + 1) * w->every_ns);
    }
    w->on_timer(w->arg);
}

/* Fires what is due now, but not what those callbacks set for "at once": others get their turn. */
static void run_timers(struct loop *loop)
{
    uint64_t first_new = loop->n_timers_set;
    int64_t now_ns;

    if (loop->n_timers == 0)
        return;
    now_ns = clock_mono_ns();
    while (loop->n_timers > 0 && loop->timers[0]->due_ns <= now_ns
           && loop->timers[0]->turn < first_new)
        timer_fire(loop->timers[0], now_ns);
}

/* How long epoll_wait() may sleep, in ms; -1 for ever. */
static int sleep_limit(const struct loop *loop)
{
    int64_t ms;

    if (loop->n_timers == 0)
        return -1;
    ms = (loop->timers[0]->due_ns - clock_mono_ns() + 999999) / 1000000;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* --- folders: one inotify descriptor for all, as a user may have only 128 of them --- */

static struct watch **folder_chain(struct loop *loop, int wd)
{
    return &loop->folders[(unsigned)wd % N_FOLDER_CHAINS];
}

static void report_file(struct loop *loop, const struct inotify_event *ev)
{
    struct watch *w = *folder_chain(loop, ev->wd);
    struct watch *next;

    for (; w; w = next) {
        next = w->chain;
        if (w->cancelled || w->wd != ev->wd || !(ev->mask & (w->mask | IN_IGNORED)))
            continue;
        w->gone = ev->mask & IN_IGNORED;
        w->on_file(w->arg, ev->len ? ev->name : "", ev->mask);
    }
}

static void report_overflow(struct loop *loop)
{
    for (int i = 0; i < N_FOLDER_CHAINS; i++)
        for (struct watch *w = loop->folders[i]; w; w = w->chain)
            if (!w->cancelled)
                w->on_file(w->arg, "", IN_Q_OVERFLOW);
}

static void read_folders(void *arg, uint32_t epoll_events)
{
    struct loop *loop = arg;
    _Alignas(struct inotify_event) char buf[16384];
    ssize_t len = read(loop->inotify_fd, buf, sizeof buf);
    const struct inotify_event *ev;

    (void)epoll_events;
    for (char *p = buf; p < buf + len; p += sizeof *ev + ev->len) {
        ev = (const struct inotify_event *)p;
        if (ev->mask & IN_Q_OVERFLOW)
            report_overflow(loop);
        else
            report_file(loop, ev);
    }
}

static int open_inotify(struct loop *loop, struct err *err)
{
    if (loop->inotify_fd >= 0)
        return 0;
    loop->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (loop->inotify_fd < 0)
        return err_errno(err, ERR_INTERNAL, "watch folders");
    return loop_fd(loop, loop->inotify_fd, EPOLLIN, read_folders, loop, err) ? 0 : -1;
}

struct watch *loop_folder(struct loop *loop, const char *path, uint32_t inotify_mask,
                          loop_file_fn *fn, void *arg, struct err *err)
{
    struct watch **chain, *w;
    int wd;

    if (open_inotify(loop, err) < 0)
        return NULL;
    wd = inotify_add_watch(loop->inotify_fd, path, inotify_mask | IN_MASK_ADD);
    if (wd < 0) {
        err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "watch folder %s", path);
        return NULL;
    }

    w = watch_new(loop, WATCH_FOLDER, arg);
    w->on_file = fn;
    w->wd = wd;
    w->mask = inotify_mask;
    chain = folder_chain(loop, wd);
    w->chain = *chain;
    *chain = w;
    return w;
}

/* Tells inotify once nobody else watches the same folder. */
static void folder_unwatch(struct watch *w)
{
    struct watch *other = *folder_chain(w->loop, w->wd);

    for (; other; other = other->chain)
        if (!other->cancelled && other->wd == w->wd)
            return;
    if (!w->gone)
        inotify_rm_watch(w->loop->inotify_fd, w->wd);
}

static void folder_unchain(struct watch *w)
{
    struct watch **at = folder_chain(w->loop, w->wd);

    while (*at != w)
        at = &(*at)->chain;
    *at = w->chain;
}

/* --- the end of a watch --- */

void watch_cancel(struct watch *w)
{
    if (!w || w->cancelled)
        return;
    w->cancelled = true;
    if (w->kind == WATCH_TIMER)
        timer_unset(w);
    else if (w->kind == WATCH_FOLDER)
        folder_unwatch(w);
    else if (w->fd >= 0)
        epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    if (w->kind == WATCH_CHILD)
        fd_closep(&w->fd);

    if (w->prev)
        w->prev->next = w->next;
    else
        w->loop->watches = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->next = w->loop->cancelled;
    w->loop->cancelled = w;
}

static void free_cancelled(struct loop *loop)
{
    struct watch *w;

    while (loop->cancelled) {
        w = loop->cancelled;
        loop->cancelled = w->next;
        if (w->kind == WATCH_FOLDER)
            folder_unchain(w);
        free(w);
    }
}

/* --- the loop --- */

static void dispatch(const struct epoll_event *ev)
{
    struct watch *w = ev->data.ptr;

    if (w->cancelled)
        return;
    if (w->kind == WATCH_CHILD)
        child_exited(w);
    else
        w->on_fd(w->arg, ev->events);
}

/* Sleeps until something happens, and returns how many events there are. */
static int wait_for_events(struct loop *loop, struct epoll_event *events)
{
    int limit_ms = sleep_limit(loop);
    int n;

    pthread_mutex_lock(&loop->lock);
    if (loop->posted.n > 0 || loop->stopping)
        limit_ms = 0;
    loop->asleep = limit_ms != 0;
    pthread_mutex_unlock(&loop->lock);

    n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, limit_ms);
    if (n < 0 && errno != EINTR)
        abort();
    return n;
}

static bool is_done(struct loop *loop)
{
    bool done;

    pthread_mutex_lock(&loop->lock);
    done = loop->stopping && loop->posted.n == 0;
    pthread_mutex_unlock(&loop->lock);
    return done;
}

static void *loop_main(void *arg)
{
    struct epoll_event events[EVENTS_PER_TURN];
    struct posts spare = {0};
    struct loop *loop = arg;
    int n;

    current_loop = loop;
    while (!is_done(loop)) {
        n = wait_for_events(loop, events);
        run_posts(loop, &spare);
        for (int i = 0; i < n; i++)
            dispatch(&events[i]);
        run_timers(loop);
        free_cancelled(loop);
    }
    free(spare.items);
    return NULL;
}

static void swallow_wake(void *arg, uint32_t epoll_events)
{
    struct loop *loop = arg;
    uint64_t count;

    (void)epoll_events;
    if (read(loop->wake_fd, &count, sizeof count) < 0)
        return;
}

struct loop *loop_new(struct err *err)
{
    CLEANUP(loop_freep) struct loop *loop = xcalloc(1, sizeof *loop);

    pthread_mutex_init(&loop->lock, NULL);
    loop->inotify_fd = -1;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0) {
        err_errno(err, ERR_INTERNAL, "make an event loop");
        return NULL;
    }
    if (!loop_fd(loop, loop->wake_fd, EPOLLIN, swallow_wake, loop, err))
        return NULL;
    return TAKE(loop);
}

int loop_start(struct loop *loop, const char *thread_name, struct err *err)
{
    errno = pthread_create(&loop->thread, NULL, loop_main, loop);
    if (errno)
        return err_errno(err, ERR_INTERNAL, "start thread %s", thread_name);
    pthread_setname_np(loop->thread, thread_name);
    loop->started = true;
    return 0;
}

void loop_stop(struct loop *loop)
{
    if (!loop->started)
        return;
    pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    wake(loop);
    pthread_mutex_unlock(&loop->lock);

    pthread_join(loop->thread, NULL);
    loop->started = false;
    loop->stopping = false;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->started);
    while (loop->watches)
        watch_cancel(loop->watches);
    free_cancelled(loop);
    fd_closep(&loop->inotify_fd);
    fd_closep(&loop->wake_fd);
    fd_closep(&loop->epoll_fd);
    free(loop->timers);
    free(loop->posted.items);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

bool loop_is_current(const struct loop *loop) { return current_loop == loop; }
