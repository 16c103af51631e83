// SPDX-License-Identifier: Apache-2.0
/* The trial loop: keeps as many experiments of every search running as it may have. Whatever
 * happens to a trial ends in a call of search_pump(). */
#include "search/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/work.h"
#include "search/priors/prior.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>

static struct loop *loop_of(const struct live *live) { return live->searches->tasks->config.loop; }
static struct work *work_of(const struct live *live) { return live->searches->tasks->config.work; }

/* --- lists --- */

struct live *live_find(struct searches *s, const char *name)
{
    for (struct live *l = s->lives; l; l = l->next)
        if (!l->dropped && strcmp(l->row.name, name) == 0)
            return l;
    return NULL;
}

static int make_force_done(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return searches_force_done(db, c->live->row.name, err);
}

static void force_done_stored(struct change *c) { live_settle(c->live); }

/* A dropped search goes once nothing of it is under way. */
void live_settle(struct live *live)
{
    struct live **at = &live->searches->lives;

    if (!live->dropped || live->trials || live->n_pending)
        return;
    if (live->forced) {
        live->forced = false;
        change_send(change_new(live, NULL, make_force_done, force_done_stored));
        return;
    }
    while (*at != live)
        at = &(*at)->next;
    *at = live->next;
    tasks_forget(live->searches->tasks, live->row.name);
    live_free(live);
}

void live_free(struct live *live)
{
    if (!live)
        return;
    while (live->trials) {
        struct trial *t = live->trials;

        live->trials = t->next;
        if (t->phase == TRIAL_READY) /* placed, and no row will ever name it */
            submit_undo(live->searches->tasks, t->submission.exec.id, t->submission.exec.creator);
        trial_free(t);
    }
    if (live->algorithm)
        live->plan.algorithm->free(live->algorithm);
    early_done(&live->early);
    mem_free(live->mem);
    free(live);
}

/* --- asking and preparing --- */

static void take_suggestion(struct trial *t, const struct suggestion *s)
{
    const struct search_plan *plan = &t->live->plan;
    CLEANUP(text_done) struct text echo = {0};
    struct value *values;
    int n = search_values(plan, t->row.id, s, t->mem, &values);

    values_echo(values, n, &echo);
    t->cube = s->cube;
    t->row.cube = cube_text(s->cube, plan->space.n_dims, t->mem);
    t->row.hyperparams = mem_strdup(t->mem, echo.data);
    t->row.resource = s->resource;
    t->row.parent = s->parent;
}

/* Fills the trial with the algorithm's suggestion; false when there is none, now or for good. */
static bool suggest(struct trial *t)
{
    struct live *live = t->live;
    size_t n_dims = (size_t)live->plan.space.n_dims;
    struct suggestion s = { .cube = mem_alloc(t->mem, (n_dims + 1) * sizeof *s.cube),
                            .resource = INT_UNSET, .parent = INT_UNSET };
    struct err err = {0};

    switch (live->plan.algorithm->ask(live->algorithm, t->row.id, &s, &err)) {
    case ASK_POINT:
        take_suggestion(t, &s);
        return true;
    case ASK_LATER:
        live->later = true;
        return false;
    case ASK_FAILED:
        log_error("search.ask", "search=\"%s\" reason=\"%s\"", live->row.name, err.text);
        live->broken = mem_strdup(live->mem, err.text);
        return false;
    case ASK_END:
        break;
    }
    live->exhausted = true;
    return false;
}

/* One whose hyperparameters are known before one that is still to be asked for: the algorithm may be
 * waiting for its outcome. */
static struct trial *first_queued(const struct live *live)
{
    struct trial *unasked = NULL;

    for (struct trial *t = live->trials; t; t = t->next) {
        if (t->phase == TRIAL_QUEUED && t->row.hyperparams)
            return t;
        if (t->phase == TRIAL_QUEUED && !unasked)
            unasked = t;
    }
    return unasked;
}

bool no_more_trials(const struct live *live)
{
    return live->stopping || live->timed_out || live->hopeless || live->broken || live->dropped;
}

