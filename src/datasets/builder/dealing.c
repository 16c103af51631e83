// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/dealing.h"

#include <assert.h>
#include <string.h>

void dealing_init(struct dealing *d, const struct orders *o)
{
    *d = (struct dealing){
        .in_order = strcmp(o->image.split, "sequential") == 0,
        .val_percentage = o->image.val_percentage,
        .test_percentage = o->image.test_percentage,
        .random = (uint64_t)o->seed,
    };
}

bool dealing_keeps_all(const struct dealing *d) { return d->val_percentage + d->test_percentage == 0; }

struct share dealing_share(const struct dealing *d, int64_t n)
{
    int64_t val = (n * d->val_percentage + 50) / 100;
    int64_t test = (n * d->test_percentage + 50) / 100;

    if (test > n - val)
        test = n - val;
    return (struct share){ .left = { [SPLIT_TRAIN] = n - val - test, [SPLIT_VAL] = val, [SPLIT_TEST] = test } };
}

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Selection sampling (Knuth, volume 2, algorithm 3.4.2 S) for three parts at once: a record goes to each with the
 * probability of what that one still needs among all that are left. */
enum split dealing_next(struct dealing *d, struct share *s)
{
    int64_t all = s->left[SPLIT_TRAIN] + s->left[SPLIT_VAL] + s->left[SPLIT_TEST];
    int64_t at = d->in_order ? 0 : (int64_t)((unsigned __int128)random_next(&d->random) * (uint64_t)all >> 64);
    int split = SPLIT_TRAIN;

    assert(all > 0);
    while (at >= s->left[split])
        at -= s->left[split++];
    s->left[split]--;
    return split;
}
