// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Who is calling: passwords, tokens, sessions. The context of the room's routes and the identity
 * hook of the HTTP server. Thread-safe. */

#include "http/server.h"

struct accounts;
struct err;
struct settings;
struct writer;

/* Makes the key that signs tokens on a first start. Borrows both. Not for the writer's thread. */
struct accounts *accounts_new(const struct settings *settings, struct writer *writer,
                              struct err *err);
void accounts_free(struct accounts *a);     /* NULL is fine */

struct identity accounts_identity(struct accounts *a);

/* Logon and logoff of every generation of clients (their bases differ), tokens, users. */
extern const struct route accounts_auth_routes[];           /* base "/auth/v1" */
extern const struct route accounts_conductor_routes[];      /* base BASE_CONDUCTOR */
extern const struct route accounts_ego_routes[];            /* base "/platform/rest/ego/v1" */
extern const struct route accounts_dlim_routes[];           /* base "/dlim/v1" */
extern const struct route accounts_routes[];                /* base BASE_DL: /users, /tokens */

/* `trainyard user add|passwd|ls|rm` on a data directory, server up or down; argv[0] is "user". A
 * running server follows within 2 s. Returns the exit code: 0 done, 1 refused, 2 wrong usage. */
int accounts_command(int argc, char **argv);
