// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a plug-in that builds a dataset says about it: a JSON document that it may leave (docs/guide/datasets.md has the
 * members). Pure. */

#include <stddef.h>
#include <stdint.h>

#include "base/field.h"
#include "datasets/builder/orders.h"

struct err;
struct mem;

struct plugin_label {
    const char *label;
    int64_t count;
};

struct plugin_split {
    const char *path;               /* below the target; NULL: as the part is called */
    int64_t records;                /* INT_UNSET: not said */
    struct list labels;             /* struct plugin_label; items NULL: not said */
};

struct plugin_broken {
    const char *path, *reason;
};

struct plugin_result {
    const char *error;              /* why there is no dataset; NULL: there is one */
    struct plugin_split splits[N_SPLITS];
    struct list labels;             /* const char *: class names, in order; items NULL: not said */
    struct list warnings;           /* const char * */
    struct list broken;             /* struct plugin_broken */
};

/* Everything is absent. */
void plugin_result_init(struct plugin_result *r);

/* Reads the document; text is copied to `mem`. ERR_BAD_INPUT names the member that does not fit; paths that lead out of the
 * target do not. */
int plugin_result_read(const char *text, size_t len, struct mem *mem, struct plugin_result *ret, struct err *err);
