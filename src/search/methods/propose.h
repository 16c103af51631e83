// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The point of the largest expected improvement under a Gaussian process, as far as a bounded
 * effort finds it. Pure: the same arguments give the same point. */

#include "search/methods/coords.h"

struct gp;

enum { PROPOSE_INCUMBENTS = 5 };

struct propose {
    const struct coords *coords;
    const struct gp *gp; /* with targets; pending trials among its points */
    double best;         /* the target to improve on */
    double box;          /* width of the region around the best trial that is looked at, as part of each
                          * range and for a parameter of average length; 0: the whole cube */
    bool climb;          /* from the best candidates by gradient */
    const double *incumbents[PROPOSE_INCUMBENTS]; /* best first */
    int n_incumbents;                             /* from 1 */
    uint64_t seed;
    int64_t trial;
    int64_t cube_size;                         /* points of the candidate set, from 1 */
    bool (*taken)(void *arg, const double *x); /* was x tried, or is it pending? */
    void *arg;
};

/* Fills x [d], a value that can occur and is not taken. When everything that was looked at is
 * taken, x is a random point. */
void propose(const struct propose *p, double *ret_x);
