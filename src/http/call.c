// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include "base/mem.h"
#include "base/work.h"
#include "store/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what came in --- */

const char *call_param(const struct call *c, const char *name)
{
    const struct request *r = request_of(c);
    const struct entry *e = r->match.entries[c->route->method];

    for (int i = 0; i < e->n_names; i++)
        if (strcmp(e->names[i], name) == 0)
            return r->match.values[i];
    return "";
}

const char *call_query(const struct call *c, const char *name)
{
    const struct pairs *query = &request_of(c)->query;

    for (int i = query->n - 1; i >= 0; i--)
        if (strcmp(query->items[i].key, name) == 0)
            return query->items[i].value;
    return NULL;
}

void call_each_query(const struct call *c, void (*each)(void *arg, const char *key, const char *value),
                     void *arg)
{
    const struct pairs *query = &request_of(c)->query;

    for (int i = 0; i < query->n; i++)
        each(arg, query->items[i].key, query->items[i].value);
}

const char *call_header(const struct call *c, const char *name)
{
    return MHD_lookup_connection_value(request_of(c)->conn, MHD_HEADER_KIND, name);
}

const char *call_cookie(const struct call *c, const char *name)
{
    return MHD_lookup_connection_value(request_of(c)->conn, MHD_COOKIE_KIND, name);
}

int call_query_int(const struct call *c, const char *name, int64_t min, int64_t max, int64_t *ret,
                   struct err *err)
{
    const char *text = call_query(c, name);
    char accepted[80], *end;
    int64_t value;

    if (!text || !*text)
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno == 0 && !*end && value >= min && value <= max) {
        *ret = value;
        return 0;
    }
    snprintf(accepted, sizeof accepted, "a whole number from %" PRId64 " to %" PRId64, min, max);
    return err_field(err, name, accepted, "query parameter %s must be %s, not \"%.60s\"", name,
                     accepted, text);
}

bool call_query_bool(const struct call *c, const char *name)
{
    const char *text = call_query(c, name);

    return text && (text_same(text, "true") || strcmp(text, "1") == 0);
}

bool call_wants_json(const struct call *c)
{
    return accept_wants_json(call_header(c, "Accept"));
}

const struct part *call_part(const struct call *c, const char *name)
{
    for (int i = 0; i < c->n_parts; i++)
        if (strcmp(c->parts[i].name, name) == 0)
            return &c->parts[i];
    return NULL;
}

bool call_owns(const struct call *c, const char *owner)
{
    return c->role == ADMIN || (c->user && owner && strcmp(c->user, owner) == 0);
}

/* --- waiting --- */

/* The server stops and this call was not woken in time. */
static void abandon(struct waiter *w)
{
    struct request *r = (struct request *)((char *)w - offsetof(struct request, waiter));
    int hold = HOLD_WAITING;

    if (atomic_compare_exchange_strong(&r->hold, &hold, HOLD_ABANDONED))
        MHD_resume_connection(r->conn);
}

int call_wait(struct call *c, handler_fn *then)
{
    struct request *r = request_of(c);

    r->then = then;
    r->hold = HOLD_WAITING;
    r->waiter.stop = abandon;
    MHD_suspend_connection(r->conn);
    server_add_waiter(r->server, &r->waiter);
    return CALL_WAITS;
}

void call_wake(struct call *c)
{
    struct request *r = request_of(c);
    struct MHD_Connection *conn = r->conn;
    int hold = HOLD_WAITING;

    if (atomic_compare_exchange_strong(&r->hold, &hold, HOLD_WOKEN)) {
        MHD_resume_connection(conn);
        return;
    }
    hold = HOLD_ABANDONED;
    if (!atomic_compare_exchange_strong(&r->hold, &hold, HOLD_LATE))
        request_free(r);
}

static void do_work(void *arg)
{
    struct request *r = arg;

    r->work_failed = r->work(&r->call, &r->err) < 0;
    call_wake(&r->call);
}

int call_work(struct call *c, handler_fn *fn, handler_fn *then)
{
    struct request *r = request_of(c);
    struct work *work = r->server->config.work;

    r->work = fn;
    call_wait(c, then);
    work_add(work, do_work, r);
    return CALL_WAITS;
}

static int do_change(struct db *db, void *arg, struct err *err)
{
    struct request *r = arg;

    return r->change(db, r->change_arg, err);
}

static void changed(void *arg, const struct err *err)
{
    struct request *r = arg;

    r->work_failed = err->kind != ERR_NONE;
    if (r->work_failed)
        r->err = *err;
    call_wake(&r->call);
}

int call_write(struct call *c, int (*change)(struct db *db, void *arg, struct err *err), void *arg,
               handler_fn *then)
{
    struct request *r = request_of(c);
    struct writer *writer = r->server->config.writer;

    r->change = change;
    r->change_arg = arg;
    call_wait(c, then);
    writer_add(writer, do_change, changed, r);
    return CALL_WAITS;
}
