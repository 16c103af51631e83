// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Versions of Python packages, read from the files that installing them left, without starting
 * Python. */

struct mem;

/* Where an interpreter ("/usr/bin/python3", "<environment>/bin/python") is installed: "/usr",
 * "<environment>"; NULL when its path has too few parts. */
char *python_prefix(const char *python, struct mem *mem);

/* The version of `package` ("torch") that the interpreter of this prefix would import from its
 * installation; NULL when there is none. Reads a few folders. */
char *package_version(const char *prefix, const char *package, struct mem *mem);
