// SPDX-License-Identifier: Apache-2.0
/* The life of one trial on the engine thread: from prepared to told. */
#include "search/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/work.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct loop *loop_of(const struct trial *t) { return t->live->searches->tasks->config.loop; }
static struct work *work_of(const struct trial *t) { return t->live->searches->tasks->config.work; }

struct trial *trial_new(struct live *live)
{
    struct trial *t = xcalloc(1, sizeof *t);

    t->live = live;
    t->mem = mem_new();
    t->curve.minimize = !live->plan.maximize;
    fields_init(experiment_fields, &t->row);
    *live->trials_end = t;
    live->trials_end = &t->next;
    return t;
}

struct trial *trial_under_way(const struct live *live, const struct trial *after, int *seen)
{
    struct trial *t = after ? after->next : live->trials;

    if (*seen == live->n_under_way)
        return NULL;
    while (t->phase == TRIAL_QUEUED)
        t = t->next;
    ++*seen;
    return t;
}

void trial_free(struct trial *t)
{
    early_curve_done(&t->curve);
    mem_free(t->mem);
    free(t);
}

void trial_remove(struct trial *t)
{
    struct trial **at = &t->live->trials;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (!t->next)
        t->live->trials_end = at;
    t->live->n_under_way -= t->phase != TRIAL_QUEUED;
    watch_cancel(t->retry);
    trial_free(t);
}

void trial_send(struct trial *t)
{
    t->live->n_under_way += t->phase == TRIAL_QUEUED;
    t->phase = TRIAL_PREPARING;
    work_add(work_of(t), trial_prepare, t);
}

/* A placed trial that will not run: its files go, then the trial. */
void trial_discard(struct trial *t)
{
    t->phase = TRIAL_LEAVING;
    work_add(work_of(t), trial_undo, t);
}

void trial_undone(void *arg)
{
    struct trial *t = arg;
    struct live *live = t->live;

    trial_remove(t);
    search_pump(live);
}

/* --- the end of a trial --- */

static int make_end(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_end(db, c->live->row.name, &c->row, c->live->plan.maximize, &c->news, err);
}

static void tell_algorithm(struct live *live, const struct experiment *e, const double *cube)
{
    bool fine = strcmp(e->state, "FINISHED") == 0;

    live->n_run++;
    live->has_best |= fine;
    if (!fine && !live->trouble && e->message)
        live->trouble = mem_printf(live->mem, "experiment %" PRId64 ": %s", e->id, e->message);
    live->later = false;
    algorithm_tell(live->plan.algorithm, live->algorithm,
                   &(struct outcome){ .trial = e->id, .cube = cube, .resource = e->resource,
                                      .parent = e->parent, .objective = e->metric, .row = e,
                                      .state = fine ? TRIAL_DONE : TRIAL_FAILED });
}

static void end_stored(struct change *c)
{
    struct live *live = c->live;

    if (c->err.kind == ERR_NONE) {
        tell_algorithm(live, &c->row, c->trial->cube);
        early_told(c->trial, strcmp(c->row.state, "FINISHED") == 0);
    }
    trial_remove(c->trial);
    search_pump(live);
}

/* The slot is free once the end is on its way: the next trial's rows follow in the same order, so
 * that nobody ever sees more experiments running than were asked for. */
static void give_slot(struct live *live)
{
    live->n_slots--;
    search_pump(live);
}

static void trial_end(struct trial *t, bool has_metric)
{
    struct change *c = change_new(t->live, t, make_end, end_stored);

    t->row.state = experiment_outcome(t->row.stopped_early ? "FINISHED" : t->exec_state, has_metric, t->timed_out);
    if (!has_metric)
        t->row.metric = METRIC_FAILED;
    t->phase = TRIAL_ENDING;
    c->row = t->row;
    change_send(c);
    give_slot(t->live);
}

