// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The forms of searches and experiments: the records of the API and what events carry. Pure. */

#include "search/document.h"
#include "search/search.h"

struct text;

/* The tables behind the API page; a test compares them with what the functions below write. */
extern const struct field task_state_fields[];      /* HpoTaskState */

/* One experiment record. */
void echo_experiment(const struct experiment *e, struct text *out);

/* A task record in two pieces: everything that changes with the row or the clock, and the rest. A record is
 * "{" head "," tail "}". `now_ms` is Unix time. The tail needs the plan only for algoDef and hyperParams, which may
 * be NULL (spec that cannot be read any more), and the experiments as one list, already written. `best` is a
 * written experiment record, NULL for none. */
void echo_head(const struct search *s, int64_t now_ms, struct text *out);
void echo_tail(const struct document *doc, const char *best, const struct text *experiments, struct text *out);

/* What `search.state` and `search.experiment` events carry; `e` is NULL for the former. */
void echo_event(const struct search *s, const struct experiment *e, struct text *out);

