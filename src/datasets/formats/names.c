// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/names.h"

#include "base/mem.h"

#include <string.h>

struct name {
    const char *text;
    size_t len;
    uint64_t hash;
};

struct names {
    struct mem *mem;
    struct name *items;             /* [n] */
    size_t n, cap;
    uint32_t *slots;                /* [n_slots] number + 1, 0 where free; a power of two, at most three quarters full */
    size_t n_slots;
};

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *name, size_t len)
{
    uint64_t h = 0xcbf29ce484222325;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)name[i]) * 0x100000001b3;
    return h ^ h >> 32;
}

struct names *names_new(void)
{
    struct names *n = xcalloc(1, sizeof *n);

    n->mem = mem_new();
    n->n_slots = 64;
    n->slots = xcalloc(n->n_slots, sizeof *n->slots);
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    mem_free(n->mem);
    free(n->items);
    free(n->slots);
    free(n);
}

size_t names_count(const struct names *n) { return n->n; }
const char *names_text(const struct names *n, size_t number) { return n->items[number].text; }

/* Where a name is, or the free place where it would be. */
static uint32_t *slot_of(const struct names *n, const char *name, size_t len, uint64_t hash)
{
    for (size_t i = hash & (n->n_slots - 1);; i = (i + 1) & (n->n_slots - 1)) {
        const struct name *there;

        if (!n->slots[i])
            return &n->slots[i];
        there = &n->items[n->slots[i] - 1];
        if (there->hash == hash && there->len == len && memcmp(there->text, name, len) == 0)
            return &n->slots[i];
    }
}

static void fill_slots(struct names *n)
{
    memset(n->slots, 0, n->n_slots * sizeof *n->slots);
    for (size_t i = 0; i < n->n; i++)
        *slot_of(n, n->items[i].text, n->items[i].len, n->items[i].hash) = (uint32_t)(i + 1);
}

static void make_room(struct names *n)
{
    if (n->n == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 48;
        n->items = xrealloc(n->items, n->cap * sizeof *n->items);
    }
    if (n->n + 1 > n->n_slots / 4 * 3) {
        n->n_slots *= 2;
        n->slots = xrealloc(n->slots, n->n_slots * sizeof *n->slots);
        fill_slots(n);
    }
}

size_t names_add(struct names *n, const char *name, size_t len)
{
    uint64_t hash = hash_of(name, len);
    uint32_t *slot = slot_of(n, name, len, hash);

    if (*slot)
        return *slot - 1;
    make_room(n);
    n->items[n->n] = (struct name){ mem_strndup(n->mem, name, len), len, hash };
    *slot_of(n, name, len, hash) = (uint32_t)++n->n;
    return n->n - 1;
}

int64_t names_find(const struct names *n, const char *name, size_t len)
{
    return (int64_t)*slot_of(n, name, len, hash_of(name, len)) - 1;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

void names_sort(struct names *n)
{
    if (n->n > 0)
        qsort(n->items, n->n, sizeof *n->items, by_bytes);
    fill_slots(n);
}
