// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The handler of operations that the API documents and this version does not have: 501 and a sentence. Their
 * rows stand in the room that will answer them, so that the list of what is missing is the route table. */

#include "http/call.h"

int not_built(struct call *c, struct err *err);

#define NOT_BUILT_FAILURES FAILURES(401, 501)
