// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The median rule: a running trial whose best objective so far is worse than the median of the running
 * averages that the trials that ended well had at the same step is not worth going on with. Pure.
 *
 * Source: D. Golovin, B. Solnik, S. Moitra, G. Kochanski, J. Karro, D. Sculley, "Google Vizier: a
 * service for black-box optimization", KDD 2017, section 3.2.2. Deviation: a curve of more than
 * EARLY_POINTS_MAX points is thinned to every second one, and the last EARLY_CURVES_MAX trials count. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EARLY_POINTS_MAX = 256, EARLY_CURVES_MAX = 1000 };

struct early_curve {    /* one trial's objective by step; start as {0} with minimize set */
    char *exec;         /* id of its task, by which late points find it; owned, may be NULL */
    bool minimize;
    int source;         /* the caller's: of which of several series these points are */
    double *step;       /* [n] rising */
    double *average;    /* [n] of all values up to there */
    int n, room;
    int64_t n_values;   /* seen */
    double sum, best;
};

void early_curve_done(struct early_curve *c);

/* A value at a step; NaN: the number of the value. Values that are not finite are passed over, and so
 * are steps that do not rise. */
void early_curve_add(struct early_curve *c, double step, double value);

struct early {          /* what the rule knows; start as {0} */
    struct early_curve *curves;     /* of trials that ended well, in the order they ended */
    int n, room;
};

void early_done(struct early *e);

/* A trial ended well; takes the curve over. An empty one counts once points have come. */
void early_ended(struct early *e, struct early_curve *curve);
struct early_curve *early_find(const struct early *e, const char *exec); /* NULL: none */

/* Whether to stop the trial with this curve. Never before `min_trials` others have ended that had
 * come as far as its first point, nor before it has `min_steps` values. */
bool early_hopeless(const struct early *e, const struct early_curve *curve, int64_t min_trials, int64_t min_steps);
