// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Logs of a task by process, for the calls that name them as the scheduler and the instance groups
 * do. */

#include <stdint.h>

struct call;
struct err;
struct exec;

enum { APP_DRIVER = -1 };       /* the launcher, where a worker's number is asked for */

/* Replies with the log `type` ("launcherlog", "stdout", "stderr") of worker n (from 0) or
 * APP_DRIVER, as plain text; `?lastlines=N` is its end only. The launcher has one log, its standard
 * output. A log without content yet is empty. ERR_NOT_FOUND: no such worker; ERR_BAD_INPUT: no such
 * type. */
int app_log_reply(struct call *c, const struct exec *e, int64_t worker, const char *type,
                  struct err *err);
