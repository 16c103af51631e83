// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/content.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "datasets/builder/report.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- fingerprints --- */

/* Two chains of multiplications of 64 by 64 bits, high and low half folded together, in the manner of Wang Yi's wyhash.
 * Against chance, not against people: whoever forges a pair gets a wrong line into a report. */

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static void mix(uint64_t state[4], const uint8_t *p)
{
    static const uint64_t secret[4] = { 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu, 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u };

    for (int i = 0; i < 4; i++)
        state[i] = fold(word(p + 16 * i) ^ secret[i], word(p + 16 * i + 8) ^ state[i]);
}

struct fingerprint content_fingerprint(const uint8_t *data, size_t len)
{
    uint64_t state[4] = { 0x243F6A8885A308D3u, 0x13198A2E03707344u, 0xA4093822299F31D0u, 0x082EFA98EC4E6C89u };
    uint8_t last[64] = {0};
    size_t left = len;

    for (; left >= sizeof last; left -= sizeof last, data += sizeof last)
        mix(state, data);
    if (left)
        memcpy(last, data, left);
    mix(state, last);
    return (struct fingerprint){ fold(state[0] ^ len, state[1] ^ 0x9E3779B97F4A7C15u) ^ state[2],
                                 fold(state[2] ^ len, state[3] ^ 0xC2B2AE3D27D4EB4Fu) ^ state[0] };
}

/* --- keeping --- */

/* In order of their fingerprints, then of parts and numbers. */
struct content {
    uint64_t high, low;                 /* low: 24 more bits of the fingerprint, 2 of the part, 38 of the number */
};

enum { NUMBER_BITS = 38, PLACE_BITS = NUMBER_BITS + 2 };

struct contents {
    char *folder;
    int fd;                             /* of the runs; -1: all are kept */
    struct content *kept;               /* [n], malloc */
    size_t n, cap, max;
    int64_t n_spilled;                  /* in the file */
    int64_t run;                        /* records of each run but the last, which may be shorter */
};

struct contents *contents_new(const char *folder, size_t n_kept)
{
    struct contents *c = xcalloc(1, sizeof *c);

    assert(n_kept > 0 && n_kept % CONTENTS_FAN == 0);
    c->folder = xstrdup(folder);
    c->fd = -1;
    c->max = n_kept;
    c->run = (int64_t)n_kept;
    return c;
}

void contents_free(struct contents *c)
{
    if (!c)
        return;
    fd_closep(&c->fd);
    free(c->folder);
    free(c->kept);
    free(c);
}

static bool is_before(const struct content *a, const struct content *b)
{
    return a->high != b->high ? a->high < b->high : a->low < b->low;
}

static int compare(const void *a, const void *b) { return is_before(b, a) - is_before(a, b); }

/* Few, else many: many of one bucket are many of the same content, however they are ordered. */
static void sort_bucket(struct content *all, size_t n)
{
    enum { FEW = 32 };

    if (n > FEW) {
        qsort(all, n, sizeof *all, compare);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct content moved = all[i];
        size_t k = i;

        for (; k > 0 && is_before(&moved, &all[k - 1]); k--)
            all[k] = all[k - 1];
        all[k] = moved;
    }
}

/* By the first bits, which are as good as random, into buckets of a few. With qsort() alone it took 2.9 seconds to tell ten million
 * records apart, with this 1.1. */
static void sort(struct contents *c)
{
    enum { BITS = 16, N_BUCKETS = 1 << BITS };
    CLEANUP(freep) size_t *ends = xcalloc(N_BUCKETS + 1, sizeof *ends);
    struct content *sorted = xcalloc(c->max, sizeof *sorted);
    size_t begin = 0;

    for (size_t i = 0; i < c->n; i++)
        ends[(c->kept[i].high >> (64 - BITS)) + 1]++;
    for (size_t i = 1; i < N_BUCKETS; i++)
        ends[i] += ends[i - 1];
    for (size_t i = 0; i < c->n; i++)
        sorted[ends[c->kept[i].high >> (64 - BITS)]++] = c->kept[i];
    for (size_t i = 0; i < N_BUCKETS; begin = ends[i++])
        sort_bucket(sorted + begin, ends[i] - begin);
    free(c->kept);
    c->kept = sorted;
    c->cap = c->max;
}

