// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Records that cannot be used: named in the report and passed over, up to the share that the orders allow. */

#include <stdint.h>

struct build;
struct err;

/* Puts one into the report. -1 with the path and the reason, a phrase that follows the path ("has no label"), when the orders
 * allow none. */
int broken_add(struct build *b, const char *path, const char *reason, struct err *err);

/* After all `n` records, broken ones included: -1 when more of them were broken than the orders allow. */
int broken_check(const struct build *b, int64_t n, const char *unit, struct err *err);
