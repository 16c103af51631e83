// SPDX-License-Identifier: Apache-2.0
#include "http/stream.h"

#include "http/request.h"
#include "http/stream_reply.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    BACKLOG_MAX = 1 << 20,      /* bytes waiting for one reader, beyond what it began with */
    PING_MS = 15000,            /* silence after which a comment is sent: proxies drop idle
                                 * connections, and a dead reader shows only when written to */
    BLOCK_SIZE = 16 << 10,
};

struct stream {
    struct stream *prev, *next;         /* in the hub's ring */
    struct hub *hub;
    char *user, *subject;               /* subject NULL: any */
    bool all;
    int64_t seen_id;                    /* notices up to this one were in the backlog */
    struct text out;                    /* not yet sent, from `sent` on */
    size_t sent, most;                  /* `out` may hold `most` unsent bytes */
    int64_t last_ms;                    /* when something was last added */
    struct MHD_Connection *conn;        /* once it is being sent */
    int fd;
    bool suspended, ended, overflowed;
    struct server *server;
    struct waiter waiter;
};

/* Lock order: a server's waiters, then a hub, then libmicrohttpd's own. */
struct hub {
    pthread_mutex_t lock;
    pthread_cond_t changed;             /* a first stream to ping, or the hub closes */
    pthread_t pinger;
    bool has_pinger, closing;
    int n_refs;                         /* the owner and each stream */
    struct stream ring;                 /* head */
};

/* --- one stream; the hub is locked --- */

static void wake(struct stream *s)
{
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->conn);
}

static void end(struct stream *s)
{
    s->ended = true;
    wake(s);
}

/* The reader is too slow: it is cut off, because it may never read again. */
static void overflow(struct stream *s)
{
    text_done(&s->out);
    s->sent = 0;
    s->ended = s->overflowed = true;
    if (s->conn && !s->suspended)
        shutdown(s->fd, SHUT_RDWR);
    wake(s);
}

static void add(struct stream *s, const char *data, size_t len)
{
    if (s->ended)
        return;
    if (s->out.len - s->sent + len > s->most) {
        overflow(s);
        return;
    }
    text_add_n(&s->out, data, len);
    s->last_ms = clock_mono_ms();
    wake(s);
}

static bool sees(const struct stream *s, const struct notice *n)
{
    if (!s->all && (!n->owner || strcmp(s->user, n->owner) != 0))
        return false;
    if (n->id && n->id <= s->seen_id)
        return false;
    return !s->subject || (n->subject && strcmp(s->subject, n->subject) == 0);
}

/* --- the hub --- */

/* Unlocks, and frees the hub with its last reference. */
static void hub_unref(struct hub *hub)
{
    bool last = --hub->n_refs == 0;

    pthread_mutex_unlock(&hub->lock);
    if (!last)
        return;
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

struct hub *hub_new(void)
{
    struct hub *hub = xcalloc(1, sizeof *hub);
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&hub->lock, NULL);
    hub->ring.prev = hub->ring.next = &hub->ring;
    hub->n_refs = 1;
    return hub;
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->closing = true;
    for (struct stream *s = hub->ring.next; s != &hub->ring; s = s->next)
        end(s);
    pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
    if (hub->has_pinger)
        pthread_join(hub->pinger, NULL);
    pthread_mutex_lock(&hub->lock);
    hub_unref(hub);
}

static void write_notice(struct text *t, const struct notice *n)
{
    if (n->id)
        text_addf(t, "id: %" PRId64 "\n", n->id);
    text_addf(t, "event: %s\ndata: ", n->kind);
    text_add(t, n->json);
    text_add(t, "\n\n");
}

