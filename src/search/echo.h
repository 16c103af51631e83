// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The forms of searches and experiments: the records of the API and what events carry. Pure. */

#include "search/document.h"
#include "search/search.h"

struct text;

/* The tables behind the API page; a test compares them with what the functions below write. */
extern const struct field task_state_fields[]; /* HpoTaskState */

/* One experiment record. */
void echo_experiment(const struct experiment *e, struct text *out);

/* A task record in two pieces: what changes with the row or the clock, and the rest. The record is
 * "{" head "," tail "}". `now_ms` is Unix time. `doc` may be NULL (it cannot be read any more);
 * `experiments` are written records with commas between, `best` is one of them, NULL for none. */
void echo_head(const struct search *s, int64_t now_ms, struct text *out);
void echo_tail(const struct document *doc, const char *best, const struct text *experiments,
               struct text *out);

/* What `search.state` and `search.experiment` events carry; `e` is NULL for the former. */
void echo_event(const struct search *s, const struct experiment *e, struct text *out);
