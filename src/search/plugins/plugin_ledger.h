// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a search knows of the suggestions of its plugin: which there are, which were given out, which outcomes are
 * still to be told, and the calls of an earlier life that are to be made again. Pure; one thread at a time. */

#include "base/field.h"

struct ledger;
struct mem;
struct outcome;
struct text;

struct ledger *ledger_new(bool maximize);
void ledger_free(struct ledger *l);     /* NULL is fine */

/* --- suggestions, until their outcomes are told --- */

void ledger_add(struct ledger *l, int64_t id, const char *vals);        /* in order of ids; copied */
const char *ledger_vals(const struct ledger *l, int64_t id);            /* NULL: there is none (any more); borrowed */
void ledger_give(struct ledger *l, int64_t id);                         /* an experiment is made of it */
int64_t ledger_n_pending(const struct ledger *l);                       /* given out, and not ended */

/* An outcome, as algorithm.h has it, of something in the ledger (others are of no interest): it is to be told, unless
 * a call that is to be made again told it. */
void ledger_tell(struct ledger *l, const struct outcome *o);

/* --- outcomes to be told --- */

/* Appends them as items of last_exp_results, in order of ids. They are those of the call under way until
 * ledger_told(). */
void ledger_results(struct ledger *l, struct text *out);
int64_t *ledger_asked(const struct ledger *l, struct mem *mem, size_t *ret_n);  /* ids of those of the call under way */
void ledger_told(struct ledger *l);     /* that call was answered */

/* --- calls to be made again --- */

void ledger_replay(struct ledger *l, int64_t call, int64_t samples);    /* numbers without gaps; before ledger_tell() */
int64_t ledger_first_replay(const struct ledger *l);    /* its number; INT_UNSET: there is none */
size_t ledger_n_replays(const struct ledger *l);        /* still to be made */

/* The next of them, with what it told; false when there is none. It counts as made with ledger_replayed(). */
bool ledger_next_replay(struct ledger *l, int64_t *ret_samples, struct text *results);
void ledger_replayed(struct ledger *l);
