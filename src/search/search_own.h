// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The search a call is about, if its caller may see it. */

#include "http/call.h"
#include "search/search.h"

struct err;

/* The search of {hpoName} without its `spec`, in c->mem. ERR_NOT_FOUND, the same for a search of
 * another user. */
int search_own(struct call *c, struct search *ret, struct err *err);
