// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How far a build is, from what its task has printed: no more than the two ends of its log are read. */

struct mem;

/* *ret_line is the last line for people (NULL: none yet), *ret_percent how far it is, 0 to 100 (NaN: not known).
 * Nothing is said of a log that cannot be read. */
void progress_read(const char *log, struct mem *mem, const char **ret_line, double *ret_percent);
