// SPDX-License-Identifier: Apache-2.0
#pragma once
/* libmicrohttpd in, struct call out: listeners, TLS, routing, bodies, replies, one log line per
 * request. microhttpd.h is included in this room only. */

#include "http/call.h"

#include <stdint.h>

struct err;
struct server;
struct work;
struct writer;

/* Finds out who calls, from the headers: sets user, role and login and returns 0; leaves user NULL when
 * there are no credentials. Wrong ones are -1 with ERR_NO_LOGIN. May return CALL_WAITS (call_work()). */
struct identity {
    handler_fn *identify;
    int (*check_csrf)(struct call *c, struct err *err);     /* for changing calls with LOGIN_COOKIE */
    void *ctx;                                              /* c->room while either runs */
};

struct server_config {
    const char *http;               /* "127.0.0.1:9280", "" = none; port 0 takes a free one */
    const char *https;              /* "0.0.0.0:9243", "" = none */
    const char *cert_path, *key_path;   /* PEM; made by tls_ensure() */
    int n_threads;                  /* 0 = one per core */
    int64_t header_max_bytes, body_max_bytes, form_max_bytes;
    int64_t connections_max;
    int64_t idle_s;                 /* a connection without traffic is closed after this */
    const char *spool_dir;          /* uploads in progress; emptied at start */
    const char *db_path;            /* each thread opens its reader here */
    const struct route_table *tables;   /* ends with routes NULL */
    struct identity identity;
    struct writer *writer;          /* for call_write() */
    struct work *work;              /* for call_work() */
};

struct server *server_start(const struct server_config *config, struct err *err);
const char *server_address(const struct server *s, int i);  /* "http://127.0.0.1:9280"; NULL past the last */
void server_stop(struct server *s);     /* answers what has begun (5 s), then closes; NULL is fine */
