// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/ordered.h"

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum {
    SLOTS_PER_THREAD = 8,
    WAITING_BYTES_MAX = 48 << 20,       /* results that wait; beyond that only the next in turn is begun */
};

struct slot {
    bool ready;
    size_t bytes;
};

/* Whoever finishes the next result in turn takes it, and those that wait behind it: its bytes are still in the cache of that
 * processor, and no thread has to be woken for it. */
struct ring {
    const struct ordered *o;
    struct err *err;
    pthread_mutex_t lock;
    pthread_cond_t room;
    int64_t next, taken;                /* items that were begun, and taken */
    int64_t done;                       /* all before this one are ready */
    size_t bytes;                       /* of the results that wait */
    int n_waiting;                      /* threads that wait for room */
    bool taking;                        /* one of them is */
    bool failed;
    int64_t n_slots;
    struct slot *slots;
    char *results;
};

struct worker {
    struct ring *ring;
    pthread_t thread;
    void *kept;
};

static struct slot *slot_at(struct ring *r, int64_t i) { return &r->slots[i % r->n_slots]; }

static void *result_at(const struct ring *r, int64_t i) { return r->results + (size_t)(i % r->n_slots) * r->o->slot_size; }

/* --- with the lock held --- */

static bool has_room(const struct ring *r)
{
    return r->next - r->taken < r->n_slots && (r->bytes <= WAITING_BYTES_MAX || r->next == r->taken);
}

/* The next item to begin, or -1 when there is none left. */
static int64_t claim(struct ring *r)
{
    while (!r->failed && r->next < r->o->n && !has_room(r)) {
        r->n_waiting++;
        pthread_cond_wait(&r->room, &r->lock);
        r->n_waiting--;
    }
    return !r->failed && r->next < r->o->n ? r->next++ : -1;
}

static void give(struct ring *r, int64_t i, size_t bytes)
{
    *slot_at(r, i) = (struct slot){ true, bytes };
    r->bytes += bytes;
    while (r->done < r->taken + r->n_slots && slot_at(r, r->done)->ready)
        r->done++;
}

static void free_slots(struct ring *r, int64_t end)
{
    for (; r->taken < end; r->taken++) {
        struct slot *s = slot_at(r, r->taken);

        s->ready = false;
        r->bytes -= s->bytes;
    }
    if (r->n_waiting > 0)
        pthread_cond_broadcast(&r->room);
}

static bool take(struct ring *r, int64_t end)
{
    for (int64_t i = r->taken; i < end; i++)
        if (r->o->take(r->o->arg, i, result_at(r, i), r->err) < 0)
            return false;
    return true;
}

static void take_ready(struct ring *r)
{
    r->taking = true;
    while (!r->failed && r->taken < r->done) {
        int64_t end = r->done;
        bool taken;

        pthread_mutex_unlock(&r->lock);
        taken = take(r, end);
        pthread_mutex_lock(&r->lock);
        r->failed = !taken;
        free_slots(r, end);
    }
    r->taking = false;
}

/* --- threads --- */

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct ring *r = w->ring;
    const struct ordered *o = r->o;
    int64_t i;

    w->kept = o->start(o->arg);
    pthread_mutex_lock(&r->lock);
    for (i = claim(r); i >= 0; i = claim(r)) {
        size_t bytes;

        pthread_mutex_unlock(&r->lock);
        bytes = o->work(o->arg, w->kept, i, result_at(r, i));
        pthread_mutex_lock(&r->lock);
        give(r, i, bytes);
        if (!r->taking)
            take_ready(r);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* The caller is one of the threads, and does without those that the system refuses. */
static void run_threads(struct ring *r)
{
    struct worker *workers = xcalloc((size_t)r->o->n_threads, sizeof *workers);
    int n = 1;

    workers[0].ring = r;
    for (; n < r->o->n_threads; n++) {
        workers[n].ring = r;
        if (pthread_create(&workers[n].thread, NULL, worker_main, &workers[n]) != 0)
            break;
    }
    worker_main(&workers[0]);
    for (int i = 1; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < n; i++)
        r->o->end(r->o->arg, workers[i].kept);
    free(workers);
}

int ordered_run(const struct ordered *o, struct err *err)
{
    struct ring r = { .o = o, .err = err, .n_slots = (int64_t)o->n_threads * SLOTS_PER_THREAD };

    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.room, NULL);
    r.slots = xcalloc((size_t)r.n_slots, sizeof *r.slots);
    r.results = xcalloc((size_t)r.n_slots, o->slot_size);

    run_threads(&r);
    for (int64_t i = 0; i < r.n_slots; i++)
        o->slot_done(r.results + (size_t)i * o->slot_size);

    pthread_cond_destroy(&r.room);
    pthread_mutex_destroy(&r.lock);
    free(r.results);
    free(r.slots);
    return r.failed ? -1 : 0;
}

int ordered_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    return CPU_COUNT(&set);
}
