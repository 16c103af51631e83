// SPDX-License-Identifier: Apache-2.0
#include "cluster/null/null.h"

#include "cluster/backend.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { STEPS_MAX = 256 };

struct task {
    struct task *next;
    char *exec_id;
    int64_t started_ms;
};

struct backend_ctx {
    struct loop *loop;
    report_fn *report;
    void *arg;
    struct task *tasks;
    int n_posted;
    bool closed;
};

/* A report on its way through the loop. */
struct message {
    struct backend_ctx *b;
    struct report report;
    char *exec_id;
};

static struct {
    pthread_mutex_t lock;
    struct null_step steps[STEPS_MAX];
    int n, next, n_started;
    struct backend_ctx *opened;     /* the latest, for null_end() */
} script = { .lock = PTHREAD_MUTEX_INITIALIZER };

void null_script(const struct null_step *steps, int n)
{
    pthread_mutex_lock(&script.lock);
    script.n = n < STEPS_MAX ? n : STEPS_MAX;
    script.next = 0;
    if (script.n > 0)
        memcpy(script.steps, steps, (size_t)script.n * sizeof *steps);
    pthread_mutex_unlock(&script.lock);
}

int null_n_started(void)
{
    int n;

    pthread_mutex_lock(&script.lock);
    n = script.n_started;
    pthread_mutex_unlock(&script.lock);
    return n;
}

static struct null_step next_step(void)
{
    struct null_step step = { .outcome = NULL_RUNS };

    pthread_mutex_lock(&script.lock);
    if (script.next < script.n)
        step = script.steps[script.next++];
    script.n_started += step.outcome != NULL_CANNOT_START;
    pthread_mutex_unlock(&script.lock);
    return step;
}

/* The pointer to the task's link, NULL when there is none. */
static struct task **find(struct backend_ctx *b, const char *exec_id)
{
    struct task **at = &b->tasks;

    while (*at && strcmp((*at)->exec_id, exec_id) != 0)
        at = &(*at)->next;
    return *at ? at : NULL;
}

static void remove_task(struct task **at)
{
    struct task *t = *at;

    *at = t->next;
    free(t->exec_id);
    free(t);
}

static void deliver(void *arg)
{
    struct message *m = arg;
    struct backend_ctx *b = m->b;
    struct task **at = b->closed ? NULL : find(b, m->exec_id);

    m->report.exec_id = m->exec_id;
    if (at) {
        m->report.started_ms = (*at)->started_ms;
        if (m->report.kind != REPORT_STARTED)
            remove_task(at);
        b->report(b->arg, &m->report);
    }
    free(m->exec_id);
    free(m);
    b->n_posted--;
    if (b->closed && b->n_posted == 0)
        free(b);
}

static void post(struct backend_ctx *b, const char *exec_id, struct report report)
{
    struct message *m = xcalloc(1, sizeof *m);

    *m = (struct message){ .b = b, .report = report, .exec_id = xstrdup(exec_id) };
    b->n_posted++;
    loop_post(b->loop, deliver, m);
}

static void play(struct backend_ctx *b, const char *exec_id, const struct null_step *step)
{
    int64_t now = clock_unix_ms();
    struct task *t = xcalloc(1, sizeof *t);

    *t = (struct task){ .next = b->tasks, .exec_id = xstrdup(exec_id), .started_ms = now };
    b->tasks = t;
    if (step->outcome == NULL_NEVER_STARTED) {
        post(b, exec_id, (struct report){ .kind = REPORT_NEVER_STARTED });
        return;
    }
    post(b, exec_id, (struct report){ .kind = REPORT_STARTED, .pid = 1 });
    if (step->outcome == NULL_ENDS)
        post(b, exec_id, (struct report){ .kind = REPORT_ENDED, .exit_code = step->exit_code,
                                          .reason = step->reason, .ended_ms = now });
    else if (step->outcome == NULL_IS_LOST)
        post(b, exec_id, (struct report){ .kind = REPORT_LOST, .reason = step->reason, .ended_ms = now });
}

static struct backend_ctx *null_open(struct loop *loop, const struct settings *settings, report_fn *report,
                                     void *arg, struct err *err)
{
    struct backend_ctx *b = xcalloc(1, sizeof *b);

    (void)settings;
    (void)err;
    b->loop = loop;
    b->report = report;
    b->arg = arg;
    pthread_mutex_lock(&script.lock);
    script.opened = b;
    pthread_mutex_unlock(&script.lock);
    return b;
}

static int null_start(struct backend_ctx *b, const struct launch *launch, struct err *err)
{
    struct null_step step;

    if (find(b, launch->exec_id))
        return 0;
    step = next_step();
    if (step.outcome == NULL_CANNOT_START)
        return err_set(err, ERR_UNAVAILABLE, "the null back end was told not to start %s", launch->exec_id);
    play(b, launch->exec_id, &step);
    return 0;
}

static int null_stop(struct backend_ctx *b, const char *exec_id, int64_t grace_ms, struct err *err)
{
    if (!find(b, exec_id))
        return err_set(err, ERR_NOT_FOUND, "no task %s runs on the null back end", exec_id);
    post(b, exec_id, (struct report){ .kind = REPORT_ENDED, .exit_code = -1, .stopped = true,
                                      .signal = grace_ms > 0 ? SIGTERM : SIGKILL,
                                      .ended_ms = clock_unix_ms() });
    return 0;
}

static int null_adopt(struct backend_ctx *b, const char *exec_id, const char *run_dir, struct err *err)
{
    struct null_step step = next_step();

    (void)run_dir;
    (void)err;
    play(b, exec_id, &step);
    return 0;
}

static void null_close(struct backend_ctx *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&script.lock);
    if (script.opened == b)
        script.opened = NULL;
    pthread_mutex_unlock(&script.lock);
    while (b->tasks)
        remove_task(&b->tasks);
    b->closed = true;
    if (b->n_posted == 0)
        free(b);
}

struct ending {
    char *exec_id;
    int exit_code;
};

/* On the loop, where n_posted and the tasks belong. */
static void end_task(void *arg)
{
    struct ending *e = arg;
    struct backend_ctx *b;

    pthread_mutex_lock(&script.lock);
    b = script.opened;
    pthread_mutex_unlock(&script.lock);
    if (b)
        post(b, e->exec_id, (struct report){ .kind = REPORT_ENDED, .exit_code = e->exit_code,
                                             .ended_ms = clock_unix_ms() });
    free(e->exec_id);
    free(e);
}

void null_end(const char *exec_id, int exit_code)
{
    struct ending *e;

    pthread_mutex_lock(&script.lock);
    if (script.opened) {
        e = xcalloc(1, sizeof *e);
        *e = (struct ending){ .exec_id = xstrdup(exec_id), .exit_code = exit_code };
        loop_post(script.opened->loop, end_task, e);
    }
    pthread_mutex_unlock(&script.lock);
}

const struct backend null_backend = {
    .name  = "null",
    .open  = null_open,
    .start = null_start,
    .stop  = null_stop,
    .adopt = null_adopt,
    .close = null_close,
};
