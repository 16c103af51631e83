// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The handler of POST /hypersearch. */

#include "http/call.h"

int search_create(struct call *c, struct err *err);
