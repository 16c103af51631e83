// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Where a new search gets what is known before it begins: an earlier search (algoParams WarmStart), and an
 * Optuna study sent with the submission (the part named prior). Blocks; on a worker thread. */

#include "http/call.h"
#include "search/priors/prior.h"

struct err;
struct searches;

enum {
    PRIOR_FILE_BYTES_MAX = 256 << 20,
    PRIOR_FILE_MS_MAX    = 10000,   /* of reading it */
};

/* The part with the study; NULL: none was sent. It is no file of the model. */
const struct part *prior_part(const struct call *c);

/* Fills *ret, which stays as it was when nothing was asked for: false in *ret_any. Everything is in c->mem. What
 * cannot be used is ERR_BAD_INPUT or ERR_TOO_LARGE with the field. */
int priors_collect(struct call *c, const struct searches *s, const struct search_plan *plan, struct priors *ret,
                   bool *ret_any, struct err *err);
