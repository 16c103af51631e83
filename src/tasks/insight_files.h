// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Reading files that a user's program may have put there: only regular files, never through a link
 * in the last place, never waiting on a pipe. Blocks on disk: not for the engine thread. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct text;

enum { INSIGHT_LOGS_MAX = 1024 };   /* folders below log/ that are looked into */

/* A descriptor on a regular file; *ret_size its length. ERR_NOT_FOUND when there is no such regular
 * file. */
int insight_file_open(const char *path, off_t *ret_size, struct err *err);

/* All of it. ERR_NOT_FOUND likewise, ERR_TOO_LARGE above `max` bytes. */
int insight_file_read(const char *path, size_t max, struct text *out, struct err *err);

/* Calls fn for each folder <result_dir>/log/<label> and each folder one below it, in order of their
 * paths. */
typedef void insight_folder_fn(void *arg, const char *folder, const char *label);
void insight_each_log_folder(const char *result_dir, insight_folder_fn *fn, void *arg);
