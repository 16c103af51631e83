// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How much of what a function does is done by which of its parameters: F. Hutter, H. Hoos, K.
 * Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014. A forest is
 * grown on what is known of the function; of each tree the variance over the whole space is exact, and
 * so are the parts that one parameter alone (its main effect) and two together beyond their main effects
 * (their interaction) have in it: sums over the boxes of the leaves. The result is the mean over the
 * trees. Pure; the same input gives the same output.
 *
 * Deviations:
 * - A tree sees FANOVA_SAMPLE rows at most, fewer of many columns, drawn anew for each tree, so that the
 *   work is bounded: 10,000 rows of 50 columns take half a second.
 * - Interactions are worked out between the FANOVA_STRONGEST parameters whose splits explain most.
 * - Leaves have at least three rows where there are many: single rows are noise. */

#include "search/insight/tree.h"

struct mem;

enum {
    FANOVA_TREES     = 32,
    FANOVA_SAMPLE    = 2048,
    FANOVA_NUMBERS   = 75000,   /* rows times columns of a sample, but */
    FANOVA_LEAST     = 512,     /* rows at least */
    FANOVA_STRONGEST = 8,
    FANOVA_PAIRS_MAX = FANOVA_STRONGEST * (FANOVA_STRONGEST - 1) / 2,
    FANOVA_POINTS    = 33,      /* of a marginal over numbers: u = 0, 1/32 ... 1 */
};

struct fanova_pair {
    int a, b;                   /* columns, a < b */
    double share;
};

struct fanova_curve {           /* the mean over all other parameters, at each point or category */
    int n;
    double *mean, *sd;          /* [n] over the trees */
};

struct fanova {                 /* shares are of the variance: all and `rest` add up to 1 */
    double *main;               /* [d] */
    struct fanova_pair pairs[FANOVA_PAIRS_MAX];     /* the strongest first */
    int n_pairs;
    double rest;                /* of all other interactions */
    struct fanova_curve *marginal;  /* [d] */
};

/* Everything is in `mem`. False: y does not vary, and nothing is explained by anything. */
bool fanova(const struct tree_data *data, uint64_t seed, struct mem *mem, struct fanova *ret);

/* Of one tree: its variance, and the parts of it. For fanova() and its tests. */
struct tree_parts {
    double mean, variance;
    double *main;               /* [d] */
    double *pairs;              /* [n_pairs] as asked for */
    double *marginal;           /* [d × FANOVA_POINTS or TREE_CHOICES_MAX], the larger */
};

enum { MARGINAL_STRIDE = TREE_CHOICES_MAX };

void tree_take_apart(const struct tree *t, const int *choices, const struct fanova_pair *pairs, int n_pairs,
                     struct mem *mem, struct tree_parts *ret);
