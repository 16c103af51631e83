// SPDX-License-Identifier: Apache-2.0
#pragma once
/* An Optuna study being written: the tables of its database, as of the schema that Optuna 3 to 5 open
 * without migrating (alembic version v3.2.0.a). */

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

struct study_trial {
    int64_t number;             /* 0, 1, 2 ... */
    const char *state;          /* COMPLETE, PRUNED, FAIL or RUNNING */
    const char *started, *ended;    /* "2026-01-05 10:00:00.000000"; NULL: not yet */
    double value;               /* of the objective; NaN: none */
};

/* The file, with its tables and one study. The metric's name is shown where Optuna shows one. */
struct db *study_create(const char *path, const char *name, bool maximize, const char *metric_json,
                        struct err *err);
int study_add_trial(struct db *db, const struct study_trial *t, struct err *err);

/* To the trial of this number. */
int study_add_param(struct db *db, int64_t trial, const char *name, double value,
                    const char *distribution, struct err *err);
int study_add_attribute(struct db *db, int64_t trial, const char *key, const char *json,
                        struct err *err);
int study_add_intermediate(struct db *db, int64_t trial, int64_t step, double value,
                           struct err *err); /* a later one of the same step counts */
