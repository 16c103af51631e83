// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/shares.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <string.h>

int share_rule_of(const char *word)
{
    static const char *const words[] = { "hold-out", "stratified", "random", "sequential" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (int)i;
    return -1;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

void shares_shuffle(uint64_t seed, uint32_t *items, size_t n)
{
    uint64_t state = seed;

    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)((unsigned __int128)next_random(&state) * i >> 64);
        uint32_t item = items[j];

        items[j] = items[i - 1];
        items[i - 1] = item;
    }
}

/* Records of one class, and how many of them go where. */
struct group {
    size_t begin, n, val, test;
    size_t val_lost, test_lost;         /* hundredths that rounding down took */
};

static void add_lost(struct group *groups, size_t n_groups, size_t n_left, size_t offset, size_t lost_offset)
{
    for (; n_left > 0; n_left--) {
        struct group *best = NULL;

        for (size_t g = 0; g < n_groups; g++) {
            size_t lost = *(size_t *)(void *)((char *)&groups[g] + lost_offset);

            if (groups[g].val + groups[g].test < groups[g].n &&
                (!best || lost > *(size_t *)(void *)((char *)best + lost_offset)))
                best = &groups[g];
        }
        if (!best)
            return;
        *(size_t *)(void *)((char *)best + offset) += 1;
        *(size_t *)(void *)((char *)best + lost_offset) = 0;
    }
}

static size_t rounded(size_t n, int percentage) { return (n * (size_t)percentage + 50) / 100; }

static void count_exact(const struct shares *s, struct group *groups, size_t n_groups, size_t n)
{
    size_t val = rounded(n, s->val_percentage), test = rounded(n, s->test_percentage);

    for (size_t g = 0; g < n_groups; g++) {
        size_t v = groups[g].n * (size_t)s->val_percentage, t = groups[g].n * (size_t)s->test_percentage;

        groups[g].val = v / 100, groups[g].val_lost = v % 100;
        groups[g].test = t / 100, groups[g].test_lost = t % 100;
        val -= groups[g].val, test -= groups[g].test;
    }
    add_lost(groups, n_groups, val, offsetof(struct group, val), offsetof(struct group, val_lost));
    add_lost(groups, n_groups, test, offsetof(struct group, test), offsetof(struct group, test_lost));
}

static void count_rounded(const struct shares *s, struct group *g)
{
    g->val = rounded(g->n, s->val_percentage);
    g->test = rounded(g->n, s->test_percentage);
    if (g->val + g->test > g->n)
        g->test = g->n - g->val;
}

static void deal(const struct shares *s, const struct group *g, uint32_t *items, uint64_t number, uint8_t *ret)
{
    size_t train = g->n - g->val - g->test;

    if (s->rule != SHARE_SEQUENTIAL)
        shares_shuffle(s->seed + number * 0xD1B54A32D192ED03u, items, g->n);
    for (size_t i = 0; i < g->n; i++)
        ret[items[i]] = i < train ? SPLIT_TRAIN : i < train + g->val ? SPLIT_VAL : SPLIT_TEST;
}

void shares_assign(const struct shares *s, const int32_t *labels, size_t n, size_t n_labels, uint8_t *ret)
{
    bool by_class = labels && (s->rule == SHARE_HOLD_OUT || s->rule == SHARE_STRATIFIED);
    size_t n_groups = by_class ? n_labels : 1;
    CLEANUP(freep) struct group *groups = xcalloc(n_groups + 1, sizeof *groups);
    CLEANUP(freep) uint32_t *items = xcalloc(n + 1, sizeof *items);
    CLEANUP(freep) size_t *at = xcalloc(n_groups + 1, sizeof *at);

    for (size_t i = 0; i < n; i++)
        groups[by_class ? labels[i] : 0].n++;
    for (size_t g = 0; g < n_groups; g++) {
        at[g] = groups[g].begin;
        groups[g + 1].begin = groups[g].begin + groups[g].n;
    }
    for (size_t i = 0; i < n; i++)
        items[at[by_class ? labels[i] : 0]++] = (uint32_t)i;

    if (s->rule == SHARE_STRATIFIED)
        count_exact(s, groups, n_groups, n);
    for (size_t g = 0; g < n_groups; g++) {
        if (s->rule != SHARE_STRATIFIED)
            count_rounded(s, &groups[g]);
        deal(s, &groups[g], items + groups[g].begin, g, ret);
    }
}
