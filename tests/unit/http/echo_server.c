// SPDX-License-Identifier: Apache-2.0
/* A small server over every feature of src/http, for tests/api/test_transport.py. Run as
 *
 *     echo_server FOLDER [key=value ...]      keys: as in set_option()
 *
 * it prints "listening http://..." and "listening https://...", and stops at the end of its input. */

#include "http/openapi.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/tls.h"

#include "base/err.h"
#include "base/field.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/work.h"
#include "store/db.h"
#include "store/writer.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct hub *hub;
static struct call *parked[1024];       /* calls that wait for POST /wake */
static int n_parked;
static pthread_mutex_t parked_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- what came in, told back --- */

static void add_query(void *arg, const char *key, const char *value)
{
    json_array_append_new(arg, json_pack("[s,s]", key, value));
}

static json_t *part_json(const struct part *p)
{
    json_t *o = json_pack("{s:s, s:s?, s:s?, s:I, s:s?}", "name", p->name, "filename", p->filename,
                          "type", p->type, "len", (json_int_t)p->len, "data", p->data);
    json_object_set_new(o, "in_file", json_boolean(p->path != NULL));
    return o;
}

static int tell(struct call *c, struct err *err)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE" };
    json_t *query = json_array(), *parts = json_array();

    (void)err;
    call_each_query(c, add_query, query);
    for (int i = 0; i < c->n_parts; i++)
        json_array_append_new(parts, part_json(&c->parts[i]));
    return reply_json_t(c, 200, json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:b, s:b, s:o, s:o, s:O?}",
        "method", methods[c->method], "path", c->path, "operation", c->route->operation,
        "address", c->address, "user", c->user, "name", call_param(c, "name"),
        "rest", call_param(c, "rest"), "tls", c->tls, "has_db", c->db != NULL,
        "query", query, "parts", parts, "json", c->body_json));
}

static int small(struct call *c, struct err *err)
{
    struct text t = {0};

    (void)err;
    text_add(&t, "{\"ok\":true}");
    return reply_json(c, 200, &t);
}

static int versioned(struct call *c, struct err *err)
{
    return reply_unchanged(c, call_param(c, "name")) ? 0 : small(c, err);
}

struct point {
    const char *label;
    int64_t x;
    double ratio;
    const char *color;
    struct list tags;
};

static const struct field point_fields[] = {
    { "label", TEXT(struct point, label), .required = true, .doc = "what to call it" },
    { "x",     INT(struct point, x), .min = 0, .max = 100 },
    { "ratio", REAL(struct point, ratio), .unit = "percent" },
    { "color", TEXT(struct point, color), ALLOWED("red", "green") },
    { "tags",  LIST_OF(struct point, tags, FIELD_TEXT) },
    { .type = FIELD_END },
};

static int point(struct call *c, struct err *err)
{
    (void)err;
    return reply_fields(c, 201, point_fields, c->body);
}

static int number(struct call *c, struct err *err)
{
    int64_t n = 7;
    struct text t = {0};

    if (call_query_int(c, "n", 1, 10, &n, err) < 0)
        return -1;
    text_addf(&t, "%" PRId64 "%s", n, call_query_bool(c, "yes") ? " yes" : "");
    return reply_string(c, &t);
}

static int nothing(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 204);
}

static int file(struct call *c, struct err *err)
{
    (void)err;
    reply_header(c, "Content-Disposition", "attachment; filename=\"f.bin\"");
    return reply_file(c, call_query(c, "path"), "application/octet-stream",
                      call_query_bool(c, "remove"));
}

static int keep(struct call *c, struct err *err)
{
    const struct part *p = call_part(c, "file");

    if (!p || !p->path)
        return err_set(err, ERR_BAD_INPUT, "send a file");
    if (rename(p->path, call_query(c, "to")) < 0)
        return err_errno(err, ERR_INTERNAL, "rename");
    return reply_empty(c, 200);
}

/* --- failures --- */

