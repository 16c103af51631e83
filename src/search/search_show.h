// SPDX-License-Identifier: Apache-2.0
#pragma once
/* GET /hypersearch and GET /hypersearch/{hpoName}: records, whole or in part, and nothing at all when
 * the client has them already. */

#include "http/call.h"

int search_show(struct call *c, struct err *err);
int search_list(struct call *c, struct err *err);
