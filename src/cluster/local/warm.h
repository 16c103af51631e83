// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Interpreters that are kept warm: started when a launch could have used one, used by the launches with
 * the same key that follow, ended with their search, or when none has come for a while. They are the
 * server's children and end with it; what they have started belongs to its shepherd. See base/warm.h.
 * Everything is on the loop's thread and nothing waits. */

#include "cluster/local/local.h"

struct loop;
struct settings;
struct warm_pool;

struct warm_pool *warm_pool_new(struct loop *loop, const struct settings *settings);
void warm_pool_free(struct warm_pool *pool);    /* ends them all; NULL is fine */

/* To be passed to shepherd_spawn(): an interpreter is asked to start this launch's process, or there is none. */
struct offer warm_offer(struct warm_pool *pool, const struct launch *launch, const struct user *user);

/* The search has ended: so do its interpreters, and why it had none is forgotten. */
void warm_pool_forget(struct warm_pool *pool, const char *search);
