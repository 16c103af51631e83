// SPDX-License-Identifier: Apache-2.0
#include "tasks/events_keep.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "store/writer.h"
#include "tasks/events_store.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    DAY_MS = 24 * 3600 * 1000,
    FIRST_MS = 60 * 1000,
    PRUNE_ROWS = 1000,          /* of one change: other writers wait no longer than some ms */
    BETWEEN_MS = 100,
};

struct events_keep {
    struct tasks_config config;
    struct watch *timer;
    int n_pruned;               /* by the last change; -1: it failed */
};

static void prune(void *arg);

static void again(struct events_keep *k, int64_t ms)
{
    k->timer = loop_timer(k->config.loop, ms, /* every_ms= */ 0, prune, k);
}

static void on_pruned(void *arg)
{
    struct events_keep *k = arg;

    again(k, k->n_pruned == PRUNE_ROWS ? BETWEEN_MS : DAY_MS);
}

static void after_commit(void *arg, const struct err *err)
{
    struct events_keep *k = arg;

    if (err->kind != ERR_NONE) {
        log_warn("events.prune", "error=\"%s\"", err->text);
        k->n_pruned = -1;
    }
    loop_post(k->config.loop, on_pruned, k);
}

static int prune_rows(struct db *db, void *arg, struct err *err)
{
    struct events_keep *k = arg;
    int64_t before_ms = clock_unix_ms() - k->config.settings->events_keep_days * DAY_MS;

    k->n_pruned = events_prune(db, before_ms, PRUNE_ROWS, err);
    return k->n_pruned < 0 ? -1 : 0;
}

static void prune(void *arg)
{
    struct events_keep *k = arg;

    watch_cancel(k->timer);
    k->timer = NULL;
    writer_add(k->config.writer, prune_rows, after_commit, k);
}

struct events_keep *events_keep_start(const struct tasks_config *config)
{
    struct events_keep *k = xcalloc(1, sizeof *k);

    k->config = *config;
    again(k, FIRST_MS);
    return k;
}

void events_keep_free(struct events_keep *k)
{
    if (!k)
        return;
    watch_cancel(k->timer);
    free(k);
}