static int fail(struct call *c, struct err *err)
{
    const char *how = call_param(c, "name");

    reply_header(c, "X-Leftover", "1");
    if (strcmp(how, "internal") == 0)
        return err_set(err, ERR_INTERNAL, "a secret reason");
    if (strcmp(how, "missing") == 0)
        return err_set(err, ERR_NOT_FOUND, "no such thing");
    if (strcmp(how, "silent") == 0)
        return 0;
    return err_field(err, "size", "1 to 9", "size must be 1 to 9");
}

/* --- waiting --- */

static int woken(struct call *c, struct err *err)
{
    struct text t = {0};

    if (c->err->kind) {
        *err = *c->err;
        return -1;
    }
    text_add(&t, "woken\n");
    return reply_text(c, 200, "text/plain", &t);
}

static int park(struct call *c, struct err *err)
{
    (void)err;
    pthread_mutex_lock(&parked_lock);
    call_wait(c, woken);
    parked[n_parked++] = c;
    pthread_mutex_unlock(&parked_lock);
    return CALL_WAITS;
}

static int count_parked(struct call *c, struct err *err)
{
    struct text t = {0};

    (void)err;
    pthread_mutex_lock(&parked_lock);
    text_add_int(&t, n_parked);
    pthread_mutex_unlock(&parked_lock);
    return reply_json(c, 200, &t);
}

static void wake_all(void)
{
    pthread_mutex_lock(&parked_lock);
    while (n_parked)
        call_wake(parked[--n_parked]);
    pthread_mutex_unlock(&parked_lock);
}

static int wake(struct call *c, struct err *err)
{
    (void)err;
    wake_all();
    return reply_empty(c, 200);
}

static void *wake_early(void *c)
{
    call_wake(c);
    return NULL;
}

/* Woken, most likely, before the handler has returned. */
static int early(struct call *c, struct err *err)
{
    pthread_t thread;

    (void)err;
    call_wait(c, woken);
    if (pthread_create(&thread, NULL, wake_early, c) != 0)
        abort();
    pthread_join(thread, NULL);
    return CALL_WAITS;
}

static int do_work(struct call *c, struct err *err)
{
    if (strcmp(call_param(c, "name"), "bad") == 0)
        return err_set(err, ERR_CONFLICT, "the work went wrong");
    c->state = mem_printf(c->mem, "worked %s", call_param(c, "name"));
    return 0;
}

static int worked(struct call *c, struct err *err)
{
    struct text t = {0};

    (void)err;
    text_add(&t, c->state);
    return reply_string(c, &t);
}

static int work(struct call *c, struct err *err)
{
    (void)err;
    return call_work(c, do_work, worked);
}

static int change(struct db *db, void *arg, struct err *err)
{
    static const char sql_add[] =
        "INSERT INTO user (name, password_hash, role, created_ms) VALUES (:name, '', 'user', 0)";

    return db_run(db, sql_add, BINDS(BIND_T(":name", arg)), err) < 0 ? -1 : 0;
}

static int written(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 201);
}

static int write_user(struct call *c, struct err *err)
{
    (void)err;
    return call_write(c, change, (void *)call_param(c, "name"), written);
}

/* --- events --- */

static int events(struct call *c, struct err *err)
{
    (void)err;
    return reply_stream(c, "text/event-stream",
                        hub_subscribe(hub, c->user, c->role == ADMIN, call_query(c, "subject"),
                                      call_query(c, "backlog")));
}

static int publish(struct call *c, struct err *err)
{
    int64_t times = 1, size = 0;
    CLEANUP(text_done) struct text json = {0};
    struct notice n = { .id = 5, .kind = "exec.state", .subject = call_query(c, "subject"),
                        .owner = call_query(c, "owner") };

    if (call_query_int(c, "times", 1, 100000, &times, err) < 0 ||
        call_query_int(c, "size", 0, 1 << 20, &size, err) < 0)
        return -1;
    text_add_char(&json, '"');
    for (int64_t i = 0; i < size; i++)
        text_add_char(&json, 'x');
    text_add_char(&json, '"');
    n.json = json.data;
    for (int64_t i = 0; i < times; i++)
        hub_publish(hub, &n);
    return reply_empty(c, 200);
}

