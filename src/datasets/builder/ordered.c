// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/ordered.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum {
    SLOTS_PER_THREAD = 16,
    BATCH_PER_THREAD = 4,               /* results that are taken at once: waking a thread costs as much as a small item */
    WAITING_BYTES_MAX = 48 << 20,       /* results that wait; beyond that only the next in turn is begun */
};

struct slot {
    bool ready;
    size_t bytes;
};

struct ring {
    const struct ordered *o;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    int64_t next, taken;                /* items that were begun, and taken */
    int64_t done;                       /* all before this one are ready */
    size_t bytes;                       /* of the results that wait */
    int n_waiting;                      /* threads that wait for room */
    bool stopping;
    int64_t n_slots, batch;
    struct slot *slots;
    char *results;
    void **kept;                        /* [n_threads] */
    int n_started;
};

static void *result_at(const struct ring *r, int64_t i) { return r->results + (size_t)(i % r->n_slots) * r->o->slot_size; }

/* --- the threads, with the lock held --- */

/* Whether the taker is to be woken: for a batch, for the last results, or because all wait for it. */
static bool is_worth_taking(const struct ring *r)
{
    return r->done - r->taken >= r->batch || (r->done > r->taken && (r->done == r->o->n || r->n_waiting > 0));
}

static void give(struct ring *r, int64_t i, size_t bytes)
{
    struct slot *s = &r->slots[i % r->n_slots];

    s->ready = true;
    s->bytes = bytes;
    r->bytes += bytes;
    while (r->done < r->taken + r->n_slots && r->slots[r->done % r->n_slots].ready)
        r->done++;
    if (is_worth_taking(r))
        pthread_cond_signal(&r->ready);
}

static bool has_room(const struct ring *r)
{
    return r->next - r->taken < r->n_slots && (r->bytes <= WAITING_BYTES_MAX || r->next == r->taken);
}

/* The next item to begin, or -1 when there is none left. */
static int64_t claim(struct ring *r)
{
    while (!r->stopping && r->next < r->o->n && !has_room(r)) {
        r->n_waiting++;
        if (is_worth_taking(r))
            pthread_cond_signal(&r->ready);
        pthread_cond_wait(&r->room, &r->lock);
        r->n_waiting--;
    }
    return !r->stopping && r->next < r->o->n ? r->next++ : -1;
}

struct worker {
    struct ring *ring;
    int number;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    const struct ordered *o = w->ring->o;
    void *kept = o->start(o->arg);
    int64_t i;

    w->ring->kept[w->number] = kept;
    pthread_mutex_lock(&w->ring->lock);
    for (i = claim(w->ring); i >= 0; i = claim(w->ring)) {
        size_t bytes;

        pthread_mutex_unlock(&w->ring->lock);
        bytes = o->work(o->arg, kept, i, result_at(w->ring, i));
        pthread_mutex_lock(&w->ring->lock);
        give(w->ring, i, bytes);
    }
    pthread_mutex_unlock(&w->ring->lock);
    return NULL;
}

/* --- the taker --- */

/* Waits for results, and returns the end of a batch of them. */
static int64_t await_results(struct ring *r)
{
    int64_t end;

    pthread_mutex_lock(&r->lock);
    while (!is_worth_taking(r))
        pthread_cond_wait(&r->ready, &r->lock);
    end = r->done < r->taken + r->batch ? r->done : r->taken + r->batch;
    pthread_mutex_unlock(&r->lock);
    return end;
}

static void free_results(struct ring *r, int64_t end)
{
    pthread_mutex_lock(&r->lock);
    for (; r->taken < end; r->taken++) {
        struct slot *s = &r->slots[r->taken % r->n_slots];

        s->ready = false;
        r->bytes -= s->bytes;
    }
    if (r->n_waiting > 0)
        pthread_cond_broadcast(&r->room);
    pthread_mutex_unlock(&r->lock);
}

static void stop(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->room);
    pthread_mutex_unlock(&r->lock);
}

static int take_all(struct ring *r, struct err *err)
{
    for (int64_t i = 0; i < r->o->n;) {
        int64_t end = await_results(r);

        for (; i < end; i++)
            if (r->o->take(r->o->arg, i, result_at(r, i), err) < 0)
                return -1;
        free_results(r, end);
    }
    return 0;
}

static int run_threads(struct ring *r, pthread_t *threads, struct worker *workers, struct err *err)
{
    int result = 0;

    for (; r->n_started < r->o->n_threads; r->n_started++) {
        workers[r->n_started] = (struct worker){ .ring = r, .number = r->n_started };
        errno = pthread_create(&threads[r->n_started], NULL, worker_main, &workers[r->n_started]);
        if (errno) {
            result = err_errno(err, ERR_INTERNAL, "start %d threads", r->o->n_threads);
            break;
        }
    }
    if (result == 0)
        result = take_all(r, err);
    stop(r);
    for (int i = 0; i < r->n_started; i++)
        pthread_join(threads[i], NULL);
    return result;
}

int ordered_run(const struct ordered *o, struct err *err)
{
    struct ring r = { .o = o, .n_slots = (int64_t)o->n_threads * SLOTS_PER_THREAD,
                      .batch = (int64_t)o->n_threads * BATCH_PER_THREAD };
    pthread_t *threads = xcalloc((size_t)o->n_threads, sizeof *threads);
    struct worker *workers = xcalloc((size_t)o->n_threads, sizeof *workers);
    int result;

    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.room, NULL);
    pthread_cond_init(&r.ready, NULL);
    r.slots = xcalloc((size_t)r.n_slots, sizeof *r.slots);
    r.results = xcalloc((size_t)r.n_slots, o->slot_size);
    r.kept = xcalloc((size_t)o->n_threads, sizeof *r.kept);

    result = run_threads(&r, threads, workers, err);
    for (int i = 0; i < r.n_started; i++)
        o->end(o->arg, r.kept[i]);
    for (int64_t i = 0; i < r.n_slots; i++)
        o->slot_done(r.results + (size_t)i * o->slot_size);

    pthread_cond_destroy(&r.ready);
    pthread_cond_destroy(&r.room);
    pthread_mutex_destroy(&r.lock);
    free(r.kept);
    free(r.results);
    free(r.slots);
    free(workers);
    free(threads);
    return result;
}

int ordered_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    return CPU_COUNT(&set);
}