void trial_was_read(void *arg)
{
    struct trial *t = arg;

    trial_end(t, !isnan(t->row.metric));
}

static int make_requeue(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_requeue(db, c->live->row.name, &c->row, err);
}

static void requeue_stored(struct change *c)
{
    struct trial *t = c->trial;

    t->phase = TRIAL_QUEUED;
    t->live->n_under_way--;
    t->again = true;
    t->adopted = t->unshown = false;
    t->tally = (struct tally){0};
    search_pump(c->live);
}

/* Its machine or shepherd died while the server was down: nobody stopped it, and it left no exit
 * code. */
static bool was_lost(const struct trial *t, const struct exec *exec)
{
    return t->adopted && !t->live->stopping && !t->live->timed_out &&
           strcmp(exec->state, "ERROR") == 0 && exec->exit_code == INT_UNSET && !exec->stop_asked;
}

static void trial_lost(struct trial *t)
{
    struct change *c = change_new(t->live, t, make_requeue, requeue_stored);

    t->phase = TRIAL_ENDING;
    c->row = t->row;
    change_send(c);
    give_slot(t->live);
}

static const char *why_failed(const struct trial *t, const struct exec *exec)
{
    if (t->timed_out)
        return "the time limit of the search ended it";
    if (exec->events)
        return exec->events;
    if (strcmp(exec->state, "KILLED") == 0)
        return "it was stopped";
    return exec->exit_code == INT_UNSET ? "its task did not end normally" : "its program failed";
}

static void trial_ended(struct trial *t, const struct exec *exec)
{
    struct live *live = t->live;
    bool fine = strcmp(exec->state, "FINISHED") == 0 || t->row.stopped_early;

    t->phase = TRIAL_READING;
    t->row.started_ms = exec->started_ms;
    t->row.ended_ms = exec->ended_ms == INT_UNSET ? clock_unix_ms() : exec->ended_ms;
    snprintf(t->exec_state, sizeof t->exec_state, "%s", exec->state);
    if (live->dropped) {
        trial_remove(t);
        live_settle(live);
        return;
    }
    if (was_lost(t, exec)) {
        trial_lost(t);
        return;
    }
    if (fine) {
        work_add(work_of(t), trial_read, t);
        return;
    }
    t->row.message = mem_strdup(t->mem, why_failed(t, exec));
    trial_end(t, false);
}

static int make_run(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_run(db, c->live->row.name, &c->row, &c->news, err);
}

static void run_stored(struct change *c) { live_settle(c->live); }

/* The trial may end, and be freed, before this is stored: the change has copies. */
static void trial_runs(struct trial *t, const struct exec *exec)
{
    struct change *c = change_new(t->live, NULL, make_run, run_stored);

    t->row.started_ms = exec->started_ms;
    c->mem = mem_new();
    c->row = (struct experiment){ .id = t->row.id,
                                  .state = "RUNNING",
                                  .started_ms = exec->started_ms,
                                  .exec = mem_strdup(c->mem, exec->id) };
    change_send(c);
}

static struct trial *trial_find(struct searches *s, const struct exec *exec)
{
    for (struct live *l = s->lives; l; l = l->next) {
        int seen = 0;

        for (struct trial *t = trial_under_way(l, NULL, &seen); t; t = trial_under_way(l, t, &seen))
            if (t->phase == TRIAL_ACTIVE && t->row.id == exec->trial &&
                strcmp(t->row.exec, exec->id) == 0)
                return t;
    }
    return NULL;
}

void search_moved(void *arg, const struct exec *exec)
{
    struct trial *t = exec->search ? trial_find(arg, exec) : NULL;
    int state = exec_state_parse(exec->state);

    if (!t)
        return;
    if (state == EXEC_RUNNING && !t->live->dropped)
        trial_runs(t, exec);
    else if (exec_state_is_final((enum exec_state)state))
        trial_ended(t, exec);
}

/* --- starting a trial --- */

