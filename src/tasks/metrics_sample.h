// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Fewer points of a series that look the same on a screen. The first and the last point are kept;
 * those between are cut into (n_wanted - 2) / 2 runs of equal length, and of each run the lowest
 * and the highest point are kept, in their order: no spike is lost, as it would be by averaging or
 * by taking every k-th. This is the min/max part of M4 (Jugel et al., VLDB 2014, section 4). One
 * pass, constant memory. Pure. */

#include "tasks/metrics_store.h"

struct sampler {
    int64_t n_total, n_wanted;      /* points that will come; wanted, from 4 */
    int64_t i;                      /* how many have come */
    int64_t run;                    /* the present run */
    struct metric_row low, high;    /* of the present run; their n is the order of arrival */
    bool open;                      /* the run has a point */
    metric_each_fn *keep;
    void *arg;
};

void sampler_start(struct sampler *s, int64_t n_total, int64_t n_wanted, metric_each_fn *keep,
                   void *arg);
void sampler_add(struct sampler *s, const struct metric_row *row);      /* calls keep() in order */
