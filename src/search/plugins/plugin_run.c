// SPDX-License-Identifier: Apache-2.0
/* Searching with a plugin: ask() and tell() on this side, a process that speaks lines of JSON on the other.
 *
 * One call of search() is under way at a time. Its answer is stored before any suggestion of it is used, in one
 * change: the suggestions with the numbers of their experiments, the state of the plugin after them, and which
 * outcomes it was told. So whenever the server is killed, either the call was never answered, and the plugin,
 * restored from before it, is asked again with the same outcomes, or all of it is there, and suggestions that no
 * experiment was stored with are given out by the next server. A plugin that gives no state is asked all its calls
 * again instead, and the answers are dropped. */
#include "search/plugins/plugin_run.h"

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"
#include "cluster/helper.h"
#include "search/loop.h"
#include "search/plugins/plugin.h"
#include "search/plugins/plugin_ledger.h"
#include "search/plugins/plugin_store.h"
#include "search/plugins/plugin_talk.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BUSY_MS = 50,               /* until the last life of the process is looked at again */
    BUSY_MAX = 1200,            /* how often; its shepherd kills it as soon as it is asked to */
};

struct plugin_like {
    struct algorithm algorithm; /* first: what the rest of the room sees */
    struct plugin plugin;
};

enum phase {
    ASLEEP,     /* no process yet */
    STARTING,   /* a worker thread makes it ready */
    IDLE,       /* it waits for a request */
    THINKING,   /* a call is under way */
    STORING,    /* a worker thread reads and stores its answer */
    OVER,       /* no more calls: broken, or exhausted */
};

/* What a worker thread has in hand; its alone until it is posted back. */
struct job {
    struct mem *mem;            /* freed when it is back; NULL: none under way */
    char *line;
    size_t len;
    struct plugin_reply reply;
    int64_t most;
    bool replay;
    struct helper *helper;
    struct err err;
    bool again;                 /* the database refused; the answer itself is fine */
};

struct algorithm_ctx {
    const struct plugin *plugin;
    struct mem *mem;
    struct mem *given;          /* of the values given out last */
    struct plugin_space space;
    int64_t max_trials, parallel;
    void (*wake)(void *arg);
    void *wake_arg;
    struct live *live;          /* NULL: only checked */
    struct ledger *ledger;
    int64_t next_id;            /* of the next suggestion */
    int64_t n_calls;            /* stored */
    int64_t samples;            /* of the call under way */
    char *state;                /* what the process is to start with; NULL: nothing */
    enum phase phase;
    struct helper *helper;
    int n_busy;                 /* looks at a last life that has not ended */
    bool greeted;               /* the process has had its first line */
    const char *gone;           /* why the process ended while nothing was asked of it */
    const char *broken;         /* a sentence; NULL */
    struct watch *limit, *again;
    struct job job;
};

static const struct tasks_config *config_of(const struct algorithm_ctx *a) { return &a->live->searches->tasks->config; }

/* --- the end of it --- */

static void stop_helper(struct algorithm_ctx *a, bool at_once)
{
    watch_cancel(TAKE(a->limit));
    helper_stop(TAKE(a->helper), at_once);
}

static void fail(struct algorithm_ctx *a, const char *why)
{
    stop_helper(a, /* at_once= */ true);
    a->phase = OVER;
    a->broken = mem_printf(a->mem, "the algorithm \"%.60s\" failed: %s", a->plugin->name, why);
}

static void fail_and_wake(struct algorithm_ctx *a, const char *why)
{
    fail(a, why);
    a->wake(a->wake_arg);
}

/* --- work for other threads: the search stays until it is back --- */

static void send_job(struct algorithm_ctx *a, void (*run)(void *ctx))
{
    if (!a->job.mem)
        a->job.mem = mem_new();
    a->job.err = (struct err){0};
    a->live->n_pending++;
    work_add(config_of(a)->work, run, a);
}

/* False: the search is over, and perhaps gone. */
static bool job_is_back(struct algorithm_ctx *a)
{
    struct live *live = a->live;

    live->n_pending--;
    if (!live->dropped)
        return true;
    live_settle(live);
    return false;
}

static void job_done(struct algorithm_ctx *a)
{
    mem_free(a->job.mem);
    a->job = (struct job){0};
}

/* --- calling --- */

static void go_on(struct algorithm_ctx *a);

static void took_too_long(void *arg)
{
    struct algorithm_ctx *a = arg;
    int64_t limit_s = config_of(a)->settings->plugin_limit_s;
    char why[80];

    snprintf(why, sizeof why, "it took longer than %" PRId64 " s for one answer", limit_s);
    fail_and_wake(a, why);
}

/* How many slots are free: what experiments may still be run with. */
static int64_t free_slots(const struct algorithm_ctx *a)
{
    int64_t n = a->parallel - ledger_n_pending(a->ledger);

    if (a->max_trials >= 0 && n > a->max_trials - a->next_id)
        n = a->max_trials - a->next_id;
    return n > 1 ? n : 1;
}