/* --- the file --- */

static int refuse(const struct contents *c, struct err *err)
{
    return err_errno(err, ERR_INTERNAL, "what tells duplicates apart, 16 bytes a record, cannot be kept in %s", c->folder);
}

/* -1: no. */
static int open_file(const struct contents *c, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = mem_printf(mem, "%s/.contents", c->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || unlink(path) < 0) {
        refuse(c, err);
        fd_closep(&fd);
        return -1;
    }
    return fd;
}

static int append(const struct contents *c, int fd, const struct content *from, size_t n, struct err *err)
{
    return file_write_all(fd, from, n * sizeof *from) < 0 ? refuse(c, err) : 0;
}

static int spill(struct contents *c, struct err *err)
{
    if (c->fd < 0)
        c->fd = open_file(c, err);
    if (c->fd < 0)
        return -1;
    sort(c);
    if (append(c, c->fd, c->kept, c->n, err) < 0)
        return -1;
    c->n_spilled += (int64_t)c->n;
    c->n = 0;
    return 0;
}

int contents_add(struct contents *c, enum split split, int64_t number, struct fingerprint f, struct err *err)
{
    if (number > CONTENTS_NUMBER_MAX)
        return err_set(err, ERR_BAD_INPUT, "a part has more than %lld records", (long long)CONTENTS_NUMBER_MAX);
    if (c->n == c->max && spill(c, err) < 0)
        return -1;
    if (c->n == c->cap) {
        c->cap = c->cap * 2 < 1024 ? 1024 : c->cap * 2;
        c->cap = c->cap < c->max ? c->cap : c->max;
        c->kept = xrealloc(c->kept, c->cap * sizeof *c->kept);
    }
    c->kept[c->n++] = (struct content){ f.a, f.b >> PLACE_BITS << PLACE_BITS | (uint64_t)split << NUMBER_BITS | (uint64_t)number };
    return 0;
}

/* --- merging --- */

/* A run that is read: `piece` has records at to n of it, those from `next` to `end` are still in the file. */
struct run {
    struct content *piece;
    size_t at, n;
    int64_t next, end;
};

/* Runs that follow each other in the file, as one. */
struct merge {
    const struct contents *c;
    struct run runs[CONTENTS_FAN];
    struct { struct content first; struct run *run; } heap[CONTENTS_FAN];       /* of those that have records left */
    int n_heap;
};

/* Down from 0, until nothing below it comes before it. */
static void sink(struct merge *m, int i)
{
    __typeof__(m->heap[0]) moved = m->heap[i];

    for (int k = 2 * i + 1; k < m->n_heap; k = 2 * i + 1) {
        if (k + 1 < m->n_heap && is_before(&m->heap[k + 1].first, &m->heap[k].first))
            k++;
        if (!is_before(&m->heap[k].first, &moved.first))
            break;
        m->heap[i] = m->heap[k];
        i = k;
    }
    m->heap[i] = moved;
}

/* The next piece of a run: 1, or 0 at its end. */
static int fill(const struct contents *c, struct run *r, struct err *err)
{
    size_t n = c->max / CONTENTS_FAN, done = 0;

    r->at = 0;
    r->n = r->end - r->next < (int64_t)n ? (size_t)(r->end - r->next) : n;
    while (done < r->n * sizeof *r->piece) {
        ssize_t got = pread(c->fd, (char *)r->piece + done, r->n * sizeof *r->piece - done,
                            r->next * (off_t)sizeof *r->piece + (off_t)done);

        if (got == 0)
            errno = EIO;            /* it was longer when it was written */
        if (got <= 0 && errno != EINTR)
            return err_errno(err, ERR_INTERNAL, "what was kept in %s to tell duplicates apart cannot be read", c->folder);
        done += got < 0 ? 0 : (size_t)got;
    }
    r->next += (int64_t)r->n;
    return r->n > 0;
}

