// SPDX-License-Identifier: Apache-2.0
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "http/call.h"
#include "http/stream.h"
#include "tasks/events_store.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <stdlib.h>

enum { BACKLOG_MAX = 1000 /* events; with the largest a third of what a stream may be behind */ };

struct backlog {
    struct text text;           /* in text/event-stream form */
    int64_t last_id;
};

static void add_event(void *arg, const struct event *e)
{
    struct backlog *b = arg;

    text_addf(&b->text, "id: %" PRId64 "\nevent: %s\ndata: ", e->id, e->kind);
    text_add(&b->text, e->data);
    text_add(&b->text, "\n\n");
    b->last_id = e->id;
}

/* What the caller wants of the past: everything after an event, or the newest few. */
static int read_past(struct call *c, int64_t *ret_after, int64_t *ret_max, struct err *err)
{
    const char *last = call_header(c, "Last-Event-ID");
    char *end;

    *ret_after = -1;
    *ret_max = 0;
    if (call_query_int(c, "since", 0, INT64_MAX, ret_after, err) < 0 ||
        call_query_int(c, "history", 0, BACKLOG_MAX, ret_max, err) < 0)
        return -1;
    if (last && *last) { /* a browser that comes back sends it: newer than what the address says */
        int64_t id = strtoll(last, &end, 10);

        if (!*end && id >= 0)
            *ret_after = id;
    }
    if (*ret_after >= 0)
        *ret_max = BACKLOG_MAX;
    else
        *ret_after = 0;
    return 0;
}

/* First the stream is opened, then the past is read: what happens in between is in both, and told
 * once. */
static int stream_events(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    const char *subject = call_query(c, "subject"), *owner = c->role == ADMIN ? NULL : c->user;
    struct backlog b = {0};
    CLEANUP(stream_freep) struct stream *s = NULL;
    int64_t after, max;

    if (read_past(c, &after, &max, err) < 0)
        return -1;
    if (subject && !*subject)
        subject = NULL;
    s = hub_subscribe(t->config.hub, c->user, c->role == ADMIN, subject, NULL);
    if (max > 0 && events_each(c->db, owner, subject, after, max, add_event, &b, err) < 0) {
        text_done(&b.text);
        return -1;
    }
    if (b.last_id)
        stream_begin(s, b.text.data, b.last_id);
    text_done(&b.text);
    return reply_stream(c, "text/event-stream", TAKE(s));
}

const struct route events_routes[] = {
    { GET, "/events", USER, stream_events, "getEvents", "Events",
      "What happens, as server-sent events, while the connection is open",
      .query = PARAMS({ "subject", "string", false, "only about this task or search" },
                      { "since", "integer", false, "first what happened after the event with this id; a "
                                                   "Last-Event-ID header wins" },
                      { "history", "integer", false, "first the newest events, up to 1000" }),
      .reply = { 200, "string" }, .failures = FAILURES(400, 401, 500) },
    { .path = NULL },
};
