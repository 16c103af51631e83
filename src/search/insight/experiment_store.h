// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Experiments in the database, read. What changes them stands in search_store.h, because it changes
 * their search with them. Any connection will do. */

#include "search/search.h"

struct db;
struct err;
struct mem;

/* In order of ids; each() may return -1 with *err to end it. Rows live until it returns. */
typedef int experiment_each_fn(void *arg, const struct experiment *experiment, struct err *err);
int experiments_each(struct db *db, const char *search, experiment_each_fn *each, void *arg,
                     struct err *err);

/* Those that changed after the search had `version`, in order of ids. Costs what they cost. */
int experiments_since(struct db *db, const char *search, int64_t version, experiment_each_fn *each,
                      void *arg, struct err *err);

/* ERR_NOT_FOUND "there is no experiment ...". */
int experiments_find(struct db *db, const char *search, int64_t id, struct mem *mem,
                     struct experiment *ret, struct err *err);
