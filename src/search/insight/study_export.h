// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A search as an Optuna study: the file that `optuna.load_study(storage="sqlite:///search.db")` opens.
 *
 *   FINISHED is COMPLETE, or PRUNED when it was stopped early or given less than the whole resource, FAILED and
 *   KILLED are FAIL, all others RUNNING. A resource, the task's id, the experiment's number, additional metrics and
 *   the reason of a failure are user attributes; the course of the objective (the series val/, test/ or train/ of
 *   its name) are the intermediate values, thinned to STUDY_POINTS_MAX points. */

#include "search/document.h"
#include "search/search.h"

struct db;
struct err;
struct mem;

enum { STUDY_POINTS_MAX = 1000 };

/* Reads from `db` and makes the file; what is left of it after a failure is removed. Blocks. */
int study_export(struct db *db, const struct search *s, const struct search_plan *plan, const char *path,
                 struct mem *mem, struct err *err);
