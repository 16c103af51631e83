// SPDX-License-Identifier: Apache-2.0
/* What the tasks of running experiments report: early stopping is told, and the record shows it so far. */
#include "search/loop.h"

#include "base/loop.h"
#include "base/mem.h"
#include "tasks/metrics_store.h"
#include "tasks/tasks.h"

#include <string.h>

enum { SHOW_MS = 2000 };    /* between two changes of one record: each is a commit, and news to all who poll it */

static bool wants_metrics(const struct live *live) { return live->plan.doc.algo.additional_metrics != NULL; }

/* --- showing --- */

static int make_measured(struct db *db, void *arg, struct err *err)
{
    struct change *c = arg;

    return experiments_measured(db, c->live->row.name, &c->rows, err);
}

static void measured_stored(struct change *c)
{
    c->live->showing = false;
    live_settle(c->live);
}

/* The trials may end, and be freed, before this is stored: the rows have copies. */
static struct list take_unshown(const struct live *live, struct mem *mem)
{
    struct experiment *rows = mem_alloc(mem, (size_t)(live->n_under_way + 1) * sizeof *rows);
    size_t n = 0;
    int seen = 0;

    for (struct trial *t = trial_under_way(live, NULL, &seen); t; t = trial_under_way(live, t, &seen)) {
        struct list metrics;

        if (!t->unshown || t->phase != TRIAL_ACTIVE)
            continue;
        t->unshown = false;
        metrics = tally_metrics(&t->tally);
        rows[n++] = (struct experiment){ .id = t->row.id,
                                         .exec = mem_strdup(mem, t->row.exec),
                                         .metrics = metrics_text(&metrics, mem) };
    }
    return (struct list){ rows, n };
}

static void show_soon(struct live *live);

static void show(void *arg)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct live *live = arg;
    struct change *c;
    struct list rows;

    watch_cancel(live->show_timer);
    live->show_timer = NULL;
    if (live->showing) { /* one that is tried again must not come after a newer one */
        show_soon(live);
        return;
    }
    rows = take_unshown(live, mem);
    if (!rows.n)
        return;
    live->showing = true;
    c = change_new(live, NULL, make_measured, measured_stored);
    c->mem = TAKE(mem);
    c->rows = rows;
    change_send(c);
}

static void show_soon(struct live *live)
{
    if (!live->show_timer && !live->dropped)
        live->show_timer = loop_timer(live->searches->tasks->config.loop, SHOW_MS, /* every_ms= */ 0, show, live);
}

/* --- news --- */

static void take_news(struct trial *t, const struct metric_news *news)
{
    bool told = false;

    if (!wants_metrics(t->live) || t->phase != TRIAL_ACTIVE)
        return;
    if (!t->tally.metrics)
        tally_init(&t->tally, &t->live->plan.doc.algo, t->mem);
    for (size_t i = 0; i < news->n_replaced; i++)
        told |= tally_drop(&t->tally, news->replaced[i]);
    for (size_t i = 0; i < news->n; i++)
        told |= tally_add(&t->tally, &news->rows[i]);
    if (!told)
        return;
    t->unshown = true;
    show_soon(t->live);
}

static struct trial *trial_of(const struct live *live, const char *exec)
{
    int seen = 0;
    struct trial *t = trial_under_way(live, NULL, &seen);

    while (t && (!t->row.exec || strcmp(t->row.exec, exec) != 0))
        t = trial_under_way(live, t, &seen);
    return t;
}

void search_measured(void *arg, const char *exec, const struct metric_row *rows, size_t n,
                     const char *const *replaced, size_t n_replaced)
{
    const struct metric_news news = { rows, n, replaced, n_replaced };
    struct searches *s = arg;

    for (struct live *live = s->lives; live; live = live->next) {
        struct trial *t = trial_of(live, exec);

        if (t) {
            early_measured(t, &news);
            take_news(t, &news);
            return;
        }
        if (early_measured_late(live, exec, &news))
            return;
    }
}

void search_hear_again(struct live *live)
{
    if (!live->series[0] && !wants_metrics(live))
        return;
    for (const struct trial *t = live->trials; t; t = t->next)
        if (t->phase == TRIAL_ACTIVE)
            tasks_metrics_again(live->searches->tasks, t->row.exec);
}
