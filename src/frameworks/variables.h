// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The environment of a process while it is made: a variable set again replaces its value. */

#include <stddef.h>

struct mem;

struct variables {
    struct mem *mem;
    const char **items; /* "NAME=value" */
    size_t n, room;
};

void variables_set(struct variables *v, const char *name, const char *value); /* NULL: not set */
void variables_setf(struct variables *v, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void variables_add(struct variables *v, const char *name_and_value);    /* "NAME=value" */
const char *variables_get(const struct variables *v, const char *name); /* NULL when not set */

struct variables variables_copy(const struct variables *v);
const char *const *variables_done(struct variables *v); /* NULL-ended, in v->mem */