/* The runs from record `first` on, as many as are merged at a time. */
static int merge_start(struct merge *m, const struct contents *c, int64_t first, struct err *err)
{
    *m = (struct merge){ .c = c };
    for (int i = 0; i < CONTENTS_FAN && first < c->n_spilled; i++, first += c->run) {
        struct run *r = &m->runs[i];

        r->piece = c->kept + (size_t)i * (c->max / CONTENTS_FAN);
        r->next = first;
        r->end = first + c->run < c->n_spilled ? first + c->run : c->n_spilled;
        if (fill(c, r, err) < 0)
            return -1;
        m->heap[m->n_heap].first = r->piece[0];
        m->heap[m->n_heap++].run = r;
    }
    for (int i = m->n_heap / 2; i-- > 0;)
        sink(m, i);
    return 0;
}

/* The next record of all: 1, or 0 at the end. */
static int merge_next(struct merge *m, struct content *ret, struct err *err)
{
    struct run *r;
    int more = 1;

    if (m->n_heap == 0)
        return 0;
    r = m->heap[0].run;
    *ret = m->heap[0].first;
    if (++r->at == r->n)
        more = fill(m->c, r, err);
    if (more < 0)
        return -1;
    if (more == 0)
        m->heap[0] = m->heap[--m->n_heap];
    else
        m->heap[0].first = r->piece[r->at];
    sink(m, 0);
    return 1;
}

static int copy_merged(struct merge *m, int fd, struct err *err)
{
    struct content piece[1024];
    size_t n = 0;
    int more;

    while ((more = merge_next(m, &piece[n], err)) > 0)
        if (++n == ARRAY_LEN(piece)) {
            if (append(m->c, fd, piece, n, err) < 0)
                return -1;
            n = 0;
        }
    return more < 0 ? -1 : append(m->c, fd, piece, n, err);
}

/* Fewer and longer runs, in a file of their own, until they can be merged at a time. */
static int shorten(struct contents *c, struct err *err)
{
    while (c->n_spilled > c->run * CONTENTS_FAN) {
        CLEANUP(fd_closep) int fd = open_file(c, err);
        struct merge m;
        int old = c->fd;

        if (fd < 0)
            return -1;
        for (int64_t first = 0; first < c->n_spilled; first += c->run * CONTENTS_FAN)
            if (merge_start(&m, c, first, err) < 0 || copy_merged(&m, fd, err) < 0)
                return -1;
        c->fd = fd;
        fd = old;
        c->run *= CONTENTS_FAN;
    }
    return 0;
}

/* --- telling --- */

struct telling {
    struct report *report;
    content_name_fn *name;
    void *arg;
    struct content first;               /* of its content */
    bool any;
};

static enum split split_of(const struct content *c) { return c->low >> NUMBER_BITS & 3; }

static const char *name_of(const struct telling *t, const struct content *c, struct mem *mem)
{
    return t->name(t->arg, split_of(c), (int64_t)(c->low & CONTENTS_NUMBER_MAX), mem);
}

static void tell(struct telling *t, const struct content *c)
{
    struct report *r = t->report;

    if (!t->any || c->high != t->first.high || c->low >> PLACE_BITS != t->first.low >> PLACE_BITS) {
        t->first = *c;
        t->any = true;
    } else if (split_of(c) == split_of(&t->first)) {
        r->n_same_split++;
    } else if (r->n_duplicates >= REPORT_LIST_MAX) {
        r->n_duplicates++;              /* nobody reads its name */
    } else {
        CLEANUP(mem_freep) struct mem *mem = mem_new();

        report_duplicate(r, name_of(t, &t->first, mem), name_of(t, c, mem));
    }
}

int contents_report(struct contents *c, struct report *r, content_name_fn *name, void *arg, struct err *err)
{
    struct telling t = { .report = r, .name = name, .arg = arg };
    struct content next;
    struct merge m;
    int more;

    if (c->fd < 0) {
        sort(c);
        for (size_t i = 0; i < c->n; i++)
            tell(&t, &c->kept[i]);
        return 0;
    }
    if (spill(c, err) < 0 || shorten(c, err) < 0 || merge_start(&m, c, 0, err) < 0)
        return -1;
    while ((more = merge_next(&m, &next, err)) > 0)
        tell(&t, &next);
    return more;
}
