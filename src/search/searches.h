// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The search room as a whole: hypersearch tasks, the loop that keeps their trials running, and the
 * list of algorithms. The loop lives on the engine thread and hears of trials through
 * tasks_on_move(). */

#include "http/call.h"

struct err;
struct searches;
struct tasks;

struct searches *searches_new(struct tasks *tasks, struct err *err); /* before tasks_recover() */
void searches_free(
    struct searches *s); /* after the loop and the workers have stopped; NULL is fine */

/* Goes on with what was running, and removes uploaded files that no search names: after
 * tasks_recover(), before serving. */
int searches_recover(struct searches *s, struct err *err);

extern const struct route searches_routes[];   /* base BASE_DL: /hypersearch... */
extern const struct route learn_routes[];      /* base BASE_DL: /hypersearch/{hpoName}/importance... */
extern const struct route algorithms_routes[]; /* base BASE_DL: /hypersearch/algorithm... */
