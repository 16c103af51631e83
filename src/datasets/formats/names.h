// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A set of names, each with the number it came with: 0, 1, 2, ... One thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct names;

struct names *names_new(void);
void names_free(struct names *n);
DEFINE_FREEP(names)

size_t names_count(const struct names *n);

/* The number of a name, added at the end when it is new. Names hold no NUL bytes. */
size_t names_add(struct names *n, const char *name, size_t len);

/* The same for what is known; -1: it is not. */
int64_t names_find(const struct names *n, const char *name, size_t len);

/* The name of a number; valid as long as the set. */
const char *names_text(const struct names *n, size_t number);

/* Numbers the names anew in the order of their bytes. */
void names_sort(struct names *n);
