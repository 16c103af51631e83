// SPDX-License-Identifier: Apache-2.0
#include "tasks/tasks.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "tasks/engine.h"
#include "tasks/events_keep.h"
#include "tasks/exec_cache.h"
#include "tasks/insight.h"

#include <stdio.h>
#include <string.h>

struct tasks *tasks_new(const struct tasks_config *config, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct tasks *t = xcalloc(1, sizeof *t);

    t->config = *config;
    t->started_mono_ms = clock_mono_ms();
    t->cache = exec_cache_new();
    if (file_mkdirs(config->settings->result_fs, 0755, err) == 0
        && file_mkdirs(mem_printf(mem, "%s/run", config->settings->data_dir), 0755, err) == 0)
        t->engine = engine_new(t, err);
    if (t->engine)
        t->insight = insight_new(config, err);
    if (!t->insight) {
        engine_free(t->engine);
        exec_cache_free(t->cache);
        free(t);
        return NULL;
    }
    engine_set_observer(t->engine, &insight_observer, t->insight);
    t->events_keep = events_keep_start(config);
    return t;
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    events_keep_free(t->events_keep);
    insight_free(t->insight);
    engine_free(t->engine);
    exec_cache_free(t->cache);
    free(t);
}

int tasks_recover(struct tasks *t, struct err *err)
{
    if (engine_recover(t->engine, err) < 0)
        return -1;
    return insight_recover(t->insight, err);
}

void tasks_on_move(struct tasks *t, exec_moved_fn *fn, void *arg)
{
    engine_add_listener(t->engine, fn, arg);
}

void tasks_on_metrics(struct tasks *t, exec_metrics_fn *fn, void *arg)
{
    insight_set_listener(t->insight, fn, arg);
}

void tasks_metrics_again(struct tasks *t, const char *exec_id) { insight_tell_again(t->insight, exec_id); }
void tasks_forget(struct tasks *t, const char *search) { engine_forget(t->engine, search); }

struct admission {
    struct engine *engine;
    char id[];
};

static void admit(void *arg)
{
    struct admission *a = arg;

    engine_admit(a->engine, a->id);
    free(a);
}

void tasks_admit(struct tasks *t, const char *exec_id)
{
    size_t len = strlen(exec_id) + 1;
    struct admission *a = xcalloc(1, sizeof *a + len);

    a->engine = t->engine;
    memcpy(a->id, exec_id, len);
    loop_post(t->config.loop, admit, a);
}

static void sweep(void *arg) { engine_sweep(arg); }

void tasks_sweep(struct tasks *t) { loop_post(t->config.loop, sweep, t->engine); }
