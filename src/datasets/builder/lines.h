// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Text files of users, line by line, and the classes that they list. */

#include <stddef.h>

#include "datasets/builder/build.h"

struct err;
struct text;

/* The whole text of a source. ERR_BAD_INPUT about `field` when it may not be read or is no text in UTF-8. */
int lines_read(const struct build *b, const char *field, const char *path, struct text *ret, struct err *err);

/* The next line of a text at *at, without its end and the blanks around it; NULL at the end. */
const char *lines_next(const char **at, size_t *ret_len);

enum { LABELS_MAX = 1 << 20 };

struct labels {
    const char **names;             /* [n], in b->mem */
    size_t n, cap;
};

/* At most LABELS_MAX, else ERR_BAD_INPUT. */
int labels_add(const struct build *b, struct labels *labels, const char *name, size_t len, struct err *err);

/* A class a line; empty lines are passed over. */
int labels_read(const struct build *b, const char *field, const char *path, struct labels *ret, struct err *err);

/* labels.txt of the target. */
int labels_write(const struct build *b, const struct labels *labels, struct err *err);
