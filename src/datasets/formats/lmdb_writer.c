// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/lmdb_writer.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/formats/out_file.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* The file that liblmdb 0.9 leaves after one transaction (data version 1, 64 bits, little-endian): pages of 4 KiB, first
 * two that say where the tree begins, then the tree. As keys ascend, a page is final as soon as it is full, and pages can be
 * written one after the other, records from where they lie. The library copies each record into pages of its own first. */

enum {
    PAGE = 4096,
    FIRST_PAGE = 2,                     /* after those that say where the tree begins */
    LEVELS_MAX = 16,                    /* of the tree; at least seven keys fit into a page */
    NODE_IN_PAGE_MAX = ((PAGE - 16) / 2 & ~1) - 2,      /* bytes; larger ones have their data in pages of their own */
    MAP_STEP = 256 << 20,               /* bytes of address space that are left to who adds records, at most */
};

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_BIG_DATA = 1 };
enum { FREE_PAGES, RECORDS };           /* the two trees; no page of ours is free */
enum { FREE_PAGES_FLAGS = 8 };          /* keys are whole numbers */

struct page_head {
    uint64_t number;
    uint16_t pad, flags;
    union {
        struct { uint16_t lower, upper; };      /* where the room between the offsets of nodes and the nodes begins, ends */
        uint32_t n_pages;                       /* PAGE_OVERFLOW */
    };
};

/* Followed by the key, and in leaves by the data, or the number of their first page. */
struct node {
    uint16_t low, high;                 /* size of the data; in branches, with `flags`, the number of the page below */
    uint16_t flags, n_key;
};

struct tree {
    uint32_t page_size;                 /* FREE_PAGES */
    uint16_t flags, depth;
    uint64_t n_branches, n_leaves, n_overflow, n_records, root;
};

struct meta {
    struct page_head head;
    uint32_t magic, version;
    uint64_t address, map_size;
    struct tree trees[2];
    uint64_t last_page, transaction;
};

static const uint64_t no_page = UINT64_MAX;

/* The page of a level that is being filled. */
struct level {
    _Alignas(8) uint8_t page[PAGE];
    uint8_t first[LMDB_KEY_MAX];        /* the first key in it or below; branches do not write it */
    size_t n_first;
};

struct lmdb_writer {
    struct out_file file;
    struct level *levels[LEVELS_MAX];   /* 0: leaves. NULL: none yet */
    uint64_t next;                      /* number of the page that is written next */
    struct tree tree;
    uint8_t last[LMDB_KEY_MAX];
    size_t n_last;
};

_Static_assert(sizeof(struct page_head) == 16 && sizeof(struct node) == 8 && sizeof(struct tree) == 48 && sizeof(size_t) == 8,
               "laid out as liblmdb does");

struct lmdb_writer *lmdb_create(const char *folder, struct err *err)
{
    static const uint8_t zeros[FIRST_PAGE * PAGE];
    const struct iovec no_metas = { (void *)zeros, sizeof zeros };
    CLEANUP(text_done) struct text path = {0};
    struct lmdb_writer *w;

    if (file_mkdirs(folder, 0755, err) < 0)
        return NULL;
    text_addf(&path, "%s/data.mdb", folder);
    w = xcalloc(1, sizeof *w);
    w->next = FIRST_PAGE;
    w->tree.root = no_page;
    if (out_file_create(&w->file, path.data, err) < 0 || out_file_append(&w->file, &no_metas, 1, err) < 0) {
        lmdb_abandon(w);
        return NULL;
    }
    return w;
}

void lmdb_abandon(struct lmdb_writer *w)
{
    if (!w)
        return;
    out_file_abandon(&w->file);
    for (int i = 0; i < LEVELS_MAX; i++)
        free(w->levels[i]);
    free(w);
}

/* Appends n pages that begin with a head and hold `data`. */
static int put_pages(struct lmdb_writer *w, const struct page_head *head, const uint8_t *data, size_t len, uint64_t n,
                     struct err *err)
{
    static const uint8_t zeros[PAGE];
    const struct iovec parts[] = { { (void *)head, sizeof *head }, { (void *)data, len }, { (void *)zeros, (size_t)n * PAGE - sizeof *head - len } };

    if (out_file_append(&w->file, parts, ARRAY_LEN(parts), err) < 0)
        return -1;
    w->next += n;
    return 0;
}

/* --- the tree --- */

