// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include "http/form.h"

#include "base/clock.h"
#include "base/field.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/reader.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A refused body up to this size is read and dropped, so that the connection can be kept and the client
 * surely sees the reply; a longer one is cut off. */
enum { DRAIN_MAX = 16 << 20 };

/* --- begin and end --- */

static void make_id(struct slot *slot, char id[17])
{
    uint64_t x = slot->random += 0x9e3779b97f4a7c15;    /* splitmix64: no lock, no repeats */

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    x ^= x >> 31;
    for (int i = 0; i < 16; i++)
        id[i] = "0123456789abcdef"[x >> (60 - 4 * i) & 15];
    id[16] = '\0';
}

static struct peer *peer_of(struct MHD_Connection *conn)
{
    return MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *request_begin(void *server, const char *target, struct MHD_Connection *conn)
{
    struct server *s = server;
    struct slot *slot = server_slot(s);
    struct mem *mem = mem_new();
    struct request *r = mem_alloc(mem, sizeof *r);
    struct peer *peer = peer_of(conn);
    const char *query;

    request_forget(peer);
    peer->begun = r;
    slot->n_active++;
    r->server = s;
    r->slot = slot;
    r->conn = conn;
    r->start_ns = clock_mono_ns();
    make_id(slot, r->id);
    r->call = (struct call){ .mem = mem, .db = slot->db, .request_id = r->id,
                             .address = peer->address, .tls = peer->tls, .path = "", .err = &r->err };
    r->bad_target = url_path(target, mem, &r->path, &query, &r->err) < 0;
    r->call.path = r->path.text;
    r->raw_query = mem_strdup(mem, query);
    return r;
}

void request_free(struct request *r)
{
    reply_drop(r);
    form_free(r->form);
    text_done(&r->body);
    json_decref(r->call.body_json);
    mem_free(r->call.mem);
}

/* The path is quoted as JSON, so that whatever a client sends stays one value of one line. */
static void log_request(const struct request *r)
{
    CLEANUP(text_done) struct text path = {0};
    bool quiet = r->status < 300 && (r->call.method == GET || r->call.method == HEAD);
    int64_t us = (clock_mono_ns() - r->start_ns) / 1000;

    if (!log_enabled(quiet ? LOG_DEBUG : LOG_INFO))
        return;
    text_add_json(&path, r->call.path);
    log_line(quiet ? LOG_DEBUG : LOG_INFO, "http.request",
             "method=%s path=%s status=%d ms=%" PRId64 ".%03d user=%s req=%s in=%" PRId64
             " out=%" PRId64, r->method ? r->method : "-", path.data, r->status, us / 1000,
             (int)(us % 1000), r->call.user ? r->call.user : "-", r->id, r->body_len,
             r->reply_bytes);
}

/* libmicrohttpd answers a header it cannot take by itself, and does not tell us that the request ended. */
void request_forget(struct peer *peer)
{
    struct request *r = TAKE(peer->begun);

    if (!r)
        return;
    r->slot->n_active--;
    request_free(r);
}

void request_end(void *server, struct MHD_Connection *conn, void **request,
                 enum MHD_RequestTerminationCode why)
{
    struct request *r = *request;
    int hold;

    (void)why;
    *request = NULL;
    if (!r)
        return;
    peer_of(conn)->begun = NULL;
    r->slot->n_active--;
    if (r->hold != HOLD_NONE)       /* woken, but the client had gone: the handler is not called */
        server_remove_waiter(server, &r->waiter);
    hold = HOLD_ABANDONED;
    if (atomic_compare_exchange_strong(&r->hold, &hold, HOLD_ORPHANED))
        return;
    log_request(r);
    request_free(r);
}

/* --- headers --- */

static const char *header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

static int parse_method(const char *name)
{
    static const char *const names[N_METHODS] = { "GET", "HEAD", "POST", "PUT", "DELETE" };

    for (int m = 0; m < N_METHODS; m++)
        if (strcmp(names[m], name) == 0)
            return m;
    return -1;
}

static int find_route(struct request *r, struct err *err)
{
    struct call *c = &r->call;
    int method = parse_method(r->method);
    const struct entry *e = NULL;

    if (!routes_find(r->server->routes, &r->path, c->mem, &r->match))
        return err_set(err, ERR_NOT_FOUND, "there is nothing at %.300s", c->path);
    if (method >= 0)
        e = r->match.entries[method];
    if (!e && method == HEAD)
        e = r->match.entries[GET];
    if (!e) {
        const char *allow = routes_allow(&r->match, c->mem);

        reply_header(c, "Allow", allow);
        return err_set(err, ERR_BAD_METHOD, "%.20s is not possible here; possible: %s", r->method,
                       allow);
    }
    c->method = (enum method)method;
    c->route = e->route;
    c->room = e->room;
    return 0;
}

static int64_t body_limit(const struct request *r)
{
    const struct server_config *config = &r->server->config;

    return r->call.route && r->call.route->form ? config->form_max_bytes : config->body_max_bytes;
}

static int too_large(const struct request *r, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the body is larger than the %" PRId64 " bytes allowed here",
                   body_limit(r));
}

