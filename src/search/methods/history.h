// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a model-based algorithm was told, in an order that does not depend on when: by number of
 * trial. Points that nobody asked for (negative numbers) stand where they arrived. Pure. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct point {
    int64_t trial;
    double y;    /* lower is better; NaN: failed, or without a usable value */
    bool chosen; /* scratch of history_select() */
    double x[];  /* [d] */
};

struct points {
    struct point **items;
    size_t n, room;
};

struct history {
    int d;
    struct points told;    /* by number of trial */
    struct points ranked;  /* the same, best first; failed ones last */
    struct points pending; /* by number of trial */
    size_t n_valued;       /* told ones that have a y */
};

void history_done(struct history *h);

/* A trial was suggested, or is known to be under way. A second time changes nothing. */
void history_ask(struct history *h, int64_t trial, const double *x);

/* A trial ended. Returns its position in `told`, or -1 when it had been told before (from trial 0
 * on), which changes nothing. */
ptrdiff_t history_tell(struct history *h, int64_t trial, const double *x, double y);

/* The median y of those of the first n_first told points that have one; NaN when none has. */
double history_median(const struct history *h, size_t n_first);

/* Was x told, or is it pending? */
bool history_has(const struct history *h, const double *x);

/* At most `most` of the first n_first told points, in their order: the better half of `most` by
 * value, and the rest spread evenly over the others. ret has room for `most`; returns how many. */
size_t history_select(struct history *h, size_t n_first, size_t most, struct point **ret);
