// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "http/request.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/db.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DRAIN_MS = 5000,        /* for what has begun, at the stop */
    LEAVE_MS = 1000,        /* for the replies of what was broken off then */
    DEFER_ACCEPT_S = 30,    /* a connection is taken up when its first bytes are there */
    BACKLOG = 1024,
    PEM_MAX = 1 << 20,
};

struct listener {
    struct MHD_Daemon *daemon;
    char *address;          /* "http://127.0.0.1:9280" */
};

/* --- threads --- */

static _Thread_local struct slot *my_slot;

/* libmicrohttpd makes the threads; each takes a slot at its first request and keeps it. */
struct slot *server_slot(struct server *s)
{
    if (!my_slot)
        my_slot = &s->slots[s->n_slots_taken++];
    return my_slot;
}

static int open_slots(struct server *s, int n, struct err *err)
{
    s->slots = xcalloc((size_t)n, sizeof *s->slots);
    s->n_slots = n;
    for (int i = 0; i < n; i++) {
        struct slot *slot = &s->slots[i];

        if (getrandom(&slot->random, sizeof slot->random, 0) < 0)
            return err_errno(err, ERR_INTERNAL, "random numbers");
        if (!s->config.db_path)
            continue;
        slot->db = db_open(s->config.db_path, DB_READ, err);
        if (!slot->db)
            return -1;
    }
    return 0;
}

/* --- connections --- */

/* A TLS client on the plain port would wait for ever for its handshake. It gets a few bytes that
 * cannot be TLS, so that it reports just that, and the end of the connection. */
static void refuse_tls(int fd)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                                "Content-Type: text/plain\r\nContent-Length: 38\r\n\r\n"
                                "Error 400: this port speaks HTTP only\n";
    char hello[4096];

    if (recv(fd, hello, 1, MSG_PEEK | MSG_DONTWAIT) != 1 || hello[0] != 0x16)
        return;
    while (recv(fd, hello, sizeof hello, MSG_DONTWAIT) > 0)
        ;       /* unread bytes would turn the close into a reset and lose the reply */
    if (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        shutdown(fd, SHUT_RDWR);
}

static struct peer *peer_new(const struct sockaddr *sa, bool tls)
{
    struct peer *p = xcalloc(1, sizeof *p);
    char text[INET6_ADDRSTRLEN] = "";

    if (sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text, sizeof text);
    else
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof text);
    snprintf(p->address, sizeof p->address, "%s", text_starts(text, "::ffff:") ? text + 7 : text);
    p->tls = tls;
    return p;
}

static void on_connection(void *is_plain, struct MHD_Connection *conn, void **peer,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        request_forget(*peer);
        free(TAKE(*peer));
        return;
    }
    *peer = peer_new(MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
                     /* tls= */ !is_plain);
    if (is_plain)
        refuse_tls(MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

/* Targets are decoded by url_path(), once. */
static size_t do_not_unescape(void *arg, struct MHD_Connection *conn, char *text)
{
    (void)arg, (void)conn;
    return strlen(text);
}

static void log_daemon(void *arg, const char *fmt, va_list ap)
{
    char line[400];

    (void)arg;
    vsnprintf(line, sizeof line, fmt, ap);
    log_debug("http.daemon", "text=\"%s\"", line);
}

/* --- listeners --- */

/* "127.0.0.1:9280", "[::1]:9280", ":9280" */
static int resolve(const char *listen, struct addrinfo **ret, struct err *err)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    const char *colon = strrchr(listen, ':');
    char host[256];
    size_t len = colon ? (size_t)(colon - listen) : 0;
    int rc;

    if (!colon || len >= sizeof host)
        return err_set(err, ERR_BAD_INPUT, "cannot listen on \"%.200s\": write ADDRESS:PORT", listen);
    if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    }
    memcpy(host, listen, len);
    host[len] = '\0';
    rc = getaddrinfo(len ? host : NULL, colon + 1, &hints, ret);
    if (rc != 0)
        return err_set(err, ERR_BAD_INPUT, "cannot listen on \"%.200s\": %s", listen,
                       gai_strerror(rc));
    return 0;
}

static int bind_socket(const struct addrinfo *ai, const char *address, struct err *err)
{
    CLEANUP(fd_closep) int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1, defer = DEFER_ACCEPT_S;

    if (fd < 0)
        return err_errno(err, ERR_UNAVAILABLE, "cannot listen on %.200s", address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return err_errno(err, ERR_UNAVAILABLE, "cannot listen on %.200s", address);
    return TAKE_FD(fd);
}

static int open_socket(const char *address, struct err *err)
{
    struct addrinfo *found;
    int fd;

    if (resolve(address, &found, err) < 0)
        return -1;
    fd = bind_socket(found, address, err);
    freeaddrinfo(found);
    return fd;
}

static char *bound_address(int fd, const char *scheme)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN] = "", port[8] = "";
    bool v6;
    char *text = NULL;

    getsockname(fd, (struct sockaddr *)&at, &len);
    getnameinfo((struct sockaddr *)&at, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    v6 = at.ss_family == AF_INET6;
    if (asprintf(&text, "%s://%s%s%s:%s", scheme, v6 ? "[" : "", host, v6 ? "]" : "", port) < 0)
        abort();
    return text;
}

/* TLS options, or none for a plain listener. The texts must live until the daemon has started. */
static int tls_options(const struct server_config *config, struct text *cert, struct text *key,
                       struct MHD_OptionItem options[4], struct err *err)
{
    static char priorities[] = "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

    if (file_read(config->cert_path, PEM_MAX, cert, err) < 0 ||
        file_read(config->key_path, PEM_MAX, key, err) < 0)
        return -1;
    options[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, cert->data };
    options[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, key->data };
    options[2] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities };
    options[3] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    return 0;
}

