// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Which records go to training, validation and tests when percentages are asked for, and in which order records are
 * written. The same seed gives the same, on every machine. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/orders.h"

/*   hold-out     each class is shuffled, and its shares are rounded to whole records
 *   stratified   the same, and what rounding left over goes to the classes that lost most by it, so that the shares of
 *                the whole are exact
 *   random       all are shuffled, whatever their class
 *   sequential   nothing is shuffled: the first are for training, the next for validation, the last for tests */
enum share_rule { SHARE_HOLD_OUT, SHARE_STRATIFIED, SHARE_RANDOM, SHARE_SEQUENTIAL };

/* -1 for another word. */
int share_rule_of(const char *word);

struct shares {
    enum share_rule rule;
    int val_percentage, test_percentage;        /* at most 100 together */
    uint64_t seed;
};

/* Sets ret[i] (an enum split) for each of n records. labels[i] is below n_labels; labels may be NULL: one class. */
void shares_assign(const struct shares *s, const int32_t *labels, size_t n, size_t n_labels, uint8_t *ret);

/* Shuffles n numbers. */
void shares_shuffle(uint64_t seed, uint32_t *items, size_t n);
