// SPDX-License-Identifier: Apache-2.0
#include "search/record.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/echo.h"
#include "search/search_store.h"

#include <pthread.h>
#include <string.h>

enum {
    KEPT_MAX       = 64,        /* searches whose tails are kept: more than anyone watches at a time */
    KEPT_BYTES_MAX = 1 << 20,   /* of one tail: about 4000 experiments */
};

struct kept {
    int64_t seq, version;       /* of the search; names are reused, seq is not */
    struct text tail;
};

struct records {
    pthread_mutex_t lock;
    struct kept kept[KEPT_MAX]; /* by seq % KEPT_MAX */
};

struct records *records_new(void)
{
    struct records *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void records_free(struct records *r)
{
    if (!r)
        return;
    for (int i = 0; i < KEPT_MAX; i++)
        text_done(&r->kept[i].tail);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool kept_find(struct records *r, const struct search *s, struct text *out)
{
    struct kept *k = &r->kept[s->seq % KEPT_MAX];
    bool found;

    pthread_mutex_lock(&r->lock);
    found = k->seq == s->seq && k->version == s->version && k->tail.len;
    if (found)
        text_add_n(out, k->tail.data, k->tail.len);
    pthread_mutex_unlock(&r->lock);
    return found;
}

static void kept_add(struct records *r, const struct search *s, const struct text *tail)
{
    struct kept *k = &r->kept[s->seq % KEPT_MAX];

    if (tail->len > KEPT_BYTES_MAX)
        return;
    pthread_mutex_lock(&r->lock);
    k->seq = s->seq;
    k->version = s->version;
    text_clear(&k->tail);
    text_add_n(&k->tail, tail->data, tail->len);
    pthread_mutex_unlock(&r->lock);
}

struct listing {
    const struct search *search;
    struct text all, best;
};

static int list_experiment(void *arg, const struct experiment *e, struct err *err)
{
    struct listing *l = arg;

    (void)err;
    if (l->all.len)
        text_add_char(&l->all, ',');
    echo_experiment(e, &l->all);
    if (e->id == l->search->best)
        echo_experiment(e, &l->best);
    return 0;
}

static void listing_done(struct listing *l)
{
    text_done(&l->all);
    text_done(&l->best);
}

static int write_tail(struct db *db, const struct search *s, struct mem *mem, struct text *out,
                      struct err *err)
{
    CLEANUP(listing_done) struct listing l = { .search = s };
    struct err unreadable = {0};
    struct search_plan plan;
    bool known = document_read(s->spec, strlen(s->spec), true, mem, &plan, &unreadable) == 0;

    if (experiments_each(db, s->name, list_experiment, &l, err) < 0)
        return -1;
    echo_tail(known ? &plan.doc : NULL, l.best.len ? l.best.data : NULL, &l.all, out);
    return 0;
}

/* The row again together with its experiments, both as of one moment. */
static int read_fresh(struct db *db, const char *name, struct mem *mem, struct search *ret,
                      struct text *tail, struct err *err)
{
    int rc;

    if (searches_read_begin(db, err) < 0)
        return -1;
    rc = searches_find(db, name, mem, ret, err);
    if (rc == 0)
        rc = write_tail(db, ret, mem, tail, err);
    searches_read_end(db);
    return rc;
}

int record_write(struct records *r, struct db *db, const struct search *s, struct mem *mem,
                 struct text *out, struct err *err)
{
    CLEANUP(text_done) struct text tail = {0};
    struct search fresh = *s;

    if (!kept_find(r, s, &tail)) {
        if (read_fresh(db, s->name, mem, &fresh, &tail, err) < 0)
            return -1;
        kept_add(r, &fresh, &tail);
    }
    text_add_char(out, '{');
    echo_head(&fresh, clock_unix_ms(), out);
    text_add_char(out, ',');
    text_add_n(out, tail.data, tail.len);
    text_add_char(out, '}');
    return 0;
}
