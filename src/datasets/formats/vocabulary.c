// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/vocabulary.h"

#include "base/mem.h"
#include "datasets/formats/names.h"

#include <string.h>

struct vocabulary {
    struct names *words;
    int64_t *counts;                /* [cap] of each word */
    size_t cap, limit;
};

struct counted {
    const char *word;
    int64_t count;
};

struct vocabulary *vocabulary_new(size_t limit)
{
    struct vocabulary *v = xcalloc(1, sizeof *v);

    v->words = names_new();
    v->limit = limit;
    return v;
}

void vocabulary_free(struct vocabulary *v)
{
    if (!v)
        return;
    names_free(v->words);
    free(v->counts);
    free(v);
}

/* Forgets words below a count that grows until at most half of the limit are left. */
static void forget_rare(struct vocabulary *v)
{
    for (int64_t least = 2; names_count(v->words) > v->limit / 2; least *= 2) {
        struct names *kept = names_new();
        size_t n = 0;

        for (size_t i = 0; i < names_count(v->words); i++) {
            const char *word = names_text(v->words, i);

            if (v->counts[i] < least)
                continue;
            names_add(kept, word, strlen(word));
            v->counts[n++] = v->counts[i];
        }
        names_free(v->words);
        v->words = kept;
    }
}

void vocabulary_count(struct vocabulary *v, const char *word, size_t len)
{
    size_t before = names_count(v->words);
    size_t number = names_add(v->words, word, len);

    if (number < before) {
        v->counts[number]++;
        return;
    }
    if (number == v->cap) {
        v->cap = v->cap ? v->cap * 2 : 1024;
        v->counts = xrealloc(v->counts, v->cap * sizeof *v->counts);
    }
    v->counts[number] = 1;
    if (number + 1 > v->limit)
        forget_rare(v);
}

static int by_rank(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->word, y->word);
}

void vocabulary_rank(struct vocabulary *v, size_t max)
{
    size_t n = names_count(v->words);
    struct counted *all = xcalloc(n + 1, sizeof *all);
    struct names *ranked = names_new();

    for (size_t i = 0; i < n; i++)
        all[i] = (struct counted){ names_text(v->words, i), v->counts[i] };
    qsort(all, n, sizeof *all, by_rank);
    names_add(ranked, "<pad>", 5);
    names_add(ranked, "<unk>", 5);
    for (size_t i = 0; i < n && i < max; i++)
        names_add(ranked, all[i].word, strlen(all[i].word));
    free(all);
    names_free(v->words);
    v->words = ranked;
}

size_t vocabulary_size(const struct vocabulary *v) { return names_count(v->words); }
const char *vocabulary_word(const struct vocabulary *v, size_t number) { return names_text(v->words, number); }

size_t vocabulary_number(const struct vocabulary *v, const char *word, size_t len)
{
    int64_t number = names_find(v->words, word, len);

    return number < 0 ? VOCABULARY_UNKNOWN : (size_t)number;
}
