// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The brackets of Hyperband: which point runs next, and with how much. Pure.
 *
 * Source: L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, "Hyperband: a novel
 * bandit-based approach to hyperparameter optimization", JMLR 18, 2018, algorithm 1:
 *
 *   s_max = floor(log_eta(R / r)),  for s = s_max, ..., 0:
 *     n = ceil((s_max + 1) / (s + 1) eta^s) points begin with R eta^-s; then for i = 0, ..., s
 *     n_i = floor(n eta^-i) points get r_i = R eta^(i - s), and the best n_i / eta of them go on
 *
 * Two things are done as early as they are certain and change no result: a point goes on as soon as
 * those that have not ended in its rung cannot push it out, and while a rung is being waited for
 * the next bracket begins. A failed trial never goes on; a rung may then have fewer points. */

#include "search/methods/rungs.h"

struct bracket {
    int n_rungs;
    struct rung *rungs; /* [n_rungs] */
};

struct brackets {
    double eta;
    int64_t least, most;    /* r and R */
    bool endless;           /* after the last bracket the first one again */
    int n_dims;
    struct bracket *items;  /* those begun, in order; s_max + 1 of them are one pass */
    int n, n_over;          /* the first n_over have nothing left to run */
    struct climbers climbers;
};

void brackets_init(struct brackets *b, double eta, int64_t least, int64_t most, bool endless, int n_dims);
void brackets_done(struct brackets *b);

int64_t brackets_planned(const struct brackets *b); /* trials of one pass */

enum next_kind { NEXT_END, NEXT_NEW, NEXT_PROMOTION, NEXT_LATER };

struct next {
    enum next_kind kind;
    struct climber *parent; /* of NEXT_PROMOTION */
    int64_t resource;       /* of NEXT_NEW and NEXT_PROMOTION */
};

/* What the next trial is. It counts once it is entered. */
struct next brackets_next(struct brackets *b);

/* A trial was suggested: now, or in an earlier life. `parent` INT_UNSET: a new point. Does nothing
 * when it is known. */
void brackets_enter(struct brackets *b, int64_t trial, const double *cube, int64_t resource, int64_t parent);

void brackets_end(struct brackets *b, int64_t trial, double y); /* NaN: it failed */