/* Whether one more trial may be asked for now. */
static bool may_ask(const struct live *live)
{
    const struct trial *queued = first_queued(live);
    bool asks = !queued || !queued->row.hyperparams, untold = false;
    int64_t n_waiting = 0, n_free = live->plan.doc.algo.parallel - live->n_slots;
    int seen = 0;

    if (no_more_trials(live) || (asks && (live->exhausted || live->later)))
        return false;
    for (const struct trial *t = trial_under_way(live, NULL, &seen); t; t = trial_under_way(live, t, &seen)) {
        n_waiting += t->phase == TRIAL_PREPARING || t->phase == TRIAL_READY;
        untold |= t->phase == TRIAL_READING || t->phase == TRIAL_ENDING;
    }
    if (live->plan.algorithm->waits && asks)
        return !untold && n_waiting < n_free;
    return n_waiting < n_free + TRIALS_AHEAD;
}

static void ask_more(struct live *live)
{
    while (may_ask(live)) {
        struct trial *t = first_queued(live);

        if (!t) {
            t = trial_new(live);
            t->row.id = live->next_id;
        }
        if (t->row.hyperparams || suggest(t)) {
            live->next_id += t->row.id == live->next_id;
            trial_send(t);
        } else if (t->row.id == live->next_id || !live->later) {
            trial_remove(t);
        }
    }
}

/* --- the end of a search --- */

static enum search_event end_event(const struct live *live)
{
    if (live->files_gone)
        return SEARCH_FILES_GONE;
    if (live->stopping)
        return SEARCH_HALTED;
    return live->has_best && !live->hopeless && !live->broken ? SEARCH_DONE : SEARCH_FRUITLESS;
}

static const char *end_message(const struct live *live, enum search_event event)
{
    if (event == SEARCH_FILES_GONE)
        return "the files of this search are not on disk any more";
    if (live->hopeless)
        return mem_printf(live->mem, "experiments cannot be submitted: %s", live->trouble);
    if (live->broken)
        return live->broken;
    if (live->timed_out)
        return mem_printf(live->mem, "maxRunTime of %" PRId64 " minutes was reached",
                          live->plan.doc.algo.max_minutes);
    if (event == SEARCH_FRUITLESS && live->trouble)
        return mem_printf(live->mem, "none of %" PRId64 " experiments left a usable %s; %s",
                          live->n_run, live->plan.doc.algo.objective_metric, live->trouble);
    return event == SEARCH_FRUITLESS ? "no experiment was run" : NULL;
}

static int make_search_end(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return searches_end(db, c->live->row.name, c->to, c->message, c->now_ms, &c->news, err);
}

static void search_end_stored(struct change *c)
{
    if (c->err.kind == ERR_NONE)
        log_info("search.move", "search=\"%s\" to=%s", c->live->row.name, search_state_name(c->to));
    live_settle(c->live);
}

static void stop_timers(struct live *live)
{
    watch_cancel(live->deadline);
    watch_cancel(live->show_timer);
    live->deadline = live->show_timer = NULL;
}

static void search_end(struct live *live)
{
    enum search_event event = end_event(live);
    struct change *c = change_new(live, NULL, make_search_end, search_end_stored);

    live->dropped = true;
    stop_timers(live);
    c->to = (enum search_state)search_step(live->state, event);
    c->message = end_message(live, event);
    c->now_ms = clock_unix_ms();
    change_send(c);
}

/* --- the pump --- */

/* Trials start in the order of their numbers, so that the stored ids have no gaps. */
static void start_ready(struct live *live)
{
    int seen = 0;

    for (struct trial *t = trial_under_way(live, NULL, &seen); t && live->n_slots < live->plan.doc.algo.parallel;
         t = trial_under_way(live, t, &seen)) {
        if (t->phase == TRIAL_PREPARING)
            return;
        if (t->phase == TRIAL_READY)
            trial_start(t);
    }
}

static void discard_waiting(struct live *live)
{
    struct trial *next;

    for (struct trial *t = live->trials; t; t = next) {
        next = t->next;
        if (t->phase == TRIAL_READY)
            trial_discard(t);
        else if (t->phase == TRIAL_QUEUED)
            trial_remove(t);
    }
}

