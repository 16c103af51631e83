// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The inside of this room: what stands behind a struct call, and the running server. A request lives from
 * the moment its first line was read until its reply has left. It belongs to one HTTP thread, except while
 * it waits: then to whoever will call call_wake(). */

#include "http/call.h"
#include "http/route.h"
#include "http/server.h"
#include "http/url.h"

#include "base/err.h"
#include "base/text.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

struct form;
struct slot;

/* Something that holds a connection suspended and must let go when the server stops. */
struct waiter {
    struct waiter *prev, *next;         /* NULL when not listed */
    void (*stop)(struct waiter *w);     /* called once at most, with the list locked */
    bool at_once;                       /* never ends by itself: not to be given time */
};

/* Where a request is; it only ever goes down this list. */
enum phase {
    PHASE_HEADERS,      /* the first line was read */
    PHASE_IDENTIFY,     /* the headers were; finding out who calls */
    PHASE_BODY,         /* taking the body */
    PHASE_RUN,          /* in the handler, or in what it left to be run after a wait */
};

/* Who holds a request that waits. The server stops without waiting for ever: it then takes the
 * connection away, and whichever of connection and waker lets go last frees the request. */
enum hold {
    HOLD_NONE,          /* does not wait */
    HOLD_WAITING,
    HOLD_WOKEN,         /* call_wake() came: the connection goes on */
    HOLD_ABANDONED,     /* the server stops: answered 503, call_wake() still to come */
    HOLD_ORPHANED,      /* and the connection is gone: call_wake() frees */
    HOLD_LATE,          /* and call_wake() came: the end of the connection frees */
};

struct peer {               /* the other end of a connection */
    bool tls;
    struct request *begun;  /* its request, until request_end(), which a refused header never comes to */
    char address[INET6_ADDRSTRLEN];
};

struct header {
    struct header *next;
    const char *name, *value;
};

struct request {
    struct call call;                   /* first, so that each is found from the other */
    struct server *server;
    struct slot *slot;                  /* of the thread that runs the connection */
    struct MHD_Connection *conn;
    enum phase phase;
    _Atomic int hold;                   /* enum hold */
    struct waiter waiter;               /* listed while it waits */
    handler_fn *then;                   /* after the wait; NULL when it does not wait */
    bool work_failed;                   /* call.err is the outcome: `then` is not run */
    handler_fn *work;                   /* call_work() */
    int (*change)(struct db *db, void *arg, struct err *err);   /* call_write() */
    void *change_arg;

    struct path path;
    const char *raw_query;              /* undecoded; NULL when the target has none */
    struct pairs query;
    struct match match;
    const char *method;                 /* as sent */
    bool bad_target;                    /* the path could not be read; err says why */

    bool has_body;
    int64_t body_size;                  /* bytes announced; -1 when chunked */
    int64_t body_len;                   /* bytes read */
    struct text body;                   /* of a JSON route */
    struct form *form;                  /* of a form route */

    struct MHD_Response *response;      /* the reply, until it is queued */
    int status;                         /* of the reply; 0 while there is none */
    int64_t reply_bytes;
    struct header *headers;             /* reply_header(), newest first */
    int64_t start_ns;
    char id[17];
    struct err err;                     /* call.err */
};

static inline struct request *request_of(const struct call *c) { return (struct request *)c; }

/* libmicrohttpd's callbacks. */
void *request_begin(void *server, const char *target, struct MHD_Connection *conn);
enum MHD_Result request_handle(void *server, struct MHD_Connection *conn, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_len, void **request);
void request_end(void *server, struct MHD_Connection *conn, void **request,
                 enum MHD_RequestTerminationCode why);
void request_free(struct request *r);
void request_forget(struct peer *peer);     /* ends what was begun and not ended */

/* Frees a reply that was made and not queued. */
void reply_drop(struct request *r);
void reply_queue(struct request *r);
void reply_unavailable(struct request *r);  /* at once; touches nothing that a waker may use */

struct slot {                           /* one HTTP thread's own */
    struct db *db;                      /* NULL when the server was given no database */
    _Atomic long n_active;              /* requests begun and not ended */
    uint64_t random;                    /* state of the request ids */
};

struct server {
    struct server_config config;        /* texts are borrowed */
    struct routes *routes;
    struct listener *listeners;
    int n_listeners;
    struct slot *slots;
    int n_slots;
    _Atomic int n_slots_taken;
    _Atomic bool stopping;              /* new requests are refused */
    pthread_mutex_t waiters_lock;
    struct waiter waiters;              /* head of a ring */
    bool stop_streams, stop_waits;      /* new waiters are stopped as they come */
};

struct slot *server_slot(struct server *s);     /* the calling thread's */

/* The connection must be suspended already, or be able to take w->stop() before it is. */
void server_add_waiter(struct server *s, struct waiter *w);
void server_remove_waiter(struct server *s, struct waiter *w);  /* fine when it is not listed */
