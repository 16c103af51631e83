// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The folders that datasets may be made from (setting datasets.roots), and what lies in them. Blocks on disk. */

#include <stdbool.h>

struct err;
struct list;
struct mem;
struct settings;

/* The data roots, const char * each: as configured, else paths.data and paths.shared. */
struct list roots_configured(const struct settings *s, struct mem *mem);

/* The real path, in `mem`, of a file or folder that a request names, which must lie in a data root after all links are
 * followed. Relative paths are below paths.data, or below `upload` when that is not NULL: then in nothing but it.
 * ERR_BAD_INPUT naming `field`: no such file, outside of the roots (which says nothing about what is there), or with
 * ".." in it. */
int roots_resolve(const struct settings *s, const char *upload, const char *field, const char *path, struct mem *mem,
                  const char **ret, struct err *err);

/* Opens a regular file for reading, if what was opened lies in a data root or in `dir`, whatever links its path went
 * through: users may change what lies in both. ERR_NOT_FOUND otherwise. */
int roots_open(const struct settings *s, const char *dir, const char *path, struct err *err);
