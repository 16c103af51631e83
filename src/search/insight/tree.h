// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A regression tree as the boxes of its leaves: L. Breiman, J. Friedman, R. Olshen, C. Stone,
 * "Classification and regression trees", 1984, on a bootstrap sample with random columns left out of
 * each split (Breiman, "Random forests", 2001). Pure. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TREE_CHOICES_MAX = 64,  /* categories of one column */
    TREE_DEPTH_MAX   = 64,
};

struct tree_data {
    size_t n;
    int d;
    const int *choices;     /* [d] 0: numbers in [0, 1]; otherwise categories 0 .. choices - 1 */
    const double *x;        /* [d × n], column after column */
    const double *y;        /* [n] finite */
};

struct tree_setup {
    uint64_t seed;
    uint32_t number;        /* of the tree: another sample, other splits */
    size_t sample;          /* rows drawn with replacement; at least 1 */
    size_t leaf;            /* rows of a leaf, at least */
};

struct tree {
    int d;
    size_t n_leaves, cap;
    double *value;          /* [n_leaves] mean of y */
    double *lo, *hi;        /* [n_leaves × d] numbers from lo up to, but without, hi */
    uint64_t *mask;         /* [n_leaves × d] categories, a bit each; the boxes fill the space without overlap */
    double *gain;           /* [d] what the splits of a column took off the sum of squares */
};

struct tree *tree_grow(const struct tree_data *data, const struct tree_setup *setup);
void tree_free(struct tree *t); /* NULL is fine */
DEFINE_FREEP(tree)

/* The value at a point [d]; 1.0 belongs to the last box. */
double tree_at(const struct tree *t, const int *choices, const double *x);
