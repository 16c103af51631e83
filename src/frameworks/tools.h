// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Programs for site plugins below the shared folder: the launcher under the two paths that
 * generators name, a `python` command and an `activate` that wrappers source. */

struct err;
struct mem;
struct settings;

/* Puts them where they are absent or differ from <runtime>/tools. */
int tools_install(const struct settings *s, struct err *err);

/* The folder with `python` and `activate`, for PATH: <shared>/tools/bin. */
char *tools_bin(const struct settings *s, struct mem *mem);

/* Where a generator lies: <shared>/tools/dl_plugins, else beside its .conf. NULL when in neither,
 * or when `name` is more than a file's name. */
char *tools_generator(const struct settings *s, const char *name, struct mem *mem);
