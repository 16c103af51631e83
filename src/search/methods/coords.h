// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A search space as a model sees it. Pure.
 *
 * A point is d numbers, one for each parameter that has more than one value. A range is a number in
 * [0, 1), the same as in the unit cube, but always that of a value that can occur: whole numbers
 * and steps are seen at the middle of their share, rounded powers where the rounded value lies. A
 * discrete parameter is the index of its choice. */

#include "base/cleanup.h"
#include "search/space.h"

struct coords {
    const struct space *space; /* outlives this */
    int d;
    int *dim;       /* [d] position in the space */
    bool *category; /* [d] */
};

struct coords *coords_new(const struct space *space);
void coords_free(struct coords *c); /* NULL is fine */
DEFINE_FREEP(coords)

void coords_from_cube(const struct coords *c, const double *cube, double *ret_x);
void coords_to_cube(const struct coords *c, const double *x, double *ret_cube);

/* x [d] or any numbers near: moved to the nearest value that can occur. */
void coords_snap(const struct coords *c, double *x);

/* How many values parameter i has; 0 when too many to look at singly. */
int64_t coords_values(const struct coords *c, int i);

/* How many parameters are numbers, not categories. */
int coords_numbers(const struct coords *c);