static struct page_head *head_of(struct level *l) { return (struct page_head *)(void *)l->page; }

static uint16_t *offsets_of(struct level *l) { return (uint16_t *)(void *)(l->page + sizeof(struct page_head)); }

static unsigned nodes_of(struct level *l) { return (head_of(l)->lower - (unsigned)sizeof(struct page_head)) / 2; }

static void empty(struct level *l, int flags)
{
    *head_of(l) = (struct page_head){ .flags = (uint16_t)flags, .lower = sizeof(struct page_head), .upper = PAGE };
}

static struct level *level_at(struct lmdb_writer *w, int i)
{
    assert(i < LEVELS_MAX);
    if (!w->levels[i]) {
        w->levels[i] = xcalloc(1, sizeof *w->levels[i]);
        empty(w->levels[i], i == 0 ? PAGE_LEAF : PAGE_BRANCH);
    }
    return w->levels[i];
}

static size_t even(size_t n) { return n + n % 2; }

static bool has_room(struct level *l, size_t size) { return even(size) + sizeof(uint16_t) <= (size_t)(head_of(l)->upper - head_of(l)->lower); }

/* Adds a node of `size` bytes, and returns where it is to be written. */
static uint8_t *add_node(struct level *l, const void *key, size_t n_key, size_t size)
{
    struct page_head *h = head_of(l);

    if (nodes_of(l) == 0) {
        memcpy(l->first, key, n_key);
        l->n_first = n_key;
    }
    h->upper = (uint16_t)(h->upper - even(size));
    offsets_of(l)[nodes_of(l)] = h->upper;
    h->lower = (uint16_t)(h->lower + sizeof(uint16_t));
    return l->page + h->upper;
}

static void add_branch(struct level *l, const void *key, size_t n_key, uint64_t page)
{
    struct node node = { .low = (uint16_t)page, .high = (uint16_t)(page >> 16), .flags = (uint16_t)(page >> 32),
                         .n_key = nodes_of(l) == 0 ? 0 : (uint16_t)n_key };
    uint8_t *to = add_node(l, key, n_key, sizeof node + node.n_key);

    memcpy(to, &node, sizeof node);
    memcpy(to + sizeof node, key, node.n_key);
}

static int write_level(struct lmdb_writer *w, struct level *l, uint64_t *ret_page, struct err *err)
{
    struct page_head *h = head_of(l);

    h->number = w->next;
    *ret_page = w->next;
    *(h->flags == PAGE_LEAF ? &w->tree.n_leaves : &w->tree.n_branches) += 1;
    memset(l->page + h->lower, 0, (size_t)(h->upper - h->lower));
    return put_pages(w, h, l->page + sizeof *h, PAGE - sizeof *h, 1, err);
}

/* Takes the last node of a branch away. */
static uint64_t drop_last(struct level *l, uint8_t *key, size_t *ret_n_key)
{
    struct page_head *h = head_of(l);
    const uint8_t *at = l->page + h->upper;
    struct node node;

    memcpy(&node, at, sizeof node);
    memcpy(key, at + sizeof node, node.n_key);
    *ret_n_key = node.n_key;
    h->upper = (uint16_t)(h->upper + even(sizeof node + node.n_key));
    h->lower = (uint16_t)(h->lower - sizeof(uint16_t));
    return node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32;
}

/* Puts a page that was written into the tree, at `level`. A branch must have two pages below it at least, so that a new one
 * begins with the last of the one before. */
static int add_page(struct lmdb_writer *w, int level, const uint8_t *first, size_t n_first, uint64_t page, struct err *err)
{
    struct level *l = level_at(w, level);
    uint8_t key[LMDB_KEY_MAX];
    uint64_t written, last;
    size_t n_key;

    if (has_room(l, sizeof(struct node) + n_first)) {
        add_branch(l, first, n_first, page);
        return 0;
    }
    last = drop_last(l, key, &n_key);
    if (write_level(w, l, &written, err) < 0 || add_page(w, level + 1, l->first, l->n_first, written, err) < 0)
        return -1;
    empty(l, PAGE_BRANCH);
    add_branch(l, key, n_key, last);
    add_branch(l, first, n_first, page);
    return 0;
}

static int end_leaf(struct lmdb_writer *w, struct level *l, struct err *err)
{
    uint64_t page;

    if (write_level(w, l, &page, err) < 0 || add_page(w, 1, l->first, l->n_first, page, err) < 0)
        return -1;
    empty(l, PAGE_LEAF);
    return 0;
}

