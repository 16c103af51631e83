// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Slows the guessing of passwords. Wrong ones are counted three ways, and each has a number that is
 * free before the wait begins at 1 s and doubles with every further one:
 *
 *   one account from one address     5 free, up to 60 s
 *   any account from one address    30 free, up to 60 s
 *   one account from anywhere       50 free, up to 10 s: slows guessing from many addresses
 *                                   without locking the owner out
 *
 * A count is forgotten after 15 minutes without a wrong password; a right one clears the count of its
 * account from its address. Bounded memory; thread-safe. */

#include "base/cleanup.h"

#include <stdint.h>

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle *t);     /* NULL is fine */
DEFINE_FREEP(throttle)

/* How long from now_ms (monotonic clock) until another try is heard; 0: at once. */
int64_t throttle_wait_ms(struct throttle *t, const char *user, const char *address, int64_t now_ms);

void throttle_failed(struct throttle *t, const char *user, const char *address, int64_t now_ms);
void throttle_succeeded(struct throttle *t, const char *user, const char *address);
