// SPDX-License-Identifier: Apache-2.0
#pragma once
/* orders.json: what trainyard-dataset is told to build. The members are explained in docs/guide/datasets.md. */

struct dataset_spec;
struct err;
struct list;
struct mem;
struct settings;
struct text;

struct orders_place {
    const char *target;         /* empty folder to build in */
    const char *upload;         /* folder with what was uploaded; NULL: nothing was */
    int threads;
};

/* Resolves every path of the document (roots_resolve(), same errors) and appends the orders. What was uploaded is
 * always copied, because it does not stay. Blocks on disk. */
int orders_write(const struct settings *s, const struct dataset_spec *spec, const struct orders_place *place,
                 struct mem *mem, struct text *out, struct err *err);
