// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a search has tried, ready to be drawn: the members of the replies, each with a comma before it,
 * and the tables behind the API page. Pure. */

#include "search/insight/tried.h"

/* The best metric so far, over the experiments in the order they ended: those that were better than all
 * before them, and the last; or, with `all`, every one. Sorts the table. */
void curve_write(struct tried *t, int64_t created_ms, bool all, struct text *out);
extern const struct field curve_fields[];

/* Axes, and a row for each experiment, best first: when there are more than `most`, the best half of
 * that, and the rest spread evenly over the other ranks. Sorts the table. */
void coordinates_write(struct tried *t, size_t most, struct text *out);
extern const struct field coordinates_fields[];