static enum MHD_Result count_length(void *n, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind, (void)value;
    *(int *)n += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
                 strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

/* A body of two lengths ends elsewhere for a proxy in front of us, which could be made to pass on a
 * request that is hidden in it. */
static int check_length(struct request *r, struct err *err)
{
    int n = 0;

    MHD_get_connection_values(r->conn, MHD_HEADER_KIND, count_length, &n);
    if (n <= 1)
        return 0;
    reply_header(&r->call, MHD_HTTP_HEADER_CONNECTION, "close");
    return err_set(err, ERR_BAD_INPUT, "the header gives the length of the body more than once");
}

/* Whether a body follows, and how long it says it is. */
static void read_length(struct request *r)
{
    const char *length = header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        r->body_size = -1;
    else if (length)
        r->body_size = strtoll(length, NULL, 10);
    r->has_body = r->body_size != 0;
}

static int open_form(struct request *r, struct err *err)
{
    struct server_config *config = &r->server->config;

    if (!r->has_body || !r->call.route->form)
        return 0;
    r->form = form_new(header(r, MHD_HTTP_HEADER_CONTENT_TYPE), config->spool_dir, r->id,
                       config->body_max_bytes, r->call.mem, err);
    return r->form ? 0 : -1;
}

static int read_query(struct request *r, struct err *err)
{
    if (!r->raw_query)
        return 0;
    return url_pairs(r->raw_query, strcspn(r->raw_query, "#"), "the query", r->call.mem, &r->query,
                     err);
}

static int read_headers(struct request *r, struct err *err)
{
    read_length(r);
    if (check_length(r, err) < 0)
        return -1;
    if (r->server->stopping)
        return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
    if (r->bad_target) {
        *err = r->err;
        r->err = (struct err){0};
        return -1;
    }
    if (find_route(r, err) < 0)
        return -1;
    if (r->body_size > body_limit(r))
        return too_large(r, err);
    return read_query(r, err);
}

/* --- body --- */

static int take_piece(struct request *r, const char *data, size_t len, struct err *err)
{
    if (r->body_len > body_limit(r))
        return too_large(r, err);
    if (r->form)
        return form_feed(r->form, data, len, err);
    if (r->call.route->body)
        text_add_n(&r->body, data, len);
    return 0;
}

/* Takes a piece, or drops it when the reply is made already. False cuts the connection. */
static bool take_data(struct request *r, const char *data, size_t len)
{
    struct err err = {0};

    r->body_len += (int64_t)len;
    if (r->status)
        return r->body_size >= 0 || r->body_len < body_limit(r) + DRAIN_MAX;
    if (take_piece(r, data, len, &err) < 0) {
        reply_error(&r->call, &err);
        form_free(TAKE(r->form));
        text_done(&r->body);
    }
    return true;
}

/* JSON by its type, or by its look where a client's default type says nothing. */
static int check_json_type(struct request *r, struct err *err)
{
    const char *type = header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    enum media media = media_type(type);
    const char *at = r->body.data;

    if (media == MEDIA_NONE || media == MEDIA_JSON)
        return 0;
    at += text_starts(at, "\xef\xbb\xbf") ? 3 : 0;
    at += strspn(at, " \t\r\n");
    if ((media == MEDIA_URLENCODED || media == MEDIA_TEXT) && (*at == '{' || *at == '['))
        return 0;
    return err_set(err, ERR_BAD_INPUT, "the body must be application/json, not %.100s", type);
}

static int parse_json(struct request *r, struct err *err)
{
    if (r->body.len == 0)
        return 0;
    if (check_json_type(r, err) < 0)
        return -1;
    r->call.body_json = reader_parse_object(r->body.data, r->body.len, err);
    text_done(&r->body);
    return r->call.body_json ? 0 : -1;
}

/* An empty body is an object without members, so that the error names what is missing. */
static int decode_body(struct request *r, struct err *err)
{
    struct call *c = &r->call;
    json_t *empty;
    int rc;

    if (parse_json(r, err) < 0)
        return -1;
    c->body = mem_alloc(c->mem, c->route->body_size);
    fields_init(c->route->body, c->body);
    if (c->body_json)
        return fields_from_json(c->route->body, c->body_json, c->body, c->mem, err);
    empty = json_object();
    rc = fields_from_json(c->route->body, empty, c->body, c->mem, err);
    json_decref(empty);
    return rc;
}

static int finish_body(struct request *r, struct err *err)
{
    if (r->form)
        return form_finish(r->form, &r->call.parts, &r->call.n_parts, err);
    return r->call.route->body ? decode_body(r, err) : 0;
}

/* --- going on --- */

/* Runs a handler, or what it left for after its wait. */
static int run(struct request *r, handler_fn *fn, struct err *err)
{
    handler_fn *then = TAKE(r->then);

    if (!then)
        return fn(&r->call, err);
    r->hold = HOLD_NONE;
    if (r->work_failed) {
        *err = r->err;
        r->work_failed = false;
        return -1;
    }
    return then(&r->call, err);
}

/* A cookie comes along with calls that another site's page makes, so those that change something
 * show a token too. */
static int check_csrf(struct request *r, struct err *err)
{
    const struct identity *identity = &r->server->config.identity;
    struct call *c = &r->call;

    if (c->login != LOGIN_COOKIE || c->method == GET || c->method == HEAD || !identity->check_csrf)
        return 0;
    return identity->check_csrf(c, err);
}

static int check_rights(struct request *r, struct err *err)
{
    struct call *c = &r->call;

    if (!c->user)
        return err_set(err, ERR_NO_LOGIN, "this needs a login; send a name and password, or a token");
    if (c->route->role == ADMIN && c->role != ADMIN)
        return err_set(err, ERR_FORBIDDEN, "only an administrator may do this");
    return check_csrf(r, err);
}

static int identify(struct request *r, struct err *err)
{
    struct call *c = &r->call;
    int rc;

    if (c->route->role == ANYONE)
        return 0;
    c->room = r->server->config.identity.ctx;
    rc = run(r, r->server->config.identity.identify, err);
    if (rc == 0)
        rc = check_rights(r, err);
    if (rc != CALL_WAITS)       /* while it waits the call is another thread's */
        c->room = r->match.entries[c->route->method]->room;
    return rc;
}

/* One phase; returns as a handler does. A request that has its reply passes through. */
static int step(struct request *r, struct err *err)
{
    int rc;

    switch (r->phase) {
    case PHASE_HEADERS:
        return read_headers(r, err);
    case PHASE_IDENTIFY:
        rc = identify(r, err);
        return rc ? rc : open_form(r, err);
    case PHASE_BODY:
        return finish_body(r, err);
    default:
        rc = run(r, r->call.route->run, err);
        if (rc == 0 && !r->status)
            return err_set(err, ERR_INTERNAL, "%s ended without a reply", r->call.route->operation);
        return rc;
    }
}

/* Does the phase that the request is in; true when it waits. */
static bool does_wait(struct request *r, struct err *err)
{
    int rc;

    if (r->status)
        return false;
    rc = step(r, err);
    if (rc < 0) {
        reply_drop(r);
        if (r->phase == PHASE_RUN)
            r->headers = NULL;      /* they were meant for the reply that did not come */
        reply_error(&r->call, err);
    }
    return rc == CALL_WAITS;
}

/* Whether to answer before the body came: the client asked first, or it would send too much. */
static bool refuses_body(const struct request *r)
{
    return r->status && (header(r, MHD_HTTP_HEADER_EXPECT) || r->body_size > DRAIN_MAX);
}

/* A reply queued in the first call for a request makes libmicrohttpd close the connection, so a
 * request without a body is only looked at in the second. */
static void advance(struct request *r)
{
    struct err err = {0};

    if (r->phase == PHASE_HEADERS) {
        does_wait(r, &err);
        r->phase = PHASE_IDENTIFY;
        if (!r->has_body)
            return;
    }
    if (r->phase == PHASE_IDENTIFY) {
        if (does_wait(r, &err))
            return;
        r->phase = PHASE_BODY;
        if (r->has_body) {
            if (refuses_body(r))
                reply_queue(r);
            return;
        }
    }
    if (r->phase == PHASE_BODY) {
        does_wait(r, &err);
        r->phase = PHASE_RUN;
    }
    if (!does_wait(r, &err)) {
        form_free(TAKE(r->form));       /* who has the reply finds no upload left behind */
        reply_queue(r);
    }
}

enum MHD_Result request_handle(void *server, struct MHD_Connection *conn, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_len, void **request)
{
    struct request *r = *request;
    size_t len = *data_len;

    (void)conn, (void)url, (void)version;
    if (len) {
        *data_len = 0;
        return take_data(r, data, len) ? MHD_YES : MHD_NO;
    }
    if (r->hold != HOLD_NONE)
        server_remove_waiter(server, &r->waiter);
    if (r->hold == HOLD_ABANDONED || r->hold == HOLD_LATE) {
        reply_unavailable(r);
        return MHD_YES;
    }
    r->method = method;
    advance(r);
    return MHD_YES;
}
