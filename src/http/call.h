// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One request being answered, as handlers see it, and the table row that names a handler. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct field;
struct mem;
struct stream;
struct text;

enum method { GET, HEAD, POST, PUT, DELETE, N_METHODS };
enum role { ANYONE, USER, ADMIN };

/* How a call proved who it is; only COOKIE needs a CSRF token. */
enum login { LOGIN_NONE, LOGIN_BASIC, LOGIN_TOKEN, LOGIN_COOKIE };

struct part {               /* one part of a multipart or urlencoded body, or the whole raw body */
    const char *name;       /* "" when it has none */
    const char *filename;   /* last path component; NULL when the part has none */
    const char *type;       /* content type, NULL when absent */
    const char *path;       /* parts with a filename, named "file", of a non-text type or over 1 MiB (4 MiB in
                             * all) lie in this file; it is removed before the reply unless renamed away */
    const char *data;       /* all others here: UTF-8, NUL-terminated */
    int64_t len;            /* bytes */
};

struct call {
    enum method method;
    const char *path;               /* normalised, decoded, without the query */
    const char *request_id;         /* 16 hex digits; in every log line and error body */
    const char *address;            /* the client's, "127.0.0.1" */
    bool tls;                       /* came over HTTPS */
    const struct route *route;
    void *room;                     /* the context registered with the route's table */
    struct db *db;                  /* this thread's connection, for reading */
    struct mem *mem;                /* freed once the reply has left */
    const char *user;               /* NULL when not logged in */
    enum role role;
    enum login login;
    void *body;                     /* the struct route->body describes, filled and checked; or NULL */
    json_t *body_json;              /* what it was decoded from; NULL when there was no body */
    struct part *parts;             /* route->form calls */
    int n_parts;
    void *state;                    /* the handler's own, between handler and continuation */
    struct err *err;                /* the outcome another thread left before call_wake(); zeroed */
};

/* Returns 0 after exactly one reply_*() call; CALL_WAITS after call_wait() or call_work(); or -1 with
 * *err filled. Handlers do not log, check roles, spell failure statuses or free anything. */
typedef int handler_fn(struct call *c, struct err *err);
enum { CALL_WAITS = 1 };

struct param {              /* a query parameter or form part, for checking and for the API page */
    const char *name;
    const char *type;       /* "string", "integer", "boolean", "file" */
    bool required;
    const char *doc;
};

struct reply_doc {          /* what success looks like, for the OpenAPI document */
    int status;             /* 200, 201, 204 */
    const char *type;       /* schema name ("Batch"), "[Batch]" for a list, "string", NULL: empty body */
    const struct field *fields;     /* the schema's table; NULL for "string" and none */
};

struct route {
    enum method method;
    const char *path;               /* below the base: "/execs/{execId}"; "{name...}" takes the rest */
    enum role role;
    handler_fn *run;
    const char *operation;          /* operationId, unique */
    const char *tag;                /* heading of the API page: "Execs" */
    const char *summary;            /* one line */
    const struct field *body;       /* JSON request body; NULL: a body is read and ignored */
    size_t body_size;
    const char *body_type;          /* schema name of the body */
    bool form;                      /* multipart, urlencoded or raw body, spooled into c->parts */
    const struct param *query;      /* ends with name NULL; may be NULL */
    const struct param *parts;      /* form parts, likewise */
    struct reply_doc reply;
    int missing;                    /* the status ERR_NOT_FOUND gets here when not 404 (execs: 400) */
    const int *failures;            /* documented failure statuses, 0 at the end */
};

/* A room's routes under one base path. */
struct route_table {
    const char *base;               /* "/platform/rest/deeplearning/v1" */
    const struct route *routes;     /* ends with path NULL */
    void *room;                     /* handed to handlers as c->room */
};

#define BASE_DL        "/platform/rest/deeplearning/v1"
#define BASE_CONDUCTOR "/platform/rest/conductor/v1"

#define JSON_BODY(ctype, fields, schema) \
    .body = (fields), .body_size = sizeof(ctype), .body_type = (schema)
#define PARAMS(...)   (const struct param[]){ __VA_ARGS__, { .name = NULL } }
#define FAILURES(...) (const int[]){ __VA_ARGS__, 0 }

/* --- what came in --- */
const char *call_param(const struct call *c, const char *name);     /* {name} of the path; never NULL */
const char *call_query(const struct call *c, const char *name);     /* last one wins; NULL when absent */
const char *call_header(const struct call *c, const char *name);    /* NULL when absent */
const char *call_cookie(const struct call *c, const char *name);    /* NULL when absent */
void call_each_query(const struct call *c, void (*each)(void *arg, const char *key, const char *value),
                     void *arg);                                    /* in order of appearance */
int call_query_int(const struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret,
                   struct err *err);        /* absent leaves *ret; not a number is ERR_BAD_INPUT */
bool call_query_bool(const struct call *c, const char *name);       /* true/True/1; else false */
bool call_wants_json(const struct call *c);     /* Accept names JSON before any text form */
const struct part *call_part(const struct call *c, const char *name);   /* first so named; NULL */

/* Whether the caller may see or touch what `owner` owns (owner or administrator). */
bool call_owns(const struct call *c, const char *owner);

/* --- waiting --- */
/* Suspends the connection; `then` runs on an HTTP thread after call_wake(). Returns CALL_WAITS. Call it
 * before giving the call to the other thread. Until call_wake() the call belongs to that thread. */
int call_wait(struct call *c, handler_fn *then);
void call_wake(struct call *c);                 /* any thread, once per call_wait() */

/* Runs fn(c, c->err) on a worker thread, then `then` if it returned 0, else replies c->err. */
int call_work(struct call *c, handler_fn *fn, handler_fn *then);

/* Gives a change to the writer and then runs `then`; a failed change is replied as its error. */
int call_write(struct call *c, int (*change)(struct db *db, void *arg, struct err *err), void *arg,
               handler_fn *then);

/* --- replies --- */
int reply_empty(struct call *c, int status);
int reply_text(struct call *c, int status, const char *type, struct text *body);  /* takes the text */
int reply_json(struct call *c, int status, struct text *json);                    /* takes the text */
int reply_json_t(struct call *c, int status, json_t *json);                       /* takes the value */
int reply_fields(struct call *c, int status, const struct field *fields, const void *in);
int reply_string(struct call *c, struct text *body);            /* JSON string or plain text by Accept;
                                                                 * takes the text */
int reply_file(struct call *c, const char *path, const char *type, bool remove_after);
int reply_stream(struct call *c, const char *type, struct stream *stream);        /* takes the stream */
int reply_header(struct call *c, const char *name, const char *value);            /* before reply_*() */
void reply_error(struct call *c, const struct err *err);        /* the one place errors become replies */

/* Gives the reply to a GET a weak ETag: `tag` names the state of what is about to be sent, without quotes. True when
 * the client says that it has this state (If-None-Match): then the reply is made, 304 without a body. */
bool reply_unchanged(struct call *c, const char *tag);