/* --- who calls --- */

static int check_password(struct call *c, struct err *err)
{
    (void)c;
    if (strcmp(call_header(c, "X-User"), "mallory") == 0)
        return err_set(err, ERR_NO_LOGIN, "wrong name or password");
    return 0;
}

static int know(struct call *c, struct err *err)
{
    (void)err;
    c->user = mem_strdup(c->mem, call_header(c, "X-User"));
    c->role = strcmp(c->user, "admin") == 0 ? ADMIN : USER;
    c->login = call_cookie(c, "session") ? LOGIN_COOKIE : LOGIN_BASIC;
    return 0;
}

/* X-User names the user; X-Slow has the check made by a worker. */
static int identify(struct call *c, struct err *err)
{
    if (c->room != &hub)
        return err_set(err, ERR_INTERNAL, "identify() runs with its own context");
    if (!call_header(c, "X-User"))
        return 0;
    if (call_header(c, "X-Slow"))
        return call_work(c, check_password, know);
    return check_password(c, err) < 0 ? -1 : know(c, err);
}

static int check_csrf(struct call *c, struct err *err)
{
    if (c->room != &hub)
        return err_set(err, ERR_INTERNAL, "check_csrf() runs with the context of identify()");
    if (call_header(c, "X-CSRF-Token"))
        return 0;
    return err_set(err, ERR_FORBIDDEN, "send the csrftoken");
}

static int openapi(struct call *c, struct err *err);

static const struct route routes[] = {
    { GET,    "/echo/{name}",       ANYONE, tell,   "getEcho",  "Echo", "Tells what came in",
      .query = PARAMS({ "n", "integer", false, "a number" }) },
    { PUT,    "/echo/{name}",       ANYONE, tell,   "putEcho",  "Echo", "The same" },
    { DELETE, "/echo/{name}",       ANYONE, tell,   "delEcho",  "Echo", "The same" },
    { GET,    "/echo/fixed",        ANYONE, tell,   "getFixed", "Echo", "A literal" },
    { GET,    "/echo/fixed/{name}/deep", ANYONE, tell, "getDeep", "Echo", "Deeper" },
    { GET,    "/echo/{name}/under", ANYONE, tell,   "getUnder", "Echo", "Below a parameter" },
    { GET,    "/files/{rest...}",   ANYONE, tell,   "getRest",  "Echo", "The rest of the path" },
    { POST,   "/form",              ANYONE, tell,   "postForm", "Echo", "A form", .form = true,
      .parts = PARAMS({ "file", "file", true, "a file" }, { "data", "string", false, "the rest" }) },
    { POST,   "/form/mine",         USER,   tell,   "postMine", "Echo", "A form of a user", .form = true },
    { POST,   "/form/keep",         ANYONE, keep,   "postKeep", "Echo", "Moves a file", .form = true },
    { POST,   "/points",            ANYONE, point,  "addPoint", "Points", "Adds a point",
      JSON_BODY(struct point, point_fields, "Point"), .reply = { 201, "Point", point_fields },
      .failures = FAILURES(400, 500) },
    { GET,    "/points",            ANYONE, small,  "getPoints", "Points", "All points",
      .reply = { 200, "[Point]", point_fields } },
    { POST,   "/json",              ANYONE, tell,   "postJson", "Echo", "Tells the body",
      JSON_BODY(struct point, point_fields, "Point") },
    { GET,    "/small",             ANYONE, small,  "getSmall", "Echo", "A small answer" },
    { GET,    "/versioned/{name}",  ANYONE, versioned, "getVersioned", "Echo", "A small answer of one version" },
    { GET,    "/number",            ANYONE, number, "getNumber", "Echo", "A number",
      .reply = { 200, "string", NULL } },
    { DELETE, "/nothing",           ANYONE, nothing, "delNothing", "Echo", "Nothing",
      .reply = { 204, NULL, NULL } },
    { GET,    "/file",              ANYONE, file,   "getFile",  "Echo", "A file" },
    { GET,    "/fail/{name}",       ANYONE, fail,   "getFail",  "Echo", "Fails" },
    { GET,    "/fail400/{name}",    ANYONE, fail,   "getFail4", "Echo", "Fails", .missing = 400 },
    { GET,    "/me",                USER,   tell,   "getMe",    "Who",  "Needs a login" },
    { POST,   "/me",                USER,   tell,   "postMe",   "Who",  "Changes something" },
    { GET,    "/admin",             ADMIN,  tell,   "getAdmin", "Who",  "Needs an administrator" },
    { GET,    "/park",              ANYONE, park,   "getPark",  "Wait", "Waits" },
    { GET,    "/parked",            ANYONE, count_parked, "getParked", "Wait", "How many wait" },
    { POST,   "/wake",              ANYONE, wake,   "postWake", "Wait", "Wakes all" },
    { GET,    "/early",             ANYONE, early,  "getEarly", "Wait", "Woken at once" },
    { GET,    "/work/{name}",       ANYONE, work,   "getWork",  "Wait", "Works" },
    { POST,   "/users/{name}",      ANYONE, write_user, "postUser", "Wait", "Writes" },
    { GET,    "/events",            USER,   events, "getEvents", "Events", "Events" },
    { POST,   "/publish",           ANYONE, publish, "postPublish", "Events", "Publishes" },
    { GET,    "/openapi.json",      ANYONE, openapi, "getOpenapi", "Docs", "This" },
    { .path = NULL },
};