static struct MHD_Daemon *start_daemon(struct server *s, int fd, bool is_plain, int n_threads,
                                       struct MHD_OptionItem *tls)
{
    const struct server_config *config = &s->config;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (is_plain ? 0 : MHD_USE_TLS);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, request_handle, s,
        MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)(n_threads > 1 ? n_threads : 0),
        MHD_OPTION_URI_LOG_CALLBACK, request_begin, s,
        MHD_OPTION_UNESCAPE_CALLBACK, do_not_unescape, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, request_end, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, is_plain ? s : NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)config->header_max_bytes,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int add_listener(struct server *s, const char *address, bool is_plain, int n_threads,
                        struct err *err)
{
    CLEANUP(fd_closep) int fd = -1;
    CLEANUP(text_done) struct text cert = {0};
    CLEANUP(text_done) struct text key = {0};
    struct MHD_OptionItem tls[4] = { { MHD_OPTION_END, 0, NULL } };
    struct listener *l = &s->listeners[s->n_listeners];

    if (!address || !*address)
        return 0;
    if (!is_plain && tls_options(&s->config, &cert, &key, tls, err) < 0)
        return -1;
    fd = open_socket(address, err);
    if (fd < 0)
        return -1;
    l->address = bound_address(fd, is_plain ? "http" : "https");
    l->daemon = start_daemon(s, fd, is_plain, n_threads, tls);
    s->n_listeners++;
    if (!l->daemon)
        return err_set(err, ERR_UNAVAILABLE, "cannot serve on %.200s; with TLS, check that %.100s "
                       "and its key belong together", address, s->config.cert_path);
    fd = -1;        /* the daemon's now */
    return 0;
}

/* --- start and stop --- */

/* Uploads that a killed server left behind. */
static int clear_spool(const char *dir, struct err *err)
{
    if (file_remove_tree(dir, err) < 0)
        return -1;
    return file_mkdirs(dir, 0700, err);
}

static int start(struct server *s, struct err *err)
{
    long n = s->config.n_threads > 0 ? s->config.n_threads : sysconf(_SC_NPROCESSORS_ONLN);
    int n_threads = n > 0 ? (int)n : 1;

    if (s->config.spool_dir && clear_spool(s->config.spool_dir, err) < 0)
        return -1;
    if (open_slots(s, 2 * n_threads, err) < 0)
        return -1;
    s->listeners = xcalloc(2, sizeof *s->listeners);
    if (add_listener(s, s->config.http, /* is_plain= */ true, n_threads, err) < 0)
        return -1;
    return add_listener(s, s->config.https, /* is_plain= */ false, n_threads, err);
}

struct server *server_start(const struct server_config *config, struct err *err)
{
    struct server *s = xcalloc(1, sizeof *s);

    s->config = *config;
    pthread_mutex_init(&s->waiters_lock, NULL);
    s->waiters.prev = s->waiters.next = &s->waiters;
    s->routes = routes_new(config->tables);
    if (start(s, err) < 0) {
        server_stop(s);
        return NULL;
    }
    return s;
}

const char *server_address(const struct server *s, int i)
{
    return i < s->n_listeners ? s->listeners[i].address : NULL;
}

void server_remove_waiter(struct server *s, struct waiter *w)
{
    pthread_mutex_lock(&s->waiters_lock);
    if (w->next) {
        w->prev->next = w->next;
        w->next->prev = w->prev;
        w->prev = w->next = NULL;
    }
    pthread_mutex_unlock(&s->waiters_lock);
}

void server_add_waiter(struct server *s, struct waiter *w)
{
    pthread_mutex_lock(&s->waiters_lock);
    if (w->at_once ? s->stop_streams : s->stop_waits) {
        w->stop(w);
    } else {
        w->next = &s->waiters;
        w->prev = s->waiters.prev;
        w->prev->next = w->next->prev = w;
    }
    pthread_mutex_unlock(&s->waiters_lock);
}

static void stop_waiters(struct server *s, bool all)
{
    struct waiter *next;

    pthread_mutex_lock(&s->waiters_lock);
    s->stop_streams = true;
    s->stop_waits = all;
    for (struct waiter *w = s->waiters.next; w != &s->waiters; w = next) {
        next = w->next;
        if (!all && !w->at_once)
            continue;
        w->prev->next = w->next;
        w->next->prev = w->prev;
        w->prev = w->next = NULL;
        w->stop(w);
    }
    pthread_mutex_unlock(&s->waiters_lock);
}

static long count_active(const struct server *s)
{
    long n = 0;

    for (int i = 0; i < s->n_slots; i++)
        n += s->slots[i].n_active;
    return n;
}

/* Looks every few ms, at the stop only: a signal from each request's end would cost every request. */
static void await_quiet(const struct server *s, int64_t most_ms)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    int64_t until = clock_mono_ms() + most_ms;

    while (count_active(s) > 0 && clock_mono_ms() < until)
        nanosleep(&pause, NULL);
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    s->stopping = true;
    stop_waiters(s, /* all= */ false);
    await_quiet(s, DRAIN_MS);
    stop_waiters(s, /* all= */ true);
    await_quiet(s, LEAVE_MS);
    for (int i = 0; i < s->n_listeners; i++) {
        if (s->listeners[i].daemon)
            MHD_stop_daemon(s->listeners[i].daemon);
        free(s->listeners[i].address);
    }
    for (int i = 0; i < s->n_slots; i++)
        db_close(s->slots[i].db);
    free(s->listeners);
    free(s->slots);
    routes_free(s->routes);
    pthread_mutex_destroy(&s->waiters_lock);
    free(s);
}
