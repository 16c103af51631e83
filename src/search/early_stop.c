// SPDX-License-Identifier: Apache-2.0
/* Early stopping of a search's experiments: the median rule of search/early.h applied to the series
 * that tasks report while they run. */
#include "search/loop.h"

#include "base/log.h"
#include "base/mem.h"
#include "tasks/metrics_store.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- curves --- */

static int source_of(const struct live *live, const char *series)
{
    int i = METRIC_SOURCES - 1;

    while (i >= 0 && strcmp(live->series[i], series) != 0)
        i--;
    return i;
}

static void restart_curve(struct early_curve *c)
{
    struct early_curve fresh = { .exec = TAKE(c->exec), .minimize = c->minimize, .source = c->source };

    early_curve_done(c);
    *c = fresh;
}

/* A better source replaces a worse one. */
static void add_points(const struct live *live, struct early_curve *c, const struct metric_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int from = source_of(live, rows[i].series);

        if (from < c->source)
            continue;
        if (from > c->source)
            restart_curve(c);
        c->source = from;
        early_curve_add(c, rows[i].step, rows[i].value);
    }
}

static void drop_replaced(const struct live *live, struct early_curve *c, const char *const *replaced, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (source_of(live, replaced[i]) == c->source)
            restart_curve(c);
}

static void take_news(const struct live *live, struct early_curve *c, const struct metric_news *news)
{
    drop_replaced(live, c, news->replaced, news->n_replaced);
    add_points(live, c, news->rows, news->n);
}

/* --- stopping --- */

static int make_stop_early(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_stop_early(db, c->live->row.name, &c->row, err);
}

static struct trial *active_trial(const struct live *live, int64_t id)
{
    int seen = 0;
    struct trial *t = trial_under_way(live, NULL, &seen);

    while (t && (t->row.id != id || t->phase != TRIAL_ACTIVE))
        t = trial_under_way(live, t, &seen);
    return t;
}

static void stop_early_stored(struct change *c)
{
    struct trial *t = active_trial(c->live, c->row.id);

    if (t) /* it may have ended meanwhile */
        trial_stop(t, /* force= */ false);
    live_settle(c->live);
}

/* The trial may end, and be freed, before this is stored: the change has copies. */
static void copy_texts(struct change *c, const struct trial *t)
{
    c->mem = mem_new();
    c->row = (struct experiment){ .id = t->row.id,
                                  .exec = mem_strdup(c->mem, t->row.exec),
                                  .message = mem_strdup(c->mem, t->row.message) };
}

static void stop_early(struct trial *t)
{
    struct live *live = t->live;
    struct change *c;

    t->row.stopped_early = true;
    t->row.message = mem_printf(t->mem, "stopped early: after %" PRId64 " values its best %s %g is worse than the median of others",
                                t->curve.n_values, live->plan.doc.algo.objective_metric, t->curve.best);
    log_info("search.early", "search=\"%s\" experiment=%" PRId64 " values=%" PRId64, live->row.name, t->row.id,
             t->curve.n_values);
    c = change_new(live, NULL, make_stop_early, stop_early_stored);
    copy_texts(c, t);
    change_send(c);
}

static void judge(struct trial *t)
{
    const struct live *live = t->live;
    const struct early_rule *rule = &live->plan.early;

    if (t->phase == TRIAL_ACTIVE && !t->row.stopped_early && !no_more_trials(live) &&
        early_hopeless(&live->early, &t->curve, rule->min_trials, rule->min_steps))
        stop_early(t);
}

/* More is known of trials that have ended: those that run may not report again. */
static void judge_all(const struct live *live)
{
    int seen = 0;

    for (struct trial *t = trial_under_way(live, NULL, &seen); t; t = trial_under_way(live, t, &seen))
        judge(t);
}

/* --- news --- */

void early_measured(struct trial *t, const struct metric_news *news)
{
    if (!t->live->series[0])
        return;
    take_news(t->live, &t->curve, news);
    judge(t);
}

bool early_measured_late(struct live *live, const char *exec, const struct metric_news *news)
{
    struct early_curve *late = live->series[0] ? early_find(&live->early, exec) : NULL;

    if (!late)
        return false;
    take_news(live, late, news);
    judge_all(live);
    return true;
}

void early_told(struct trial *t, bool fine)
{
    struct live *live = t->live;

    if (!live->series[0] || !fine || t->row.stopped_early)
        return;
    t->curve.exec = xstrdup(t->row.exec);
    early_ended(&live->early, &t->curve);
    judge_all(live);
}

/* --- after a restart --- */

static void add_stored(void *arg, const struct metric_row *row)
{
    early_curve_add(arg, row->step, row->value);
}

void early_begin(struct live *live)
{
    for (int i = 0; live->plan.early.on && i < METRIC_SOURCES; i++)
        live->series[i] = mem_printf(live->mem, "%s%s", metric_sources[i], live->plan.doc.algo.objective_metric);
}

int early_load(struct live *live, struct db *db, const struct experiment *e, struct err *err)
{
    struct early_curve curve = { .minimize = !live->plan.maximize };

    if (!live->series[0] || !e->exec || e->stopped_early || strcmp(e->state, "FINISHED") != 0)
        return 0;
    curve.exec = xstrdup(e->exec);
    for (int i = METRIC_SOURCES - 1; i >= 0 && curve.n == 0; i--) {
        curve.source = i;
        if (metrics_each(db, e->exec, live->series[i], NAN, add_stored, &curve, err) < 0) {
            early_curve_done(&curve);
            return -1;
        }
    }
    early_ended(&live->early, &curve);
    return 0;
}
