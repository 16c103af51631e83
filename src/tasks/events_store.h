// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The audit trail: table event. Who changes something adds its event in the same transaction (the
 * stores of tasks and searches do so themselves); this is for reading it back and for keeping it
 * short. */

#include "base/field.h"

struct db;
struct err;

enum { EVENTS_LOOKED_AT = 50000 };  /* how far back a filtered look goes, in events of everyone */

struct event {
    int64_t id;
    int64_t time_ms;            /* Unix time */
    const char *owner, *kind, *subject;
    const char *data;           /* one line of JSON */
};

/* Calls each() for the newest `max` events after `after`, oldest of them first. `owner` and
 * `subject` may be NULL: any. Events further back than EVENTS_LOOKED_AT are not looked for. Texts
 * live until each() returns. */
typedef void event_fn(void *arg, const struct event *event);
int events_each(struct db *db, const char *owner, const char *subject, int64_t after, int64_t max,
                event_fn *each, void *arg, struct err *err);

/* --- on the writer's thread --- */
/* Removes at most `max` events older than `before_ms`; returns how many. */
int events_prune(struct db *db, int64_t before_ms, int64_t max, struct err *err);
