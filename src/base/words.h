// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Splits a command line into words the way a POSIX shell would, without running anything: blanks,
 * tabs and line ends separate; single quotes, double quotes and backslash work; a backslash at a
 * line end continues the line. No variables, no globs. People type these lines, so nothing is a
 * syntax error: a quote that is never closed is an ordinary character. */

#include "base/field.h"

struct err;
struct mem;

struct word {
    const char *text;  /* without its quotes */
    size_t start, end; /* the bytes of the line it was made from, quotes included */
};

/* Fills *ret with struct word, in `mem`. `mark` (may be NULL) is a text that stands for a double
 * quote, for senders that cannot pass one. More than `max` words, a NUL byte or invalid UTF-8 is
 * ERR_BAD_INPUT. */
int words_split(const char *line, size_t len, const char *mark, size_t max, struct mem *mem,
                struct list *ret, struct err *err);
