// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The metrics of an experiment beside the one number that is optimised: which ones its search wants, what the series of
 * its running task say of them so far, and how they are stored. Pure. */

#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>

struct algo_def;
struct insight_metric;
struct mem;
struct metric_row;

/* Where a metric may be found, as insight_objective() ranks it: records of training, of a test, and the file that
 * has the last word. */
enum metric_source { SOURCE_TRAIN, SOURCE_TEST, SOURCE_VAL, METRIC_SOURCES };
extern const char *const metric_sources[METRIC_SOURCES]; /* what names of series begin with: "train/" */

/* A list of struct insight_metric without values: the objective first, then additionalMetrics; empty when these were not
 * asked for. Names are the algo_def's. */
struct list metrics_wanted(const struct algo_def *a, struct mem *mem);

/* Those that have a value, as JSON: [{"name","min","max","latest"}]; NULL when none has. */
const char *metrics_text(const struct list *metrics, struct mem *mem);

struct tally {                      /* start as {0} */
    struct insight_metric *metrics; /* [METRIC_SOURCES × n], a source after the other */
    size_t n;
};

/* No values yet. For a search that wants metrics. */
void tally_init(struct tally *t, const struct algo_def *a, struct mem *mem);

/* A point; one that is the first of its series (n 0) begins it anew. Whether it is of a metric that is wanted. */
bool tally_add(struct tally *t, const struct metric_row *row);

/* A series was emptied. Whether it is of a metric that is wanted. */
bool tally_drop(struct tally *t, const char *series);

/* What insight_objective() would find if the task ended now: the metrics of one source. Borrowed. */
struct list tally_metrics(const struct tally *t);