/* Returns the number of the first of the pages that hold the data, through ret. */
static int write_big(struct lmdb_writer *w, const uint8_t *data, size_t len, uint64_t *ret, struct err *err)
{
    size_t n = (sizeof(struct page_head) + len + PAGE - 1) / PAGE;
    struct page_head head = { .number = w->next, .flags = PAGE_OVERFLOW, .n_pages = (uint32_t)n };

    *ret = w->next;
    w->tree.n_overflow += n;
    return put_pages(w, &head, data, len, n, err);
}

static bool ascends(struct lmdb_writer *w, const void *key, size_t n_key)
{
    int order = memcmp(w->last, key, w->n_last < n_key ? w->n_last : n_key);
    bool result = order < 0 || (order == 0 && w->n_last < n_key);

    memcpy(w->last, key, n_key);
    w->n_last = n_key;
    return result;
}

int lmdb_write(struct lmdb_writer *w, const void *key, size_t n_key, const uint8_t *data, size_t len, struct err *err)
{
    bool is_big = sizeof(struct node) + n_key + len > NODE_IN_PAGE_MAX;
    struct node node = { .low = (uint16_t)len, .high = (uint16_t)(len >> 16), .flags = is_big ? NODE_BIG_DATA : 0,
                         .n_key = (uint16_t)n_key };
    size_t size = sizeof node + n_key + (is_big ? sizeof(uint64_t) : len);
    struct level *l = level_at(w, 0);
    uint64_t page;
    uint8_t *to;

    assert(n_key > 0 && n_key <= LMDB_KEY_MAX && len <= UINT32_MAX);
    if (!ascends(w, key, n_key))
        return err_set(err, ERR_INTERNAL, "the keys of %s do not ascend", w->file.path);
    if (!has_room(l, size) && end_leaf(w, l, err) < 0)
        return -1;
    if (is_big && write_big(w, data, len, &page, err) < 0)
        return -1;

    to = add_node(l, key, n_key, size);
    memcpy(to, &node, sizeof node);
    memcpy(to + sizeof node, key, n_key);
    memcpy(to + sizeof node + n_key, is_big ? (const uint8_t *)&page : data, is_big ? sizeof page : len);
    w->tree.n_records++;
    return 0;
}

/* --- the end --- */

/* What is left of each level, upwards; the last one written is the root. */
static int write_levels(struct lmdb_writer *w, struct err *err)
{
    for (int i = 0; i < LEVELS_MAX && w->levels[i]; i++) {
        struct level *l = w->levels[i];

        if (write_level(w, l, &w->tree.root, err) < 0)
            return -1;
        w->tree.depth = (uint16_t)(i + 1);
        if (i + 1 < LEVELS_MAX && w->levels[i + 1] && add_page(w, i + 1, l->first, l->n_first, w->tree.root, err) < 0)
            return -1;
    }
    return 0;
}

/* The first says what was before the transaction, the second what is after it: the newer one counts. */
static int write_metas(struct lmdb_writer *w, struct err *err)
{
    const struct tree none = { .page_size = PAGE, .flags = FREE_PAGES_FLAGS, .root = no_page };
    uint64_t map_size = (w->next * PAGE / MAP_STEP + 1) * MAP_STEP;
    struct { struct meta meta; uint8_t rest[PAGE - sizeof(struct meta)]; } pages[FIRST_PAGE] = {0};

    for (int i = 0; i < FIRST_PAGE; i++)
        pages[i].meta = (struct meta){
            .head = { .number = (uint64_t)i, .flags = PAGE_META }, .magic = 0xBEEFC0DE, .version = 1, .map_size = map_size,
            .trees = { [FREE_PAGES] = none, [RECORDS] = i == 0 ? (struct tree){ .root = no_page } : w->tree },
            .last_page = i == 0 ? FIRST_PAGE - 1 : w->next - 1, .transaction = (uint64_t)i,
        };
    return out_file_replace(&w->file, 0, pages, sizeof pages, err);
}

int lmdb_close(struct lmdb_writer *w, struct err *err)
{
    int result = -1;

    if (write_levels(w, err) == 0 && write_metas(w, err) == 0)
        result = out_file_close(&w->file, err);
    lmdb_abandon(w);
    return result;
}
