// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the algorithms with a resource share beside the rungs themselves: their parameters, and the
 * brackets as answers to ask() and tell(). */

#include "search/algorithm.h"
#include "search/methods/brackets.h"

struct climbing_params {
    int64_t seed;
    struct resource_params resource;
    double eta;
    int64_t least, most;    /* of the resource */
};

extern const struct field climbing_fields[];

/* Checks and completes: eta is algoDef.hyperbandEta or 3 when it is not given, `least` 1.
 * ERR_BAD_INPUT names the parameter. Text of *ret is not kept. */
int climbing_read(const struct algorithm_setup *in, struct climbing_params *ret, struct err *err);

/* What brackets_next() says, as an answer: the point of a promotion is filled in, a new one is the
 * caller's to choose (ret->parent is INT_UNSET). Nothing is entered. */
enum ask_result climbing_next(struct brackets *b, struct suggestion *ret);

/* Enters what is not known yet, and ends what has ended. Points that nobody asked for have no place
 * in a rung and are passed over. */
void climbing_tell(struct brackets *b, const struct outcome *o, bool maximize);