static void send_call(struct algorithm_ctx *a)
{
    CLEANUP(text_done) struct text lines = {0};
    CLEANUP(text_done) struct text results = {0};
    bool replay;

    if (!a->greeted) {
        plugin_start_line(a->plugin, &a->live->plan, &a->space, a->live->row.name, a->state, &lines);
        a->greeted = true;
        free(TAKE(a->state));
    }
    replay = ledger_next_replay(a->ledger, &a->samples, &results);
    if (!replay) {
        ledger_results(a->ledger, &results);
        a->samples = free_slots(a);
    }
    plugin_search_line(a->samples, &results, replay, &lines);
    a->phase = THINKING;
    a->limit = loop_timer(config_of(a)->loop, config_of(a)->settings->plugin_limit_s * 1000, 0, took_too_long, a);
    helper_send(a->helper, &lines);
}

/* --- an answer --- */

static int make_reply(struct db *db, void *arg, struct err *err)
{
    const struct algorithm_ctx *a = arg;

    return plugin_calls_add(db, a->live->row.name, &a->job.reply, err);
}

static void answer_stored(void *arg);

/* On a worker thread. */
static void store_answer(void *arg)
{
    struct algorithm_ctx *a = arg;
    struct job *j = &a->job;
    struct plugin_answer answer;

    if (!j->again && plugin_answer_read(j->line, j->len, &a->space, j->most, j->mem, &answer, &j->err) == 0) {
        j->reply.suggestions = answer.suggestions;
        j->reply.n = answer.n;
        j->reply.call.state = answer.state;
    }
    if (j->err.kind == ERR_NONE && !j->replay)
        j->again = writer_run(config_of(a)->writer, make_reply, a, &j->err) < 0 && j->err.kind != ERR_CONFLICT;
    loop_post(config_of(a)->loop, answer_stored, a);
}

static void store_again(void *arg)
{
    struct algorithm_ctx *a = arg;

    watch_cancel(TAKE(a->again));
    send_job(a, store_answer);
}

/* The experiments that ended before the call are told; its suggestions may be used. */
static void take_answer(struct algorithm_ctx *a)
{
    const struct plugin_reply *r = &a->job.reply;

    ledger_told(a->ledger);
    for (size_t i = 0; i < r->n; i++)
        ledger_add(a->ledger, r->first + (int64_t)i, r->suggestions[i]);
    a->next_id += (int64_t)r->n;
    a->n_calls = r->call.call;
    if (r->n > 0)
        return;
    a->phase = OVER;
    stop_helper(a, /* at_once= */ false);
}

static void answer_stored(void *arg)
{
    struct algorithm_ctx *a = arg;
    struct job *j = &a->job;
    bool replay = j->replay;

    if (!job_is_back(a))
        return;
    if (j->again) {
        log_error("plugin.store", "search=\"%s\" retry_ms=%d reason=\"%s\"", a->live->row.name, RETRY_MS, j->err.text);
        a->again = loop_timer(config_of(a)->loop, RETRY_MS, 0, store_again, a);
        return;
    }
    a->phase = IDLE;
    if (j->err.kind != ERR_NONE)
        fail(a, j->err.text);
    else if (replay)
        ledger_replayed(a->ledger);
    else
        take_answer(a);
    job_done(a);
    if (replay)
        go_on(a);               /* the next one, or the call that waits for them */
    if (a->phase != THINKING)
        a->wake(a->wake_arg);
}

static void got_line(void *arg, const char *line, size_t len)
{
    struct algorithm_ctx *a = arg;
    struct job *j = &a->job;

    watch_cancel(TAKE(a->limit));
    j->mem = mem_new();
    j->line = mem_strndup(j->mem, line, len);
    j->len = len;
    j->most = a->samples;
    j->replay = ledger_n_replays(a->ledger) > 0;
    j->reply = (struct plugin_reply){ .call = { a->n_calls + 1, a->samples, NULL }, .first = a->next_id };
    j->reply.told = ledger_asked(a->ledger, j->mem, &j->reply.n_told);
    a->phase = STORING;
    send_job(a, store_answer);
}

static void helper_gone(void *arg, const char *why)
{
    struct algorithm_ctx *a = arg;

    a->helper = NULL;
    if (a->phase == THINKING)
        fail_and_wake(a, why);
    else
        a->gone = mem_strdup(a->mem, why);
}

/* --- starting --- */

static void process_ready(void *arg);

/* On a worker thread. */
static void make_process(void *arg)
{
    struct algorithm_ctx *a = arg;

    a->job.helper = plugin_helper(a->live, a->plugin, &a->job.err);
    loop_post(config_of(a)->loop, process_ready, a);
}

static void try_again(void *arg)
{
    struct algorithm_ctx *a = arg;

    watch_cancel(TAKE(a->again));
    send_job(a, make_process);
}