static const struct route_table tables[] = {
    { BASE_DL, routes, NULL },
    { .routes = NULL },
};

static int openapi(struct call *c, struct err *err)
{
    struct text t = {0};

    (void)err;
    openapi_write(tables, "1.0", &t);
    return reply_json(c, 200, &t);
}

static void set_option(struct server_config *config, const char *option)
{
    const char *value = strchr(option, '=') + 1;
    int64_t n = strtoll(value, NULL, 10);

    if (text_starts(option, "header_max="))
        config->header_max_bytes = n;
    else if (text_starts(option, "body_max="))
        config->body_max_bytes = n;
    else if (text_starts(option, "form_max="))
        config->form_max_bytes = n;
    else if (text_starts(option, "idle="))
        config->idle_s = n;
    else if (text_starts(option, "connections="))
        config->connections_max = n;
    else if (text_starts(option, "threads="))
        config->n_threads = (int)n;
    else if (text_starts(option, "http="))
        config->http = value;
    else if (text_starts(option, "spool="))
        config->spool_dir = value;
}

static int fail_start(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

int main(int argc, char **argv)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *folder = argv[1];
    struct server_config config = {
        .http = "127.0.0.1:0", .https = "127.0.0.1:0",
        .cert_path = mem_printf(mem, "%s/tls/cert.pem", folder),
        .key_path = mem_printf(mem, "%s/tls/key.pem", folder),
        .header_max_bytes = 32 << 10, .body_max_bytes = 16 << 20, .form_max_bytes = INT64_C(1) << 33,
        .connections_max = 1024, .idle_s = 120,
        .spool_dir = mem_printf(mem, "%s/uploads", folder),
        .db_path = mem_printf(mem, "%s/trainyard.db", folder),
        .tables = tables, .identity = { identify, check_csrf, &hub },
    };
    struct server *server;
    struct err err = {0};

    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < argc; i++)
        set_option(&config, argv[i]);
    if (tls_ensure(config.cert_path, config.key_path, &err) < 0)
        return fail_start(&err);
    hub = hub_new();
    config.writer = writer_start(config.db_path, &err);
    config.work = config.writer ? work_start(2, &err) : NULL;
    server = config.work ? server_start(&config, &err) : NULL;
    if (!server) {
        work_stop(config.work);
        writer_stop(config.writer);
        hub_free(hub);
        return fail_start(&err);
    }
    for (int i = 0; server_address(server, i); i++)
        printf("listening %s\n", server_address(server, i));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    server_stop(server);
    wake_all();         /* those whose connections the stop took away */
    work_stop(config.work);
    writer_stop(config.writer);
    hub_free(hub);
    return 0;
}
