// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a model is told of trials that failed, or whose value is so bad that they as good as failed. Pure.
 *
 * Where the neighbours of such trials are such more often than those of others, the place is bad (a rate that diverges, a
 * batch that does not fit), and a failed one counts as the worst value. Otherwise chance ended them (a machine that went
 * away, an unlucky seed), and each counts as its nearest neighbour among the others: a bad value would drive the search
 * away from the best trials it has. Of fewer than FAILURES_LEAST nothing can be said; that is the place, then. */

#include "search/methods/history.h"

enum { FAILURES_LEAST = 3 };

/* Of points [n] of d coordinates: y [n], lower is better, NaN where one failed, and from `far` on as good as failed
 * (HUGE_VAL: none). Fills in what failed, and what is far where that is chance. All are 0 when all failed. O(n^2 d) where
 * some failed or are far. */
void failures_fill(struct point *const *points, size_t n, int d, const bool *category, double far, double *y);