static void stop_told(void *arg, const struct err *err)
{
    (void)arg;
    if (err->kind != ERR_NONE)
        log_error("search.stop", "reason=\"%s\"", err->text);
}

void trial_stop(struct trial *t, bool force)
{
    tasks_stop(t->live->searches->tasks, t->row.exec, force, stop_told, NULL);
}

static int make_start(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_start(db, c->live->row.name, &c->row, c->trial->again,
                             &c->trial->submission.exec, &c->news, err);
}

static void start_stored(struct change *c)
{
    struct trial *t = c->trial;
    struct live *live = c->live;

    if (c->err.kind == ERR_CONFLICT) { /* someone asked it to stop, or it is gone */
        live->stopping = true;
        live->n_slots--;
        trial_discard(t);
        return;
    }
    live->state = SEARCH_RUNNING;
    live->n_refused = 0;
    t->phase = TRIAL_ACTIVE;
    tasks_admit(live->searches->tasks, t->row.exec);
    if (no_more_trials(live)) {
        t->timed_out = live->timed_out;
        trial_stop(t, live->dropped);
    }
    search_pump(live);
}

void trial_start(struct trial *t)
{
    struct change *c = change_new(t->live, t, make_start, start_stored);

    t->phase = TRIAL_STORING;
    t->live->n_slots++;
    t->row.state = "SUBMITTED";
    t->row.exec = t->submission.exec.id;
    t->row.driver_id = t->submission.exec.submission_id;
    c->row = t->row;
    change_send(c);
}

static int make_refusal(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;
    const char *name = c->live->row.name;
    const struct experiment submitted = { .id = c->row.id,
                                          .cube = c->row.cube,
                                          .resource = c->row.resource,
                                          .parent = c->row.parent,
                                          .hyperparams = c->row.hyperparams,
                                          .state = "SUBMITTED" };

    if (experiments_start(db, name, &submitted, c->trial->again, NULL, &c->news, err) < 0)
        return -1;
    return experiments_end(db, name, &c->row, c->live->plan.maximize, &c->news, err);
}

static void refusal_stored(struct change *c)
{
    struct live *live = c->live;

    if (c->err.kind == ERR_CONFLICT) {
        live->stopping = true;
        trial_remove(c->trial);
        search_pump(live);
        return;
    }
    live->state = SEARCH_RUNNING;
    live->hopeless |= ++live->n_refused >= REFUSALS_MAX;
    end_stored(c);
}

/* An experiment that cannot be submitted has failed. */
static void trial_refused(struct trial *t)
{
    struct change *c = change_new(t->live, t, make_refusal, refusal_stored);

    t->phase = TRIAL_ENDING;
    t->row.state = "FAILED";
    t->row.metric = METRIC_FAILED;
    t->row.message = mem_strdup(t->mem, t->err.text);
    t->row.ended_ms = clock_unix_ms();
    c->row = t->row;
    change_send(c);
}

static void prepare_again(void *arg)
{
    struct trial *t = arg;

    watch_cancel(t->retry);
    t->retry = NULL;
    if (no_more_trials(t->live)) {
        struct live *live = t->live;

        trial_remove(t);
        search_pump(live);
        return;
    }
    trial_send(t);
}

void trial_prepared(void *arg)
{
    struct trial *t = arg;
    struct live *live = t->live;

    if (t->err.kind == ERR_NONE) {
        t->phase = TRIAL_READY;
    } else if (no_more_trials(live)) {
        trial_remove(t);
    } else if (t->err.kind == ERR_NO_SPACE) {
        log_error("search.prepare", "search=\"%s\" retry_ms=%d reason=\"%s\"", live->row.name,
                  RETRY_MS, t->err.text);
        t->retry = loop_timer(loop_of(t), RETRY_MS, 0, prepare_again, t);
        return;
    } else {
        trial_refused(t);
    }
    search_pump(live);
}
