// SPDX-License-Identifier: Apache-2.0
#include "base/work.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

struct job {
    struct job *next;
    work_fn *fn;
    void *arg;
};

struct work {
    pthread_mutex_t lock;
    pthread_cond_t changed;         /* a job came, or no more will */
    struct job *first, **last;      /* *last is where the next one goes */
    bool stopping;
    int n_threads;
    pthread_t threads[];
};

/* The next job; waits for one. NULL once all is done and no more will come. */
static struct job *take_job(struct work *work)
{
    struct job *job;

    pthread_mutex_lock(&work->lock);
    while (!work->first && !work->stopping)
        pthread_cond_wait(&work->changed, &work->lock);
    job = work->first;
    if (job) {
        work->first = job->next;
        if (!work->first)
            work->last = &work->first;
    }
    pthread_mutex_unlock(&work->lock);
    return job;
}

static void *work_main(void *arg)
{
    struct work *work = arg;
    struct job *job;

    for (job = take_job(work); job; job = take_job(work)) {
        job->fn(job->arg);
        free(job);
    }
    return NULL;
}

struct work *work_start(int n_threads, struct err *err)
{
    struct work *work = xcalloc(1, sizeof *work + (size_t)n_threads * sizeof work->threads[0]);

    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->changed, NULL);
    work->last = &work->first;
    for (; work->n_threads < n_threads; work->n_threads++) {
        errno = pthread_create(&work->threads[work->n_threads], NULL, work_main, work);
        if (errno) {
            err_errno(err, ERR_INTERNAL, "start %d worker threads", n_threads);
            work_stop(work);
            return NULL;
        }
        pthread_setname_np(work->threads[work->n_threads], "worker");
    }
    return work;
}

void work_stop(struct work *work)
{
    if (!work)
        return;
    pthread_mutex_lock(&work->lock);
    work->stopping = true;
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->lock);

    for (int i = 0; i < work->n_threads; i++)
        pthread_join(work->threads[i], NULL);
    pthread_cond_destroy(&work->changed);
    pthread_mutex_destroy(&work->lock);
    free(work);
}

void work_add(struct work *work, work_fn *fn, void *arg)
{
    struct job *job = xcalloc(1, sizeof *job);

    *job = (struct job){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&work->lock);
    *work->last = job;
    work->last = &job->next;
    pthread_cond_signal(&work->changed);
    pthread_mutex_unlock(&work->lock);
}
