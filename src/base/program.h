// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Where the files are that belong to the running program: around it in a source tree that was built,
 * below the prefix when it was installed. Any thread. */

struct mem;

/* The first of two paths, relative to the folder of the running program, that exists; the first when
 * neither does, so that a later error names it. Absolute unless /proc is missing. */
const char *program_file(struct mem *mem, const char *built, const char *installed);

/* One of the programs and modules that trainyard is made of: beside it, or in libexec/trainyard. */
const char *program_part(struct mem *mem, const char *name);
