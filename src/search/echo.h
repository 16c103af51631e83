// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The forms of searches and experiments: the records of the API and what events carry. Pure. */

#include "search/document.h"
#include "search/search.h"

struct text;

/* The members of a task record, in its order: that of task_state_fields, which has two more that stand in the reply to
 * `?since=` only. */
enum record_member {
    RECORD_NAME, RECORD_STATE, RECORD_PROGRESS, RECORD_DURATION, RECORD_CREATOR, RECORD_CREATETIME, RECORD_RUNNING,
    RECORD_COMPLETE, RECORD_FAILED, RECORD_SIG_NAME, RECORD_ARGS, RECORD_MESSAGE, RECORD_PRIOR, RECORD_ALGO,
    RECORD_PARAMS, RECORD_BEST, RECORD_EXPERIMENTS, RECORD_N_MEMBERS,
};

#define RECORD_BIT(member) (1u << (member))
#define RECORD_WHOLE       (RECORD_BIT(RECORD_N_MEMBERS) - 1)

/* The tables behind the API page; a test compares them with what the functions below write. */
extern const struct field task_state_fields[]; /* HpoTaskState */

/* "state,best" as bits; NULL and "" are the whole record. ERR_BAD_INPUT for an unknown name. */
int record_members_read(const char *names, uint32_t *ret, struct err *err);

/* One experiment record. */
void echo_experiment(const struct experiment *e, struct text *out);

/* The members of a task record up to the prior, as far as they are among `members`, each with a comma before it.
 * `now_ms` is Unix time. */
void echo_head(const struct search *s, uint32_t members, int64_t now_ms, struct text *out);

/* ,"algoDef":{...} and ,"hyperParams":[...]; nothing for a search that lists its experiments. */
void echo_algo(const struct document *doc, struct text *out);
void echo_params(const struct document *doc, struct text *out);

/* How long a search has been active, in ms. */
int64_t search_duration_ms(const struct search *s, int64_t now_ms);

/* What `search.state` and `search.experiment` events carry; `e` is NULL for the former. */
void echo_event(const struct search *s, const struct experiment *e, struct text *out);
