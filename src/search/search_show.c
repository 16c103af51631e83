// SPDX-License-Identifier: Apache-2.0
#include "search/search_show.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/echo.h"
#include "search/loop.h"
#include "search/record.h"
#include "search/search_own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_LIMIT_MAX = 1000000 };

static struct records *records_of(const struct call *c) { return ((const struct searches *)c->room)->records; }

static int read_members(struct call *c, struct record_wish *ret, struct err *err)
{
    return record_members_read(call_query(c, "fields"), &ret->members, err);
}

/* Whether the second is part of what a record says. While a search is active its duration runs, but that alone makes a
 * record no news, unless someone asks for it. */
static bool ticks(const struct record_wish *wish, const struct search *s)
{
    return wish->members != RECORD_WHOLE && (wish->members & RECORD_BIT(RECORD_DURATION)) && s->ended_ms == INT_UNSET;
}

/* --- one --- */

static int read_since(struct call *c, struct record_wish *ret, struct err *err)
{
    const char *since = call_query(c, "since");

    if (!since || !*since)
        return 0;
    ret->numbered = true;
    if (record_tag_read(since, &ret->seq, &ret->version))
        return 0;
    return err_field(err, "since", "the `next` of an earlier reply, or 0", "\"%.60s\" is not from an earlier reply", since);
}

int search_show(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    struct record_wish wish = {0};
    struct search s;
    const char *tag;

    if (read_members(c, &wish, err) < 0 || read_since(c, &wish, err) < 0 || search_own(c, &s, err) < 0)
        return -1;
    tag = record_tag(&s, c->mem);
    if (ticks(&wish, &s))
        tag = mem_printf(c->mem, "%s.%" PRId64, tag, search_duration_ms(&s, clock_unix_ms()) / 1000);
    if (reply_unchanged(c, tag))
        return 0;
    if (record_write(records_of(c), c->db, &s, &wish, c->mem, &out, err) < 0)
        return -1;
    return reply_json(c, 200, &out);
}

/* --- all --- */

struct filter {
    struct call *call;
    const char *states;         /* ",RUNNING,FINISHED,"; NULL: all */
    const char *creator, *search, *sort;
    bool descending;
    int64_t start, limit;
    struct search *found;       /* [n], texts in call->mem */
    size_t n, cap;
    struct record_wish wish;
};

static bool passes(const struct filter *f, const struct search *s)
{
    char state[32];

    snprintf(state, sizeof state, ",%s,", s->state);
    return (!f->states || strcasestr(f->states, state)) &&
           (!f->creator || strcmp(f->creator, s->creator) == 0) &&
           (!f->search || strcasestr(s->name, f->search));
}

static int note_search(void *arg, const struct search *s, struct err *err)
{
    struct filter *f = arg;
    struct mem *mem = f->call->mem;

    (void)err;
    if (!passes(f, s))
        return 0;
    if (f->n == f->cap) {
        f->cap = f->cap * 2 + 16;
        f->found = xrealloc(f->found, f->cap * sizeof *f->found);
    }
    f->found[f->n++] = (struct search){ .seq = s->seq,
                                        .version = s->version,
                                        .ended_ms = s->ended_ms,
                                        .name = mem_strdup(mem, s->name),
                                        .state = mem_strdup(mem, s->state),
                                        .creator = mem_strdup(mem, s->creator) };
    return 0;
}

static int by_key(const void *a, const void *b, void *arg)
{
    const struct search *x = a, *y = b;
    const struct filter *f = arg;
    int order = 0;

    if (text_same(f->sort, "hpoName"))
        order = strcmp(x->name, y->name);
    else if (text_same(f->sort, "state"))
        order = strcmp(x->state, y->state);
    else if (text_same(f->sort, "creator"))
        order = strcmp(x->creator, y->creator);
    if (order == 0)
        order = (x->seq > y->seq) - (x->seq < y->seq);
    return f->descending ? -order : order;
}

