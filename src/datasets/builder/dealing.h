// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Deals records out to training, validation and test data, in one pass over them and in constant memory: the parts get
 * exactly the percentages (a half is rounded up), and each keeps the order that the records have. The same orders give the
 * same parts. */

#include <stdbool.h>
#include <stdint.h>

#include "datasets/builder/orders.h"

/* What is left to be dealt of one class, or of all records where classes do not matter. */
struct share {
    int64_t left[N_SPLITS];
};

struct dealing {
    bool in_order;                  /* the first are for training, the next for validation, the last for tests */
    int64_t val_percentage, test_percentage;
    uint64_t random;                /* state */
};

/* By the orders' percentages and way to split. */
void dealing_init(struct dealing *d, const struct orders *o);

/* Whether all is for training. */
bool dealing_keeps_all(const struct dealing *d);

/* The share for n records. */
struct share dealing_share(const struct dealing *d, int64_t n);

/* Where the next record of a share goes; at most as often as it has records. */
enum split dealing_next(struct dealing *d, struct share *s);
