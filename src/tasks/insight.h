// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Insight: what a task's own output says about it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"

struct err;
struct mem;

enum { INSIGHT_FILE_MAX = 64 << 20 };   /* bytes of a metrics file that are read; a larger one is refused */

struct insight_metric {         /* a metric over all entries of a finished task's metrics file */
    const char *name;           /* set by the caller */
    double min, max, latest;    /* NaN when the file does not have it */
};

/* The best finite value of `metric` that a finished task left: in <result_dir>/val_dict_list.json or, when
 * it does not exist, in log/<label>[/<sub>]/evaluation-metrics.txt below it (its test records, else its
 * train records). `metrics` is a list of struct insight_metric with their names set, to be filled; may be
 * NULL. Blocks on disk. The sentence says why there is no value: ERR_NOT_FOUND no file; ERR_TOO_LARGE;
 * ERR_BAD_INPUT it cannot be read, never is a finite number, or lacks the metric (and which it has). */
int insight_objective(const char *result_dir, const char *metric, bool maximize, double *ret_best,
                      struct list *metrics, struct mem *mem, struct err *err);
