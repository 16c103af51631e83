// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The task a call is about, if its caller may touch it. */

#include "http/call.h"

struct err;
struct exec;

/* The task of {execId} (an id or a submissionId), in c->mem. ERR_NOT_FOUND, the same for a task of
 * another user. */
int exec_own(struct call *c, struct exec *ret, struct err *err);

/* Replies 204 once the wish to stop it is stored; at once for a task that has ended. */
int exec_stop(struct call *c, const struct exec *exec);
