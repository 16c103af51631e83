// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The route tables, compiled once into a tree of path segments. At each segment a literal beats a
 * parameter and a parameter beats "{name...}"; a literal that leads nowhere is given up for the
 * parameter beside it. Read-only after routes_new(), so any thread may look up. */

#include "http/call.h"
#include "http/url.h"

#include "base/cleanup.h"

enum { ROUTE_PARAMS_MAX = 6 };

struct entry {                  /* a row, ready for use */
    const struct route *route;
    void *room;
    const char *names[ROUTE_PARAMS_MAX];    /* of the path's parameters, in order */
    int n_names;
};

struct match {
    const struct entry *const *entries;     /* by enum method; NULL where there is none */
    const char *values[ROUTE_PARAMS_MAX];   /* of the parameters, decoded */
};

struct routes;

/* Two rows of one method and path, or a parameter without a name, are bugs and abort. */
struct routes *routes_new(const struct route_table *tables);
void routes_free(struct routes *routes);        /* NULL is fine */
DEFINE_FREEP(routes)

/* Whether any row has this path. The values are copied to `mem`. */
bool routes_find(const struct routes *routes, const struct path *path, struct mem *mem,
                 struct match *ret);

/* The Allow header of a path: "GET, HEAD, DELETE". */
const char *routes_allow(const struct match *match, struct mem *mem);