/* Does whatever may be done now. The search may be gone afterwards. */
void search_pump(struct live *live)
{
    if (no_more_trials(live))
        discard_waiting(live);
    else
        start_ready(live);
    ask_more(live);
    if (live->dropped)
        live_settle(live);
    else if (!live->trials && (!live->later || no_more_trials(live)))
        search_end(live);
}

void search_wake(void *arg)
{
    struct live *live = arg;

    live->later = false;
    search_pump(live);
}

/* --- orders --- */

static void stop_trials(struct live *live, bool force)
{
    for (struct trial *t = live->trials; t; t = t->next) {
        if (t->phase != TRIAL_ACTIVE)
            continue;
        t->timed_out = live->timed_out && !live->stopping;
        trial_stop(t, force);
    }
}

/* Those whose early stop was stored, and may not have been carried out. */
static void stop_early_ones(struct live *live)
{
    for (struct trial *t = live->trials; t; t = t->next)
        if (t->phase == TRIAL_ACTIVE && t->row.stopped_early)
            trial_stop(t, /* force= */ false);
}

void search_stop(struct live *live)
{
    live->stopping = true;
    stop_trials(live, false);
    search_pump(live);
}

void search_abandon(struct live *live)
{
    live->stopping = live->dropped = live->forced = true;
    stop_timers(live);
    stop_trials(live, true);
    search_pump(live);
}

static void time_is_up(void *arg)
{
    struct live *live = arg;

    watch_cancel(live->deadline);
    live->deadline = NULL;
    live->timed_out = true;
    log_info("search.deadline", "search=\"%s\"", live->row.name);
    stop_trials(live, false);
    search_pump(live);
}

static void watch_deadline(struct live *live)
{
    int64_t minutes = live->plan.doc.algo.max_minutes, left_ms;

    if (minutes < 0)
        return;
    left_ms = live->row.started_ms + minutes * 60000 - clock_unix_ms();
    live->deadline = loop_timer(loop_of(live), left_ms > 0 ? left_ms : 0, 0, time_is_up, live);
}

/* Tasks that were found may have ended before tasks_on_move() could find their search. */
static void send_check(struct live *live)
{
    struct mem *mem = mem_new();
    struct check *check = mem_alloc(mem, sizeof *check);
    struct exec *ids;
    size_t n = 0;

    for (struct trial *t = live->trials; t; t = t->next)
        n++;
    ids = mem_alloc(mem, (n + 1) * sizeof *ids);
    *check = (struct check){ .live = live, .mem = mem, .execs = { ids, 0 } };
    for (struct trial *t = live->trials; t; t = t->next)
        if (t->phase == TRIAL_ACTIVE)
            ids[check->execs.n++] = (struct exec){ .id = mem_strdup(mem, t->row.exec), .search = live->row.name,
                                                   .trial = t->row.id };
    live->n_pending++;
    work_add(work_of(live), check_execs, check);
}

static void check_again(void *arg)
{
    struct check *check = arg;

    watch_cancel(check->retry);
    work_add(work_of(check->live), check_execs, check);
}

void execs_checked(void *arg)
{
    struct check *check = arg;
    const struct exec *e = check->execs.items;
    struct live *live = check->live;

    if (check->err.kind != ERR_NONE) {
        log_error("search.check", "search=\"%s\" retry_ms=%d reason=\"%s\"", live->row.name, RETRY_MS, check->err.text);
        check->retry = loop_timer(loop_of(live), RETRY_MS, 0, check_again, check);
        return;
    }
    for (size_t i = 0; i < check->execs.n; i++)
        search_moved(live->searches, &e[i]);
    live->n_pending--;
    mem_free(check->mem);
    live_settle(live);
}

void search_adopt(void *arg)
{
    struct live *live = arg;

    live->next = live->searches->lives;
    live->searches->lives = live;
    log_info("search.start", "search=\"%s\" algorithm=%s adopted=%d", live->row.name,
             live->plan.algorithm->name, live->n_slots);
    watch_deadline(live);
    if (live->stopping)
        stop_trials(live, live->files_gone);
    stop_early_ones(live);
    search_hear_again(live);
    if (live->trials)
        send_check(live);
    search_pump(live);
}
