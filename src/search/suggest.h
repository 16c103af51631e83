// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard suggest`: a search without a server, one JSON object per line in and out. The core
 * below knows no files; one thread at a time. */

#include <stddef.h>

struct suggest;
struct text;

enum { SUGGEST_DIMS_MAX = 10000, SUGGEST_ASK_MAX = 10000 };

struct suggest *suggest_new(void);
void suggest_free(struct suggest *s); /* NULL is fine */

/* Appends the answer to one line of input, with a line break. A line that
 * cannot be done is answered by {"ok":false,"error":"..."} and changes nothing. NaN, infinities
 * and what is beyond the largest double are read as null, whole numbers beyond 64 bits as reals. */
void suggest_answer(struct suggest *s, const char *line, size_t len, struct text *out);

int suggest_command(int argc, char **argv); /* the exit code: 0, 1 when standard output cannot be
                                              * written, 2 for a wrong command line */