void hub_publish(struct hub *hub, const struct notice *n)
{
    CLEANUP(text_done) struct text t = {0};

    pthread_mutex_lock(&hub->lock);
    for (struct stream *s = hub->ring.next; s != &hub->ring; s = s->next) {
        if (!sees(s, n))
            continue;
        if (!t.len)
            write_notice(&t, n);
        add(s, t.data, t.len);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* Pings whoever is due; returns when the next one is. */
static int64_t ping_due(struct hub *hub)
{
    static const char ping[] = ":\n\n";
    int64_t now = clock_mono_ms(), next = now + PING_MS;

    for (struct stream *s = hub->ring.next; s != &hub->ring; s = s->next) {
        if (now - s->last_ms >= PING_MS)
            add(s, ping, sizeof ping - 1);
        else if (s->last_ms + PING_MS < next)
            next = s->last_ms + PING_MS;
    }
    return next;
}

static void *run_pinger(void *arg)
{
    struct hub *hub = arg;

    pthread_mutex_lock(&hub->lock);
    while (!hub->closing) {
        if (hub->ring.next == &hub->ring) {
            pthread_cond_wait(&hub->changed, &hub->lock);
        } else {
            int64_t until = ping_due(hub);
            struct timespec ts = { until / 1000, until % 1000 * 1000000 };

            pthread_cond_timedwait(&hub->changed, &hub->lock, &ts);
        }
    }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

struct stream *hub_subscribe(struct hub *hub, const char *user, bool all, const char *subject,
                             const char *backlog)
{
    struct stream *s = xcalloc(1, sizeof *s);

    s->hub = hub;
    s->user = xstrdup(user);
    s->all = all || !user;
    s->subject = xstrdup(subject);
    s->fd = -1;
    s->last_ms = clock_mono_ms();
    /* A first comment, so that the reader sees the stream open before anything happens. */
    text_add(&s->out, backlog && *backlog ? backlog : ":\n\n");
    s->most = s->out.len + BACKLOG_MAX;

    pthread_mutex_lock(&hub->lock);
    hub->n_refs++;
    s->next = &hub->ring;
    s->prev = hub->ring.prev;
    s->prev->next = s->next->prev = s;
    if (!hub->has_pinger)
        hub->has_pinger = pthread_create(&hub->pinger, NULL, run_pinger, hub) == 0;
    if (s->prev == &hub->ring)
        pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
    return s;
}

/* --- as the body of a reply --- */

static ssize_t read_stream(void *arg, uint64_t position, char *to, size_t max)
{
    struct stream *s = arg;
    ssize_t n = 0;

    (void)position;
    pthread_mutex_lock(&s->hub->lock);
    if (s->overflowed) {
        n = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (s->out.len > s->sent) {
        n = (ssize_t)(s->out.len - s->sent < max ? s->out.len - s->sent : max);
        memcpy(to, s->out.data + s->sent, (size_t)n);
        s->sent += (size_t)n;
    } else if (s->ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        text_done(&s->out);
        s->sent = 0;
        s->suspended = true;
        MHD_suspend_connection(s->conn);
    }
    pthread_mutex_unlock(&s->hub->lock);
    return n;
}

/* The notices of `text` (each ends with an empty line) but those with ids up to `last_id`. */
static void add_newer(struct text *out, const char *text, int64_t last_id)
{
    const char *end;

    for (; (end = strstr(text, "\n\n")) != NULL; text = end + 2) {
        if (!text_starts(text, "id: ") || strtoll(text + 4, NULL, 10) > last_id)
            text_add_n(out, text, (size_t)(end + 2 - text));
    }
}

void stream_begin(struct stream *s, const char *backlog, int64_t last_id)
{
    struct text out = {0};

    pthread_mutex_lock(&s->hub->lock);
    text_add(&out, backlog);
    if (s->out.data)
        add_newer(&out, s->out.data, last_id);
    text_done(&s->out);
    s->out = out;
    s->most = out.len + BACKLOG_MAX;
    s->seen_id = last_id;
    pthread_mutex_unlock(&s->hub->lock);
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    if (s->server)
        server_remove_waiter(s->server, &s->waiter);
    pthread_mutex_lock(&s->hub->lock);
    s->prev->next = s->next;
    s->next->prev = s->prev;
    hub_unref(s->hub);
    text_done(&s->out);
    free(s->user);
    free(s->subject);
    free(s);
}

static void free_stream(void *arg) { stream_free(arg); }

static void stop(struct waiter *w)
{
    struct stream *s = (struct stream *)((char *)w - offsetof(struct stream, waiter));

    pthread_mutex_lock(&s->hub->lock);
    end(s);
    pthread_mutex_unlock(&s->hub->lock);
}

struct MHD_Response *stream_response(struct stream *s, struct server *server,
                                     struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

    pthread_mutex_lock(&s->hub->lock);
    s->conn = conn;
    s->fd = info->connect_fd;
    pthread_mutex_unlock(&s->hub->lock);
    s->server = server;
    s->waiter.stop = stop;
    s->waiter.at_once = true;
    server_add_waiter(server, &s->waiter);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, s,
                                             free_stream);
}
