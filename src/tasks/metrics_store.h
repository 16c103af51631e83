// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Metric series in the database: table metric. Functions that read take any connection; those that
 * change run on the writer's thread. */

#include "base/field.h"

struct db;
struct err;
struct exec;
struct mem;

struct metric_row {             /* one point as it is stored */
    const char *series;         /* "train/loss" */
    int64_t n;                  /* 0, 1, 2 ... in order of arrival, within the series */
    double step;                /* NaN: unknown */
    int64_t time_ms;            /* Unix time */
    double value;               /* finite */
};

struct metric_series {          /* one series as a whole */
    const char *name;
    int64_t n;                  /* points */
    double min, max, latest;
};

/* Every series of a task by name: a list of struct metric_series in `mem`. */
int metrics_series(struct db *db, const char *exec, struct mem *mem, struct list *ret,
                   struct err *err);

/* Calls each() for the points of one series in order of arrival; `since` NaN: all of them,
 * otherwise those whose step is known and not below it. each() gets rows without their series'
 * name. */
typedef void metric_each_fn(void *arg, const struct metric_row *row);
int metrics_each(struct db *db, const char *exec, const char *series, double since,
                 metric_each_fn *each, void *arg, struct err *err);
int metrics_count(struct db *db, const char *exec, const char *series, double since, int64_t *ret,
                  struct err *err);

/* Tasks that ended within `span_ms` before the newest event, at most `max`: the server may have
 * stopped before their last points were stored. Only id and creator of the exec are set. */
int metrics_each_unsure(struct db *db, int64_t span_ms, int64_t max,
                        void (*each)(void *arg, const struct exec *exec), void *arg,
                        struct err *err);

/* --- on the writer's thread --- */
/* A row that is there already is replaced. ERR_CONFLICT when the task is gone. */
int metrics_add(struct db *db, const char *exec, const struct metric_row *rows, size_t n,
                struct err *err);
int metrics_clear(struct db *db, const char *exec, struct err *err);
int metrics_trim(struct db *db, const char *exec, int64_t max, struct err *err);
                            /* removes at most so many points; returns how many */
int metrics_clear_series(struct db *db, const char *exec, const char *series, struct err *err);
