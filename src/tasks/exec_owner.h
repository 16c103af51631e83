// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The OS user that a task's files belong to. */

struct err;
struct mem;

/* The name of the user the server itself runs as. */
const char *owner_self(struct mem *mem);

/* Gives a tree to `user`, links not followed; "" or NULL is the server's user: nothing to do. Only root
 * can; ERR_UNAVAILABLE when the user does not exist. Blocks on disk. */
int owner_give(const char *path, const char *user, struct err *err);