static void process_ready(void *arg)
{
    struct algorithm_ctx *a = arg;
    struct err err = a->job.err;

    a->helper = TAKE(a->job.helper);
    if (!job_is_back(a))
        return;
    if (err.kind == ERR_BUSY && ++a->n_busy < BUSY_MAX) {
        a->again = loop_timer(config_of(a)->loop, BUSY_MS, 0, try_again, a);
        return;
    }
    job_done(a);
    if (!a->helper || helper_start(a->helper, got_line, helper_gone, a, &err) < 0) {
        fail_and_wake(a, err.text);
        return;
    }
    log_info("plugin.start", "search=\"%s\" algorithm=\"%s\" replays=%zu", a->live->row.name, a->plugin->name,
             ledger_n_replays(a->ledger));
    a->phase = IDLE;
    send_call(a);
}

/* Something is to be asked for. */
static void go_on(struct algorithm_ctx *a)
{
    if (a->phase == ASLEEP) {
        a->phase = STARTING;
        send_job(a, make_process);
    } else if (a->phase == IDLE && a->gone) {
        fail(a, a->gone);
    } else if (a->phase == IDLE) {
        send_call(a);
    }
}

/* --- the algorithm --- */

static enum ask_result give(struct algorithm_ctx *a, int64_t trial, const char *vals, struct suggestion *ret,
                            struct err *err)
{
    struct value *values;

    mem_free(a->given);
    a->given = mem_new();
    if (plugin_values(&a->space, vals, a->given, &values, err) < 0)
        return ASK_FAILED;
    ledger_give(a->ledger, trial);
    ret->values = values;
    ret->n_values = a->space.space->n_dims;
    return ASK_POINT;
}

static enum ask_result plugin_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    const char *vals = ledger_vals(a->ledger, trial);

    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    if (vals)
        return give(a, trial, vals, ret, err);
    if (trial < a->next_id) {
        err_set(err, ERR_INTERNAL, "the suggestion for experiment %" PRId64 " is not stored", trial);
        return ASK_FAILED;
    }
    go_on(a);
    if (!a->broken)
        return a->phase == OVER ? ASK_END : ASK_LATER;
    err_set(err, ERR_UNAVAILABLE, "%s", a->broken);
    return ASK_FAILED;
}

static void plugin_tell(struct algorithm_ctx *a, const struct outcome *o) { ledger_tell(a->ledger, o); }

static int64_t plugin_planned(const struct algorithm_ctx *a) { return a->max_trials; }

static void plugin_free(struct algorithm_ctx *a)
{
    if (!a)
        return;
    stop_helper(a, /* at_once= */ false);
    helper_stop(a->job.helper, /* at_once= */ true);
    watch_cancel(a->again);
    ledger_free(a->ledger);
    free(a->state);
    mem_free(a->job.mem);
    mem_free(a->given);
    mem_free(a->mem);
    free(a);
}

static struct algorithm_ctx *plugin_make(const struct algorithm_setup *in, struct err *err)
{
    struct algorithm_ctx *a = xcalloc(1, sizeof *a);

    a->plugin = plugin_of(in->algorithm);
    a->mem = mem_new();
    a->max_trials = in->max_trials;
    a->parallel = in->parallel;
    a->ledger = ledger_new(in->maximize);
    a->wake = in->wake;
    a->wake_arg = in->wake_arg;
    if (plugin_space_make(in->space, in->specs, a->mem, &a->space, err) == 0)
        return a;
    plugin_free(a);
    return NULL;
}

static int note_call(void *arg, const struct plugin_call *call, struct err *err)
{
    struct algorithm_ctx *a = arg;

    (void)err;
    a->n_calls = call->call;
    if (call->state)            /* of the oldest that is kept, if any */
        a->state = xstrdup(call->state);
    else
        ledger_replay(a->ledger, call->call, call->samples);
    return 0;
}

static void note_suggestion(void *arg, int64_t id, const char *vals)
{
    ledger_add(((struct algorithm_ctx *)arg)->ledger, id, vals);
}

static int plugin_resume(struct algorithm_ctx *a, struct live *live, struct db *db, struct err *err)
{
    const char *search = live->row.name;
    int64_t first;

    a->live = live;
    if (plugin_calls_each(db, search, note_call, a, err) < 0 || suggestions_count(db, search, &a->next_id, err) < 0)
        return -1;
    first = ledger_first_replay(a->ledger);
    return suggestions_each(db, search, first == INT_UNSET ? a->n_calls : first - 1, note_suggestion, a, err);
}

static const struct algorithm plugin_slots = {
    .waits       = true,
    .keeps_files = true,
    .make        = plugin_make,
    .ask         = plugin_ask,
    .tell        = plugin_tell,
    .planned     = plugin_planned,
    .resume      = plugin_resume,
    .free        = plugin_free,
};

const struct algorithm *plugin_algorithm(const struct plugin *p, struct mem *mem)
{
    struct plugin_like *like = mem_alloc(mem, sizeof *like);

    like->algorithm = plugin_slots;
    like->algorithm.name = p->name;
    like->plugin = *p;
    return &like->algorithm;
}

const struct plugin *plugin_of(const struct algorithm *a)
{
    return a->make == plugin_make ? &((const struct plugin_like *)a)->plugin : NULL;
}
