// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What an installed search algorithm is. Pure. */

#include "base/field.h"
#include "search/algorithm.h"

enum { PLUGIN_NAME_MAX = 128 /* bytes */ };

struct plugin {                 /* columns of table algorithm */
    int64_t seq;
    const char *name;
    const char *creator;
    const char *conda_home, *conda_env, *log_level;     /* NULL when not given */
    bool remote_exec;
    int64_t created_ms;         /* Unix time */
};

extern const struct field plugin_fields[];

struct new_plugin {             /* the `data` part of an installation */
    const char *name;
    const char *path;           /* a folder on the server; NULL: a file was uploaded */
    const char *conda_home, *conda_env, *log_level;
    bool remote_exec;
};

extern const struct field new_plugin_fields[];

/* Reads and checks. Everything lives in `mem`. ERR_BAD_INPUT names the member; a name that a built-in algorithm or
 * the API has is one of its reasons. */
int new_plugin_read(const char *text, size_t len, struct mem *mem, struct new_plugin *ret, struct err *err);

/* A plugin as an algorithm: what plugin_run.c does is done with this one. In `mem`. */
const struct algorithm *plugin_algorithm(const struct plugin *p, struct mem *mem);
const struct plugin *plugin_of(const struct algorithm *a);      /* NULL: a built-in */
