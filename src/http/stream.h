// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Server-sent events: a hub takes what happens, each open connection gets what its user may see.
 * Publishing never blocks; a reader that falls more than 1 MiB behind is disconnected (it comes back
 * with Last-Event-ID and reads what it missed from the event table). Thread-safe. */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct err;
struct hub;
struct stream;

struct notice {
    int64_t id;             /* of the event row; 0 for live news without one (metrics, output, progress) */
    const char *owner;      /* who may see it, besides administrators */
    const char *kind;       /* "exec.state", "exec.metric", "exec.output", "search.state",
                             * "search.experiment", "dataset.state" */
    const char *subject;    /* the exec's id, or the name of the search or dataset: `?subject=` filters by it */
    const char *json;       /* one line */
};

struct hub *hub_new(void);
void hub_free(struct hub *hub);     /* closes all streams */
void hub_publish(struct hub *hub, const struct notice *n);

/* A reader for reply_stream(): sees notices whose owner is `user`, or all when `all`; `subject` may be
 * NULL for any. `backlog` (text/event-stream form, may be NULL) is sent first. */
struct stream *hub_subscribe(struct hub *hub, const char *user, bool all, const char *subject,
                             const char *backlog);

/* For a backlog that is read after subscribing, so that nothing falls between the two: puts it before what
 * the stream got since, from which notices with ids up to `last_id` are dropped, then or later: they are in
 * the backlog. Before reply_stream(). */
void stream_begin(struct stream *s, const char *backlog, int64_t last_id);

/* Ends a stream that was not given to reply_stream(); NULL is fine. */
void stream_free(struct stream *s);
DEFINE_FREEP(stream)
