// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The task a call is about, if its caller may touch it. */

#include "http/call.h"

struct err;
struct exec;

/* The task of {execId} (an id or a submissionId), in c->mem. ERR_NOT_FOUND, the same for a task of
 * another user. */
int exec_own(struct call *c, struct exec *ret, struct err *err);
