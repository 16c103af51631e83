// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include "http/stream_reply.h"

#include "base/field.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char type_json[] = "application/json";
static const char type_text[] = "text/plain; charset=utf-8";

int reply_header(struct call *c, const char *name, const char *value)
{
    struct request *r = request_of(c);
    struct header *h = mem_alloc(c->mem, sizeof *h);

    h->name = mem_strdup(c->mem, name);
    h->value = mem_strdup(c->mem, value);
    h->next = r->headers;
    r->headers = h;
    return 0;
}

void reply_drop(struct request *r)
{
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = NULL;
    r->status = 0;
}

void reply_queue(struct request *r)
{
    if (r->server->stopping)
        MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
    MHD_queue_response(r->conn, (unsigned)r->status, r->response);
    MHD_destroy_response(r->response);
    r->response = NULL;
}

static int set_reply(struct call *c, int status, const char *type, struct MHD_Response *response,
                     int64_t bytes)
{
    struct request *r = request_of(c);

    reply_drop(r);
    r->status = status;
    r->response = response;
    r->reply_bytes = bytes;
    if (type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (struct header *h = r->headers; h; h = h->next)
        MHD_add_response_header(response, h->name, h->value);
    r->headers = NULL;
    return 0;
}

int reply_empty(struct call *c, int status)
{
    return set_reply(c, status, NULL,
                     MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), 0);
}

int reply_text(struct call *c, int status, const char *type, struct text *body)
{
    size_t len = body->len;
    char *data = text_take(body);

    return set_reply(c, status, type,
                     MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE),
                     (int64_t)len);
}

int reply_json(struct call *c, int status, struct text *json)
{
    return reply_text(c, status, type_json, json);
}

int reply_json_t(struct call *c, int status, json_t *json)
{
    struct text t = {0};

    json_to_text(json, &t);
    json_decref(json);
    return reply_json(c, status, &t);
}

int reply_fields(struct call *c, int status, const struct field *fields, const void *in)
{
    struct text t = {0};

    fields_to_text(fields, in, &t);
    return reply_json(c, status, &t);
}

int reply_string(struct call *c, struct text *body)
{
    CLEANUP(text_done) struct text quoted = {0};

    if (!call_wants_json(c))
        return reply_text(c, 200, type_text, body);
    text_add_json_n(&quoted, body->len ? body->data : "", body->len);
    text_done(body);
    return reply_json(c, 200, &quoted);
}

static int reply_no_file(struct call *c, const char *path)
{
    struct err err;

    if (errno == ENOENT)
        err_set(&err, ERR_NOT_FOUND, "the file is no longer there");
    else
        err_errno(&err, ERR_INTERNAL, "%.300s", path);
    reply_error(c, &err);
    return 0;
}

int reply_file(struct call *c, const char *path, const char *type, bool remove_after)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        reply_no_file(c, path);
        fd_closep(&fd);
        return 0;
    }
    if (remove_after)
        unlink(path);       /* the open descriptor keeps the bytes until they are sent */
    return set_reply(c, 200, type, MHD_create_response_from_fd64((uint64_t)st.st_size, fd),
                     st.st_size);
}

int reply_stream(struct call *c, const char *type, struct stream *stream)
{
    struct request *r = request_of(c);

    reply_header(c, "Cache-Control", "no-store");
    return set_reply(c, 200, type, stream_response(stream, r->server, r->conn), 0);
}

bool reply_unchanged(struct call *c, const char *tag)
{
    bool has = etag_matches(call_header(c, MHD_HTTP_HEADER_IF_NONE_MATCH), tag);

    reply_header(c, MHD_HTTP_HEADER_ETAG, mem_printf(c->mem, "W/\"%s\"", tag));
    /* Otherwise a browser may go on showing what it has without asking. */
    reply_header(c, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
    if (has)
        reply_empty(c, MHD_HTTP_NOT_MODIFIED);
    return has;
}

/* --- errors --- */

static int status_of(const struct request *r, const struct err *err)
{
    bool is_missing = err->kind == ERR_NOT_FOUND && r->phase == PHASE_RUN;

    return is_missing && r->call.route->missing ? r->call.route->missing
                                                : err_http_status(err->kind);
}

static void add_member(struct text *t, const char *key, const char *value)
{
    if (!*value)
        return;
    text_addf(t, ",\"%s\":", key);
    text_add_json(t, value);
}

static void log_failure(const struct request *r, const struct err *err)
{
    if (err->kind == ERR_INTERNAL)
        log_error("http.failed", "req=%s at=%s:%d text=\"%s\"", r->id, err->file ? err->file : "?",
                  err->line, err->text);
    else if (err->kind == ERR_NO_SPACE || err->kind == ERR_UNAVAILABLE)
        log_warn("http.failed", "req=%s text=\"%s\"", r->id, err->text);
}

void reply_error(struct call *c, const struct err *err)
{
    struct request *r = request_of(c);
    const char *message = err->kind == ERR_INTERNAL ? "internal error" : err->text;
    int status = status_of(r, err);
    struct text t = {0};

    log_failure(r, err);
    if (err->kind == ERR_NO_LOGIN)
        reply_header(c, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"deeplearning\"");
    if (call_wants_json(c)) {
        text_addf(&t, "{\"error\":{\"code\":\"%s\",\"message\":", err_code(err->kind));
        text_add_json(&t, message);
        add_member(&t, "field", err->field);
        add_member(&t, "accepted", err->accepted);
        add_member(&t, "requestId", r->id);
        text_add(&t, "}}");
        reply_json(c, status, &t);
        return;
    }
    text_addf(&t, "Error %d: %s", status, message);
    if (err->kind == ERR_INTERNAL)
        text_addf(&t, " (request %s)", r->id);
    for (size_t i = 0; i < t.len; i++)      /* one line, whatever it quotes */
        if ((unsigned char)t.data[i] < ' ' || t.data[i] == 0x7f)
            t.data[i] = ' ';
    text_add_char(&t, '\n');
    reply_text(c, status, type_text, &t);
}

void reply_unavailable(struct request *r)
{
    static const char text[] = "Error 503: the server is stopping\n";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof text - 1, (void *)text, MHD_RESPMEM_PERSISTENT);

    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type_text);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    MHD_queue_response(r->conn, MHD_HTTP_SERVICE_UNAVAILABLE, response);
    MHD_destroy_response(response);
}
