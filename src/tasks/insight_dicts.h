// SPDX-License-Identifier: Apache-2.0
#pragma once
/* val_dict_list.json, the file in which a program leaves its metrics: a list of flat objects, and
 * what programs write instead of it (one object, an object per line, Python spelling). Read in one
 * pass without building a tree, so that a file of many MiB costs no more than its own size. Pure:
 * no I/O. */

#include <stdbool.h>
#include <stddef.h>

struct err;

enum {
    DICTS_VALUES_MAX = 256,     /* metrics of one entry; more are passed over */
    DICTS_NAME_MAX   = 128,     /* bytes of a metric's name; a longer one is passed over */
    DICTS_DEPTH_MAX  = 64,      /* nested lists and objects, which are passed over too */
};

struct dict_value {
    const char *name;
    double value;               /* may be NaN or infinite */
};

struct dict_entry {             /* one object of the list */
    double step;                /* `step` or `steps`; NaN when it has none */
    const struct dict_value *values;    /* in the order written; text, null and nested values left out */
    int n_values;
};

typedef void dict_fn(void *arg, const struct dict_entry *entry);

/* Calls fn for every object in order; the entry is gone after fn returns. Numbers may be numeric
 * strings. Anything that cannot be read is ERR_BAD_INPUT with the line; the entries before it have
 * been told. */
int dicts_read(const char *text, size_t len, dict_fn *fn, void *arg, struct err *err);

/* A number as programs print it: decimal, or NaN and infinity in any spelling; blanks around it are
 * fine. */
bool number_read(const char *s, size_t len, double *ret);
