// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The points that a search was started with, in the database. */

#include "search/priors/prior.h"

struct db;
struct err;
struct mem;

/* On the writer's thread, in the change that inserts the search. */
int priors_insert(struct db *db, const char *search, const struct priors *p, struct err *err);

/* In the order they are told: n is 1, 2 ... Rows live until each() returns. */
typedef void prior_each_fn(void *arg, int64_t n, const struct prior *prior);
int priors_each(struct db *db, const char *search, prior_each_fn *each, void *arg, struct err *err);
