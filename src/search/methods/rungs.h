// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Trials that climb: each point starts with little of a resource, and the best of a rung go on to the
 * next one with more. What Hyperband, Bohb and Asha share. Pure.
 *
 * A climber is one trial: a point at one rung. Its point's next trial is another climber. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct climber {
    int64_t trial;
    int bracket, rung;
    double y;               /* lower is better; NaN: failed, or not ended */
    bool ended, promoted;
    double cube[];          /* [n_dims] */
};

struct rung {
    int64_t resource;
    int64_t planned;        /* climbers in all; INT64_MAX: any number */
    int64_t n_entered;
    struct climber **ended; /* best first, by trial when equal; failed ones last */
    size_t n_ended, n_valued, room;
};

/* All climbers of a search, by number of trial. Owns them. */
struct climbers {
    struct climber **items; /* [room], NULL where there is none */
    size_t room;
    int64_t n_open;         /* entered, not ended */
};

void climbers_done(struct climbers *c);
struct climber *climbers_find(const struct climbers *c, int64_t trial); /* NULL: none */

/* A trial that was suggested for this rung. `parent` (may be NULL) counts as promoted. */
struct climber *climbers_enter(struct climbers *c, struct rung *r, int64_t trial, const double *cube, int n_dims,
                               struct climber *parent);

/* It ended, with y or NaN. A second time changes nothing. */
void climber_end(struct climbers *c, struct rung *r, struct climber *climber, double y);

void rung_done(struct rung *r);

/* The best of the first `n_best` of those that ended that was not promoted; NULL: none. */
struct climber *rung_next(const struct rung *r, int64_t n_best);

/* The resources of n rungs below and with `most`: most / eta^k, rounded, at least `least`, each more than the one before: a
 * promotion to the same would be the same trial again. n is at most rungs_climbs() + 1. */
void rungs_resources(int n, double eta, int64_t least, int64_t most, int64_t *ret);

/* floor(log_eta(most / least)), or as many as there are whole numbers: how many times a climber can be promoted. */
int rungs_climbs(double eta, int64_t least, int64_t most);