/* `sort_by=field[:asc|:desc]`, or `sort=[-]field`. */
static int read_sort(struct call *c, struct filter *f, struct err *err)
{
    static const char *const keys[] = { "hpoName", "state", "creator", "createtime" };
    const char *sort_by = call_query(c, "sort_by"), *sort = call_query(c, "sort");
    const char *order = sort_by ? strchr(sort_by, ':') : NULL;

    f->sort = sort_by ? mem_strndup(c->mem, sort_by, strcspn(sort_by, ":")) : sort;
    f->descending = order && text_same(order, ":desc");
    if (!f->sort || !*f->sort)
        return 0;
    if (!sort_by && *f->sort == '-') {
        f->descending = true;
        f->sort++;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (text_same(f->sort, keys[i]))
            return 0;
    return err_field(err, "sort_by", "hpoName, state, creator or createtime, then :asc or :desc",
                     "searches cannot be sorted by \"%.40s\"", f->sort);
}

static int read_filter(struct call *c, struct filter *f, struct err *err)
{
    const char *states = call_query(c, "state");

    *f = (struct filter){ .call = c,
                          .creator = call_query(c, "creator"),
                          .search = call_query(c, "search"),
                          .limit = LIST_LIMIT_MAX };
    if (states && *states)
        f->states = mem_printf(c->mem, ",%s,", states);
    if (call_query_int(c, "offset", 0, INT32_MAX, &f->start, err) < 0 ||
        call_query_int(c, "start", 0, INT32_MAX, &f->start, err) < 0 ||
        call_query_int(c, "limit", 1, LIST_LIMIT_MAX, &f->limit, err) < 0)
        return -1;
    return read_members(c, &f->wish, err) < 0 ? -1 : read_sort(c, f, err);
}

static void filter_done(struct filter *f) { free(f->found); }

/* Of what the list has from `start` to `end`: whichever search comes, goes or changes makes another one. FNV-1a. */
static const char *list_tag(const struct filter *f, size_t start, size_t end)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = start; i < end; i++) {
        const struct search *s = &f->found[i];
        int64_t parts[] = { s->seq, s->version, ticks(&f->wish, s) ? clock_unix_ms() / 1000 : 0 };

        for (size_t k = 0; k < ARRAY_LEN(parts); k++)
            hash = (hash ^ (uint64_t)parts[k]) * 0x100000001b3u, hash ^= hash >> 29;
    }
    return mem_printf(f->call->mem, "%zu.%016" PRIx64, end - start, hash);
}

/* Appends one record; nothing when the search was deleted meanwhile. */
static int list_one(const struct filter *f, const char *name, struct text *out, struct err *err)
{
    struct call *c = f->call;
    size_t before = out->len;
    struct err gone = {0};
    struct search s;

    if (before > 1)
        text_add_char(out, ',');
    if (searches_look(c->db, name, c->mem, &s, &gone) == 0 &&
        record_write(records_of(c), c->db, &s, &f->wish, c->mem, out, &gone) == 0)
        return 0;
    out->len = before;
    if (gone.kind == ERR_NOT_FOUND)
        return 0;
    *err = gone;
    return -1;
}

int search_list(struct call *c, struct err *err)
{
    CLEANUP(filter_done) struct filter f = {0};
    CLEANUP(text_done) struct text out = {0};
    size_t start, end;

    if (read_filter(c, &f, err) < 0 ||
        searches_each(c->db, c->role == ADMIN ? NULL : c->user, note_search, &f, err) < 0)
        return -1;
    if (f.sort && f.n)
        qsort_r(f.found, f.n, sizeof *f.found, by_key, &f);
    start = (size_t)f.start < f.n ? (size_t)f.start : f.n;
    end = f.n - start > (size_t)f.limit ? start + (size_t)f.limit : f.n;
    if (reply_unchanged(c, list_tag(&f, start, end)))
        return 0;
    text_add_char(&out, '[');
    for (size_t i = start; i < end; i++)
        if (list_one(&f, f.found[i].name, &out, err) < 0)
            return -1;
    text_add_char(&out, ']');
    return reply_json(c, 200, &out);
}
