// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One build: the orders, the report that grows while they are carried out, and what every kind needs: where sources
 * may lie, and walks through them. One thread; kinds that read with several use ordered.h. */

#include <stdbool.h>
#include <stdint.h>

#include "datasets/builder/orders.h"
#include "datasets/builder/progress.h"
#include "datasets/builder/report.h"

struct err;
struct mem;

struct build {
    const struct orders *orders;
    struct mem *mem;                /* lives as long as the build */
    const char **roots;             /* [n_roots], links resolved */
    size_t n_roots;
    struct report report;
    struct progress progress;
};

/* Carries the orders out and writes the report, whatever the outcome. -1 with the reason, which the report then has
 * too. */
int build_run(const struct orders *o, struct mem *mem, struct err *err);

/* The path with its links resolved, when it exists and lies within a root; else ERR_BAD_INPUT about `field` (the
 * member of the orders that named it). */
const char *build_source(const struct build *b, const char *field, const char *path, struct err *err);

/* Whether a path without links lies within a root. */
bool build_allows(const struct build *b, const char *plain);

/* "<target>/<name>", in b->mem. */
const char *build_target(const struct build *b, const char *name);

/* What a walk finds. `path` is relative to where the walk began; `link` is what a symbolic link leads to, all links
 * resolved, else NULL. Both are borrowed until the function returns. A link that leads to nothing, out of the roots, or
 * to a folder that it lies in has `refused` set to the reason, and bytes 0. */
struct found {
    const char *path, *link, *refused;
    int64_t bytes;
};

typedef int found_fn(void *arg, const struct found *f, struct err *err);        /* -1 ends the walk */

/* Calls fn for each file below `folder`, in the order of their names (bytes compared), folders entered where their
 * names stand. Links are followed within the roots; sockets, fifos and devices are passed over. */
int build_walk(const struct build *b, const char *folder, found_fn *fn, void *arg, struct err *err);
