// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"
#include "http/stream.h"
#include "store/db.h"
#include "store/writer.h"
#include "tasks/engine.h"
#include "tasks/exec.h"
#include "tasks/exec_paths.h"
#include "tasks/insight_reading.h"
#include "tasks/metrics_store.h"

#include <inttypes.h>
#include <string.h>
#include <sys/inotify.h>

enum {
    SETTLE_MS = 150,        /* a task that ends sooner is read once, and never listened to */
    PACE_MS = 200,          /* between two looks at one task */
    RETRY_MS = 5000,        /* after the points could not be stored */
    SLICE_ROWS = 2000,      /* stored as one change, so that other writers get their turn */
    RECOVER_MS = 60000,
    RECOVER_MAX = 1000,     /* tasks */
    WATCHES_MAX = 64,       /* folders of one task */
    NOTICE_SERIES_MAX = 64, /* in one notice */
};

struct folder {     /* listened to until the first change, then again from the next look on */
    struct task_watch *task;
    char *path;
    struct watch *watch;    /* NULL: it has changed */
};

struct task_watch {         /* a task that is being read */
    struct insight *in;
    struct task_watch *next;
    char *id, *owner;
    struct reading *reading;
    struct folder folders[WATCHES_MAX];
    int n_folders;
    struct watch *timer;
    bool changed;           /* something was written since the last look */
    bool busy;              /* the reading is with the reader's thread, or its news with the writer */
    bool ended;
    bool told;              /* the listener has some of its points */
    bool again;             /* the next look begins at the start of all files */
    bool fresh;             /* the points that are stored are to be replaced */
    struct reading_news news;
    size_t n_stored;        /* rows of the news that are in the database */
    struct err outcome;     /* of storing them */
    int64_t output_bytes, done, total;      /* as published */
};

struct insight {
    struct tasks_config config;
    struct work *reader;    /* one thread */
    struct task_watch *tasks;
    exec_metrics_fn *listener;  /* NULL: none */
    void *listener_arg;
};

void insight_set_listener(struct insight *in, exec_metrics_fn *fn, void *arg)
{
    in->listener = fn;
    in->listener_arg = arg;
}

struct insight *insight_new(const struct tasks_config *config, struct err *err)
{
    struct insight *in = xcalloc(1, sizeof *in);

    in->config = *config;
    in->reader = work_start(/* n_threads= */ 1, err);
    if (!in->reader) {
        free(in);
        return NULL;
    }
    return in;
}

static void stop_listening(struct task_watch *t)
{
    watch_cancel(t->timer);
    t->timer = NULL;
    for (int i = 0; i < t->n_folders; i++) {
        watch_cancel(t->folders[i].watch);
        free(t->folders[i].path);
    }
    t->n_folders = 0;
}

static void free_task(struct task_watch *t)
{
    reading_free(t->reading);
    free(t->id);
    free(t->owner);
    free(t);
}

void insight_free(struct insight *in)
{
    struct task_watch *t;

    if (!in)
        return;
    work_stop(in->reader);
    while ((t = in->tasks)) {
        in->tasks = t->next;
        stop_listening(t);
        free_task(t);
    }
    free(in);
}

static void drop(struct task_watch *t)
{
    struct task_watch **at = &t->in->tasks;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    stop_listening(t);
    free_task(t);
}

/* --- listening --- */

static void look(void *arg);

static void look_in(struct task_watch *t, int64_t ms)
{
    if (t->busy || t->timer)
        return;
    t->timer = loop_timer(t->in->config.loop, ms, /* every_ms= */ 0, look, t);
}

static void on_change(void *arg, const char *name, uint32_t mask)
{
    struct folder *f = arg;

    (void)name;
    (void)mask;
    watch_cancel(f->watch);
    f->watch = NULL;
    f->task->changed = true;
    look_in(f->task, PACE_MS);
}

/* Listens to the folders that were found; true when one is new, so that it may have been written to
 * before anyone listened. */
static bool listen(struct task_watch *t, const char *const *folders)
{
    bool found = false;

    for (; *folders && t->n_folders < WATCHES_MAX; folders++) {
        int i = 0;

        while (i < t->n_folders && strcmp(t->folders[i].path, *folders) != 0)
            i++;
        if (i < t->n_folders)
            continue;
        t->folders[t->n_folders++] = (struct folder){ .task = t, .path = xstrdup(*folders) };
        found = true;
    }
    return found;
}

