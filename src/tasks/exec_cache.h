// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Records of tasks as they were last sent. Clients poll: the same record goes out thousands of times between
 * two changes, and reading and writing it anew costs more than all the rest of the call. A record is good
 * for as long as nothing has been committed since it was read; the caller notes writer_commits() before
 * reading. Thread-safe. */

#include <stdbool.h>
#include <stdint.h>

struct exec_cache;
struct text;

struct exec_cache *exec_cache_new(void);
void exec_cache_free(struct exec_cache *c);     /* NULL is fine */

/* Whether the record of `id` as of `commits` is here and may be seen by `user` (NULL: by anyone); then it is
 * appended to `json`. */
bool exec_cache_find(struct exec_cache *c, const char *id, uint64_t commits, const char *user, struct text *json);

/* Keeps a record that was read after `commits` had been noted. Another task's record may have to go. */
void exec_cache_keep(struct exec_cache *c, const char *id, uint64_t commits, const char *owner, const struct text *json);
