// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Insight: what a task's own output says about it.
 *
 * While a task runs its files are read as they grow: inotify tells that something was written, a
 * thread of this module reads and parses it (the engine thread never touches the disk), at most
 * five times a second for one task, and what was found is stored as points of table metric and
 * published:
 *
 *     exec.metric    {"id", "series": [{"name", "n", "step", "time_ms", "value"}]}    the newest
 *                    point of each series that got one, after it was stored; n counts from 0
 *     exec.output    {"id", "bytes"}            how much all processes have printed
 *     exec.progress  {"id", "done", "total"}    iterations, when the program says how many
 *
 * After a restart of the server a task's files are read again from their start and its points
 * replaced in the same transaction, so that none is doubled or lost; so are those of tasks that had
 * just ended. */

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"
#include "tasks/tasks.h"

struct engine_observer;
struct insight;
struct mem;

enum { INSIGHT_FILE_MAX = 64 << 20 };   /* bytes of a metrics file that are read; a larger one is refused */

struct insight_metric {         /* a metric over all entries of a task's metrics file, or over those so far */
    const char *name;           /* set by the caller */
    double min, max, latest;    /* NaN without a file that has it */
};

void insight_metric_clear(struct insight_metric *m);                /* no values yet; keeps the name */
void insight_metric_add(struct insight_metric *m, double value);    /* passes over what is not finite */

/* The best finite value of `metric` that a finished task left: in <result_dir>/val_dict_list.json
 * or, when it does not exist, in log/<label>[/<sub>]/evaluation-metrics.txt below it (its test
 * records, else its train records). `metrics` is a list of struct insight_metric with their names
 * set, to be filled; may be NULL. Blocks on disk. The sentence says why there is no value:
 * ERR_NOT_FOUND no file; ERR_TOO_LARGE; ERR_BAD_INPUT it cannot be read, never is a finite number,
 * or lacks the metric (and which it has). */
int insight_objective(const char *result_dir, const char *metric, bool maximize, double *ret_best,
                      struct list *metrics, struct mem *mem, struct err *err);

struct insight *insight_new(const struct tasks_config *config, struct err *err);   /* config is kept */
void insight_set_listener(struct insight *in, exec_metrics_fn *fn, void *arg); /* tasks_on_metrics() */
void insight_tell_again(struct insight *in, const char *exec_id);               /* tasks_metrics_again() */
void insight_free(struct insight *in);      /* loop and writer have stopped; NULL is fine */

/* What the engine tells it, with a struct insight as arg. */
extern const struct engine_observer insight_observer;

/* Reads the tasks that ended within a minute of the server's last sign of life once more: their
 * last points may not have been stored. The loop runs; not on the engine thread. */
int insight_recover(struct insight *in, struct err *err);