static void listen_again(struct task_watch *t)
{
    struct err err = {0};

    for (int i = 0; i < t->n_folders; i++) {
        struct folder *f = &t->folders[i];

        if (!f->watch) /* a folder that has gone, or is not there yet, is tried at every look */
            f->watch = loop_folder(t->in->config.loop, f->path, IN_MODIFY | IN_CREATE | IN_MOVED_TO,
                                   on_change, f, &err);
    }
}

/* --- telling --- */

static void publish(struct task_watch *t, const char *kind, const char *json)
{
    hub_publish(t->in->config.hub, &(struct notice){
        .owner = t->owner, .kind = kind, .subject = t->id, .json = json,
    });
}

static void publish_output(struct task_watch *t)
{
    CLEANUP(text_done) struct text json = {0};

    if (t->news.output_bytes != t->output_bytes) {
        t->output_bytes = t->news.output_bytes;
        text_add(&json, "{\"id\":");
        text_add_json(&json, t->id);
        text_addf(&json, ",\"bytes\":%" PRId64 "}", t->output_bytes);
        publish(t, "exec.output", json.data);
        text_clear(&json);
    }
    if (t->news.done != INT_UNSET && t->news.total != INT_UNSET &&
        (t->news.done != t->done || t->news.total != t->total)) {
        t->done = t->news.done;
        t->total = t->news.total;
        text_add(&json, "{\"id\":");
        text_add_json(&json, t->id);
        text_addf(&json, ",\"done\":%" PRId64 ",\"total\":%" PRId64 "}", t->done, t->total);
        publish(t, "exec.progress", json.data);
    }
}

static void add_newest(struct text *json, const struct metric_row *r)
{
    text_add(json, "{\"name\":");
    text_add_json(json, r->series);
    text_addf(json, ",\"n\":%" PRId64 ",\"step\":", r->n);
    text_add_real(json, r->step);
    text_addf(json, ",\"time_ms\":%" PRId64 ",\"value\":", r->time_ms);
    text_add_real(json, r->value);
    text_add_char(json, '}');
}

/* The newest row of each series of the news. Names of one series are one pointer. */
static void publish_metrics(struct task_watch *t)
{
    CLEANUP(text_done) struct text json = {0};
    const char *told[NOTICE_SERIES_MAX];
    int n = 0;

    text_add(&json, "{\"id\":");
    text_add_json(&json, t->id);
    text_add(&json, ",\"series\":[");
    for (size_t i = t->news.n_rows; i-- > 0 && n < NOTICE_SERIES_MAX;) {
        int k = 0;

        while (k < n && told[k] != t->news.rows[i].series)
            k++;
        if (k < n)
            continue;
        told[n++] = t->news.rows[i].series;
        if (n > 1)
            text_add_char(&json, ',');
        add_newest(&json, &t->news.rows[i]);
    }
    text_add(&json, "]}");
    publish(t, "exec.metric", json.data);
}

/* --- storing: slices of the news, one change after the other --- */

static size_t slice(const struct task_watch *t)
{
    size_t left = t->news.n_rows - t->n_stored;

    return left < SLICE_ROWS ? left : SLICE_ROWS;
}

static int store_slice(struct db *db, void *arg, struct err *err)
{
    struct task_watch *t = arg;

    if (t->n_stored == 0) {
        if (t->fresh && metrics_clear(db, t->id, err) < 0)
            return -1;
        for (size_t i = 0; i < t->news.n_replaced; i++) {
            if (metrics_clear_series(db, t->id, t->news.replaced[i], err) < 0)
                return -1;
        }
    }
    return metrics_add(db, t->id, t->news.rows + t->n_stored, slice(t), err);
}

static void go_on(struct task_watch *t, int64_t ms)
{
    t->busy = false;
    if (t->ended && !t->news.more && !t->changed)
        drop(t);
    else if (t->news.more || t->changed)
        look_in(t, ms);
}

static void store(struct task_watch *t);

static void on_stored(void *arg)
{
    struct task_watch *t = arg;

    if (t->outcome.kind == ERR_CONFLICT) {
        drop(t);                /* the task was deleted */
        return;
    }
    if (t->outcome.kind != ERR_NONE) {
        log_warn("insight.store", "id=%s error=\"%s\"", t->id, t->outcome.text);
        t->again = t->changed = true;
        go_on(t, RETRY_MS);
        return;
    }
    t->fresh = false;
    t->n_stored += slice(t);
    if (t->n_stored < t->news.n_rows) {
        store(t);
        return;
    }
    if (t->news.n_rows)
        publish_metrics(t);
    if (t->in->listener)
        t->in->listener(t->in->listener_arg, t->id, t->news.rows, t->news.n_rows, t->news.replaced,
                        t->news.n_replaced);
    t->told = true;
    go_on(t, t->ended ? 0 : PACE_MS);
}

