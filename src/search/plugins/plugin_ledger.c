// SPDX-License-Identifier: Apache-2.0
#include "search/plugins/plugin_ledger.h"

#include "base/mem.h"
#include "base/text.h"
#include "search/algorithm.h"
#include "search/plugins/plugin_talk.h"
#include "search/search.h"

#include <stdlib.h>
#include <string.h>

enum { GONE_MAX = 64 /* dead entries that are not worth a sweep */ };

struct kept {
    int64_t id;
    char *vals;                 /* NULL: told */
    bool pending;
};

struct result {
    int64_t id;
    char *json;
};

struct replay {
    int64_t call, samples;
    struct text results;
};

struct ledger {
    bool maximize;
    struct kept *kept;          /* [n_kept], of which n_gone are dead; in order of ids */
    size_t n_kept, cap_kept, n_gone;
    int64_t n_pending;
    struct result *results;     /* [n_results], the first n_asked in the call under way */
    size_t n_results, cap_results, n_asked;
    struct replay *replays;     /* [n_replays], n_replayed of them made */
    size_t n_replays, cap_replays, n_replayed;
};

struct ledger *ledger_new(bool maximize)
{
    struct ledger *l = xcalloc(1, sizeof *l);

    l->maximize = maximize;
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_kept; i++)
        free(l->kept[i].vals);
    for (size_t i = 0; i < l->n_results; i++)
        free(l->results[i].json);
    for (size_t i = 0; i < l->n_replays; i++)
        text_done(&l->replays[i].results);
    free(l->kept);
    free(l->results);
    free(l->replays);
    free(l);
}

/* Room for one more item of an array. */
static void *grow(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    *cap = *cap * 2 + 16;
    return xrealloc(items, *cap * size);
}

/* --- suggestions --- */

static struct kept *find(const struct ledger *l, int64_t id)
{
    size_t low = 0, high = l->n_kept;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (l->kept[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->n_kept && l->kept[low].id == id && l->kept[low].vals ? &l->kept[low] : NULL;
}

void ledger_add(struct ledger *l, int64_t id, const char *vals)
{
    l->kept = grow(l->kept, l->n_kept, &l->cap_kept, sizeof *l->kept);
    l->kept[l->n_kept++] = (struct kept){ id, xstrdup(vals), false };
}

const char *ledger_vals(const struct ledger *l, int64_t id)
{
    const struct kept *k = find(l, id);

    return k ? k->vals : NULL;
}

static void set_pending(struct ledger *l, struct kept *k, bool pending)
{
    l->n_pending += pending - k->pending;
    k->pending = pending;
}

void ledger_give(struct ledger *l, int64_t id)
{
    struct kept *k = find(l, id);

    if (k)
        set_pending(l, k, true);
}

int64_t ledger_n_pending(const struct ledger *l) { return l->n_pending; }

static void drop(struct ledger *l, struct kept *k)
{
    size_t n = 0;

    free(TAKE(k->vals));
    if (++l->n_gone < GONE_MAX || l->n_gone < l->n_kept / 2)
        return;
    for (size_t i = 0; i < l->n_kept; i++)
        if (l->kept[i].vals)
            l->kept[n++] = l->kept[i];
    l->n_kept = n;
    l->n_gone = 0;
}

/* --- outcomes --- */

static struct replay *replay_of(const struct ledger *l, int64_t call)
{
    int64_t first = ledger_first_replay(l);
    bool known = first != INT_UNSET && call >= first && call < first + (int64_t)l->n_replays;

    return known ? &l->replays[call - first] : NULL;
}

void ledger_tell(struct ledger *l, const struct outcome *o)
{
    CLEANUP(text_done) struct text json = {0};
    struct kept *k = find(l, o->trial);
    struct replay *replay;

    if (!k)
        return;
    set_pending(l, k, o->state == TRIAL_PENDING);
    if (o->state == TRIAL_PENDING)
        return;
    plugin_result(o->row, l->maximize, k->vals, &json);
    replay = o->row->told == INT_UNSET ? NULL : replay_of(l, o->row->told);
    if (replay) {
        text_add(&replay->results, replay->results.len ? "," : "");
        text_add(&replay->results, json.data);
    } else {
        l->results = grow(l->results, l->n_results, &l->cap_results, sizeof *l->results);
        l->results[l->n_results++] = (struct result){ o->trial, text_take(&json) };
    }
    drop(l, k);
}

static int by_id(const void *a, const void *b)
{
    const struct result *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

void ledger_results(struct ledger *l, struct text *out)
{
    if (l->n_results)
        qsort(l->results, l->n_results, sizeof *l->results, by_id);
    for (size_t i = 0; i < l->n_results; i++) {
        text_add(out, i ? "," : "");
        text_add(out, l->results[i].json);
    }
    l->n_asked = l->n_results;
}

int64_t *ledger_asked(const struct ledger *l, struct mem *mem, size_t *ret_n)
{
    int64_t *ids = mem_alloc(mem, (l->n_asked + 1) * sizeof *ids);

    for (size_t i = 0; i < l->n_asked; i++)
        ids[i] = l->results[i].id;
    *ret_n = l->n_asked;
    return ids;
}

void ledger_told(struct ledger *l)
{
    for (size_t i = 0; i < l->n_asked; i++)
        free(l->results[i].json);
    l->n_results -= l->n_asked;
    if (l->n_results)
        memmove(l->results, l->results + l->n_asked, l->n_results * sizeof *l->results);
    l->n_asked = 0;
}

/* --- calls to be made again --- */

void ledger_replay(struct ledger *l, int64_t call, int64_t samples)
{
    l->replays = grow(l->replays, l->n_replays, &l->cap_replays, sizeof *l->replays);
    l->replays[l->n_replays++] = (struct replay){ .call = call, .samples = samples };
}

int64_t ledger_first_replay(const struct ledger *l) { return l->n_replays ? l->replays[0].call : INT_UNSET; }

size_t ledger_n_replays(const struct ledger *l) { return l->n_replays - l->n_replayed; }

bool ledger_next_replay(struct ledger *l, int64_t *ret_samples, struct text *results)
{
    struct replay *r;

    if (!ledger_n_replays(l))
        return false;
    r = &l->replays[l->n_replayed];
    *ret_samples = r->samples;
    *results = r->results;
    r->results = (struct text){0};
    return true;
}

void ledger_replayed(struct ledger *l) { l->n_replayed++; }
