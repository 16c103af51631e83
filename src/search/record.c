// SPDX-License-Identifier: Apache-2.0
#include "search/record.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/echo.h"
#include "search/insight/experiment_store.h"
#include "search/search_store.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum {
    KEPT_MAX       = 64,        /* searches of which something is kept: more than anyone watches at a time */
    KEPT_BYTES_MAX = 16 << 20,  /* of all of them: about 50,000 experiments */
};

struct spot {
    int64_t id;
    size_t end;                 /* of its record in `all` */
};

struct kept {
    int64_t seq;                /* of the search: names are reused, seq is not */
    int n_users;                /* these four are guarded by records.lock */
    int64_t turn;               /* the larger, the later it was used */
    size_t bytes;               /* as counted last */
    bool listed;
    pthread_mutex_t lock;       /* of what follows */
    bool begun;                 /* algo and params are there */
    int64_t version;            /* of `all`; -1: no experiment was read */
    struct text algo, params;   /* members with a comma before them */
    struct text all;            /* records of experiments, a comma before each */
    struct spot *spots;         /* by id */
    size_t n, cap;
};

struct records {
    pthread_mutex_t lock;
    struct kept *kept[KEPT_MAX];
    int n;
    int64_t turn;
    size_t bytes;
};

struct records *records_new(void)
{
    struct records *r = xcalloc(1, sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void kept_clear(struct kept *k)
{
    text_done(&k->algo);
    text_done(&k->params);
    text_done(&k->all);
    free(k->spots);
    k->spots = NULL;
    k->n = k->cap = 0;
    k->version = -1;
    k->begun = false;
}

static void kept_free(struct kept *k)
{
    kept_clear(k);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void records_free(struct records *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n; i++)
        kept_free(r->kept[i]);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* --- the list --- */

static void drop(struct records *r, int i)
{
    struct kept *k = r->kept[i];

    r->bytes -= k->bytes;
    r->kept[i] = r->kept[--r->n];
    kept_free(k);
}

/* The one that nobody uses and that was used longest ago; -1: all are in use. */
static int oldest(const struct records *r)
{
    int found = -1;

    for (int i = 0; i < r->n; i++)
        if (!r->kept[i]->n_users && (found < 0 || r->kept[i]->turn < r->kept[found]->turn))
            found = i;
    return found;
}

static struct kept *kept_add(struct records *r, int64_t seq)
{
    struct kept *k = xcalloc(1, sizeof *k);
    int i = r->n == KEPT_MAX ? oldest(r) : -1;

    k->seq = seq;
    k->version = -1;
    pthread_mutex_init(&k->lock, NULL);
    if (i >= 0)
        drop(r, i);
    k->listed = r->n < KEPT_MAX;
    if (k->listed)
        r->kept[r->n++] = k;
    return k;
}

/* What is kept of a search, perhaps nothing yet, locked. */
static struct kept *kept_take(struct records *r, int64_t seq)
{
    struct kept *k = NULL;

    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < r->n && !k; i++)
        if (r->kept[i]->seq == seq)
            k = r->kept[i];
    if (!k)
        k = kept_add(r, seq);
    k->n_users++;
    k->turn = ++r->turn;
    pthread_mutex_unlock(&r->lock);
    pthread_mutex_lock(&k->lock);
    return k;
}

static void kept_give(struct records *r, struct kept *k)
{
    size_t bytes = k->algo.len + k->params.len + k->all.len + k->cap * sizeof *k->spots;
    bool gone;
    int i;

    pthread_mutex_unlock(&k->lock);
    pthread_mutex_lock(&r->lock);
    k->n_users--;
    gone = !k->listed;
    if (!gone) {
        r->bytes += bytes - k->bytes;
        k->bytes = bytes;
        while (r->bytes > KEPT_BYTES_MAX && (i = oldest(r)) >= 0)
            drop(r, i);
    }
    pthread_mutex_unlock(&r->lock);
    if (gone)
        kept_free(k);
}

/* --- bringing it up to date --- */

static void add_spot(struct kept *k, int64_t id)
{
    if (k->n == k->cap) {
        k->cap = k->cap * 2 + 64;
        k->spots = xrealloc(k->spots, k->cap * sizeof *k->spots);
    }
    k->spots[k->n++] = (struct spot){ id, k->all.len };
}

static size_t start_of(const struct kept *k, size_t i) { return i ? k->spots[i - 1].end : 0; }

/* The first whose id is not below `id`. */
static size_t place_of(const struct kept *k, int64_t id)
{
    size_t low = 0, high = k->n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (k->spots[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Changed records, in order of ids, on their way into those that are there. */
struct merge {
    struct kept *kept;
    struct kept was;            /* its records from the first changed one on */
    size_t next;                /* of `was` */
    bool begun;
};

static void move_rest(struct merge *m, int64_t first)
{
    struct kept *k = m->kept;
    size_t at = place_of(k, first), from = start_of(k, at);

    m->begun = true;
    for (size_t i = at; i < k->n; i++) {
        size_t begin = start_of(k, i);

        text_add_n(&m->was.all, k->all.data + begin, k->spots[i].end - begin);
        add_spot(&m->was, k->spots[i].id);
    }
    k->n = at;
    if (k->all.data)
        k->all.data[k->all.len = from] = '\0';
}

static void add_unchanged(struct merge *m, int64_t below)
{
    for (; m->next < m->was.n && m->was.spots[m->next].id < below; m->next++) {
        size_t from = start_of(&m->was, m->next);

        text_add_n(&m->kept->all, m->was.all.data + from, m->was.spots[m->next].end - from);
        add_spot(m->kept, m->was.spots[m->next].id);
    }
}

static int add_changed(void *arg, const struct experiment *e, struct err *err)
{
    struct merge *m = arg;

    (void)err;
    if (!m->begun)
        move_rest(m, e->id);
    add_unchanged(m, e->id);
    text_add_char(&m->kept->all, ',');
    echo_experiment(e, &m->kept->all);
    add_spot(m->kept, e->id);
    if (m->next < m->was.n && m->was.spots[m->next].id == e->id)
        m->next++;
    return 0;
}

static int merge_changes(struct kept *k, struct db *db, const struct search *s, struct err *err)
{
    struct merge m = { .kept = k };
    int rc = k->version < 0 ? experiments_each(db, s->name, add_changed, &m, err)
                            : experiments_since(db, s->name, k->version, add_changed, &m, err);

    if (rc == 0)
        add_unchanged(&m, INT64_MAX);
    kept_clear(&m.was);
    k->version = s->version;
    return rc;
}

/* algoDef and hyperParams, which never change. */
static int begin(struct kept *k, struct db *db, const char *name, struct mem *mem, struct err *err)
{
    struct err unreadable = {0};
    struct search_plan plan;
    struct search s;

    if (searches_find(db, name, mem, &s, err) < 0)
        return -1;
    if (document_read_stored(s.spec, mem, &plan, &unreadable) == 0) {
        echo_algo(&plan.doc, &k->algo);
        echo_params(&plan.doc, &k->params);
    }
    k->begun = true;
    return 0;
}

/* --- one record --- */

struct reading {                /* what goes into it; `best` and `changed` have a comma before each record */
    struct kept *kept;          /* NULL: the row has all that is wanted */
    const struct record_wish *wish;
    bool whole;                 /* all experiments are wanted: kept->all */
    struct search row;
    struct text best, changed;  /* when not whole */
};

static void reading_done(struct reading *g)
{
    text_done(&g->best);
    text_done(&g->changed);
}

static bool wants(const struct reading *g, enum record_member member)
{
    return g->wish->members & RECORD_BIT(member);
}

static int add_record(void *arg, const struct experiment *e, struct err *err)
{
    (void)err;
    text_add_char(arg, ',');
    echo_experiment(e, arg);
    return 0;
}

static int read_parts(struct reading *g, struct db *db, struct mem *mem, struct err *err)
{
    const struct search *s = &g->row;
    struct experiment best;

    if (!g->kept->begun && begin(g->kept, db, s->name, mem, err) < 0)
        return -1;
    if (g->whole)
        return g->kept->version < s->version ? merge_changes(g->kept, db, s, err) : 0;
    if (wants(g, RECORD_BEST) && s->best != INT_UNSET &&
        (experiments_find(db, s->name, s->best, mem, &best, err) < 0 || add_record(&g->best, &best, err) < 0))
        return -1;
    if (wants(g, RECORD_EXPERIMENTS))
        return experiments_since(db, s->name, g->wish->version, add_record, &g->changed, err);
    return 0;
}

/* The row again together with what belongs to it, all as of one moment. */
static int read_fresh(struct reading *g, struct db *db, const struct search *s, struct mem *mem,
                      struct err *err)
{
    int rc;

    if (searches_read_begin(db, err) < 0)
        return -1;
    rc = searches_look(db, s->name, mem, &g->row, err);
    if (rc == 0 && g->row.seq != s->seq) /* another of the same name */
        rc = err_set(err, ERR_NOT_FOUND, "there is no search \"%.100s\"", s->name);
    if (rc == 0)
        rc = read_parts(g, db, mem, err);
    searches_read_end(db);
    if (rc < 0)
        kept_clear(g->kept);
    return rc;
}

static void add_best(const struct reading *g, struct text *out)
{
    const struct kept *k = g->kept;
    size_t i = g->whole && g->row.best != INT_UNSET ? place_of(k, g->row.best) : k->n;

    if (i < k->n && k->spots[i].id == g->row.best) {
        size_t from = start_of(k, i) + 1;

        text_add(out, ",\"best\":");
        text_add_n(out, k->all.data + from, k->spots[i].end - from);
    } else if (g->best.len) {
        text_add(out, ",\"best\":");
        text_add_n(out, g->best.data + 1, g->best.len - 1);
    }
}

static void add_experiments(const struct reading *g, struct text *out)
{
    const struct text *list = g->whole ? &g->kept->all : &g->changed;

    text_add(out, ",\"experiments\":[");
    if (list->len)
        text_add_n(out, list->data + 1, list->len - 1);
    text_add_char(out, ']');
}

static void add_numbers(const struct reading *g, struct mem *mem, struct text *out)
{
    if (!g->whole && wants(g, RECORD_EXPERIMENTS))
        text_addf(out, ",\"since\":\"%" PRId64 ".%" PRId64 "\"", g->wish->seq, g->wish->version);
    text_addf(out, ",\"next\":\"%s\"", record_tag(&g->row, mem));
}

static void write_parts(const struct reading *g, struct mem *mem, struct text *out)
{
    size_t at = out->len;

    echo_head(&g->row, g->wish->members, clock_unix_ms(), out);
    if (wants(g, RECORD_ALGO))
        text_add_n(out, g->kept->algo.data, g->kept->algo.len);
    if (wants(g, RECORD_PARAMS))
        text_add_n(out, g->kept->params.data, g->kept->params.len);
    if (wants(g, RECORD_BEST))
        add_best(g, out);
    if (wants(g, RECORD_EXPERIMENTS))
        add_experiments(g, out);
    if (g->wish->numbered)
        add_numbers(g, mem, out);
    if (out->len > at)
        out->data[at] = '{'; /* in place of the first comma */
    else
        text_add_char(out, '{');
    text_add_char(out, '}');
}

/* Whether nothing but the row, which is known, is needed. */
static bool is_current(const struct reading *g)
{
    if (g->whole)
        return g->kept->version == g->row.version;
    return !g->kept || (g->kept->begun && !wants(g, RECORD_BEST) && !wants(g, RECORD_EXPERIMENTS));
}

int record_write(struct records *r, struct db *db, const struct search *s,
                 const struct record_wish *wish, struct mem *mem, struct text *out, struct err *err)
{
    CLEANUP(reading_done) struct reading g = { .wish = wish, .row = *s };
    int rc;

    if (wish->members >> RECORD_ALGO)
        g.kept = kept_take(r, s->seq);
    g.whole = wants(&g, RECORD_EXPERIMENTS) && (wish->seq != s->seq || wish->version > s->version);
    rc = is_current(&g) ? 0 : read_fresh(&g, db, s, mem, err);
    if (rc == 0)
        write_parts(&g, mem, out);
    if (g.kept)
        kept_give(r, g.kept);
    return rc;
}

/* --- tags --- */

const char *record_tag(const struct search *s, struct mem *mem)
{
    return mem_printf(mem, "%" PRId64 ".%" PRId64, s->seq, s->version);
}

bool record_tag_read(const char *text, int64_t *ret_seq, int64_t *ret_version)
{
    char *end;

    *ret_seq = *ret_version = 0;
    if (strcmp(text, "0") == 0)
        return true;
    errno = 0;
    *ret_seq = strtoll(text, &end, 10);
    if (*end != '.' || end == text || *text < '0' || end[1] < '0' || end[1] > '9')
        return false;
    *ret_version = strtoll(end + 1, &end, 10);
    return !*end && errno == 0 && *text <= '9';
}
