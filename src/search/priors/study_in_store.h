// SPDX-License-Identifier: Apache-2.0
#pragma once
/* An Optuna study being read, from a file that anyone may have made: see store/foreign.h. Every
 * function gives ERR_BAD_INPUT with a sentence when the file is not what it should be. */

#include "search/priors/prior.h"

struct db;
struct err;

struct study {
    int64_t id;
    bool maximize;
};

/* The study of this name; NULL: the only one there is. One objective only. */
int study_find(struct db *db, const char *name, struct study *ret, struct err *err);

/* Calls each() for every trial that is COMPLETE, in the order of their numbers, at most `max` of them. Values live
 * until it returns. */
typedef void study_each_fn(void *arg, const struct known_value *values, int n, double objective);
int study_each(struct db *db, const struct study *s, int64_t max, study_each_fn *each, void *arg, struct err *err);