static void after_commit(void *arg, const struct err *err)
{
    struct task_watch *t = arg;

    t->outcome = *err;
    loop_post(t->in->config.loop, on_stored, t);
}

static void store(struct task_watch *t)
{
    writer_add(t->in->config.writer, store_slice, after_commit, t);
}

/* --- looking --- */

static void on_news(void *arg)
{
    struct task_watch *t = arg;

    if (!t->ended && listen(t, t->news.folders))
        t->changed = true;
    publish_output(t);
    t->n_stored = 0;
    if (t->news.n_rows || t->news.n_replaced)
        store(t);
    else
        go_on(t, t->news.more ? 0 : PACE_MS);
}

/* On the reader's thread, which has the reading and the news until the post arrives. `ended` is as
 * it was when the look began. */
struct turn {
    struct task_watch *task;
    bool last;
};

static void read_turn(void *arg)
{
    struct turn *turn = arg;
    struct task_watch *t = turn->task;

    reading_turn(t->reading, turn->last, &t->news);
    free(turn);
    loop_post(t->in->config.loop, on_news, t);
}

static void look(void *arg)
{
    struct task_watch *t = arg;
    struct turn *turn = xcalloc(1, sizeof *turn);

    watch_cancel(t->timer);
    t->timer = NULL;
    t->busy = true;
    t->changed = false;
    if (t->again)
        reading_restart(t->reading);
    t->fresh |= t->again;
    t->again = false;
    if (!t->ended)
        listen_again(t);        /* before reading: what is written meanwhile must be heard of */
    *turn = (struct turn){ t, t->ended };
    work_add(t->in->reader, read_turn, turn);
}

static struct task_watch *find(struct insight *in, const char *id)
{
    struct task_watch *t = in->tasks;

    while (t && strcmp(t->id, id) != 0)
        t = t->next;
    return t;
}

void insight_tell_again(struct insight *in, const char *exec_id)
{
    struct task_watch *t = find(in, exec_id);

    if (!t || !t->told)
        return;
    t->again = t->changed = true;
    look_in(t, 0);
}

static void on_started(void *arg, const struct exec *exec, const char *result_dir,
                       const char *run_dir)
{
    struct insight *in = arg;
    struct task_watch *t;

    if (find(in, exec->id))
        return;
    t = xcalloc(1, sizeof *t);
    *t = (struct task_watch){
        .in = in,
        .next = in->tasks,
        .id = xstrdup(exec->id),
        .owner = xstrdup(exec->creator),
        .reading = reading_new(result_dir, run_dir),
        .fresh = true,
        .done = INT_UNSET,
        .total = INT_UNSET,
    };
    in->tasks = t;
    look_in(t, SETTLE_MS);
}

static void on_ended(void *arg, const struct exec *exec)
{
    struct task_watch *t = find(arg, exec->id);

    if (!t || t->ended)
        return;
    stop_listening(t);
    t->ended = t->changed = true;
    look_in(t, 0);
}

const struct engine_observer insight_observer = { .started = on_started, .ended = on_ended };

/* --- after a restart --- */

struct unsure {             /* tasks to be read again */
    struct insight *in;
    struct mem *mem;
    struct exec execs[RECOVER_MAX];     /* id and creator only, in mem */
    int n;
};

static void add_unsure(void *arg, const struct exec *exec)
{
    struct unsure *u = arg;
    struct exec *e = &u->execs[u->n++];

    e->id = mem_strdup(u->mem, exec->id);
    e->creator = mem_strdup(u->mem, exec->creator);
}

static void read_again(void *arg)
{
    struct unsure *u = arg;
    const struct settings *s = u->in->config.settings;

    for (int i = 0; i < u->n; i++) {
        const struct exec *e = &u->execs[i];

        on_started(u->in, e, exec_result_dir(s, e->creator, e->id, u->mem),
                   exec_run_dir(s, e->id, u->mem));
        on_ended(u->in, e);
    }
    mem_free(u->mem);
    free(u);
}

int insight_recover(struct insight *in, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(in->config.db_path, DB_READ, err);
    struct unsure *u;
    int result;

    if (!db)
        return -1;
    u = xcalloc(1, sizeof *u);
    u->in = in;
    u->mem = mem_new();
    result = metrics_each_unsure(db, RECOVER_MS, RECOVER_MAX, add_unsure, u, err);
    loop_post(in->config.loop, read_again, u);
    return result;
}
