// SPDX-License-Identifier: Apache-2.0
#include "http/route.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct node {
    const char *name;               /* the segment that leads here, from the tables' own text */
    size_t len;
    struct node **kids;             /* literal segments, sorted by compare() */
    int n_kids;
    struct node *param;             /* any one segment */
    const struct entry *here[N_METHODS];    /* the path ends here */
    const struct entry *rest[N_METHODS];    /* one segment or more follow: "{name...}" */
    bool is_end, has_rest;
};

struct routes {
    struct mem *mem;
    struct node root;
};

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = a_len < b_len ? -1 : a_len > b_len;

    return order ? order : memcmp(a, b, a_len);
}

/* The place of a name among the kids, or where it belongs: then *ret_found is false. */
static int find_kid(const struct node *n, const char *name, size_t len, bool *ret_found)
{
    int low = 0, high = n->n_kids;

    while (low < high) {
        int middle = (low + high) / 2;
        int order = compare(name, len, n->kids[middle]->name, n->kids[middle]->len);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_found = false;
    return low;
}

static struct node *add_kid(struct routes *routes, struct node *n, const char *name, size_t len)
{
    bool found;
    int at = find_kid(n, name, len, &found);
    struct node **kids;

    if (found)
        return n->kids[at];
    kids = mem_alloc(routes->mem, (size_t)(n->n_kids + 1) * sizeof(struct node *));
    for (int i = 0; i < n->n_kids; i++)
        kids[i + (i >= at)] = n->kids[i];
    kids[at] = mem_alloc(routes->mem, sizeof(struct node));
    kids[at]->name = name;
    kids[at]->len = len;
    n->kids = kids;
    n->n_kids++;
    return kids[at];
}

static bool is_rest(const char *segment, size_t len)
{
    return len > 5 && memcmp(segment + len - 4, "...}", 4) == 0;
}

static void add_name(struct routes *routes, struct entry *e, const char *name, size_t len)
{
    assert(len > 0 && e->n_names < ROUTE_PARAMS_MAX);
    e->names[e->n_names++] = mem_strndup(routes->mem, name, len);
}

static void add_entry(const struct entry **slots, const struct entry *e)
{
    assert(!slots[e->route->method]);
    slots[e->route->method] = e;
}

/* Walks `path` down from *n, making what is missing. Returns true when it ended with "{name...}". */
static bool add_path(struct routes *routes, struct node **n, struct entry *e, const char *path)
{
    while (*(path += strspn(path, "/"))) {
        size_t len = strcspn(path, "/");

        if (*path != '{') {
            *n = add_kid(routes, *n, path, len);
        } else if (is_rest(path, len)) {
            add_name(routes, e, path + 1, len - 5);
            return true;
        } else {
            add_name(routes, e, path + 1, len - 2);
            if (!(*n)->param)
                (*n)->param = mem_alloc(routes->mem, sizeof **n);
            *n = (*n)->param;
        }
        path += len;
    }
    return false;
}

static void add_route(struct routes *routes, const struct route_table *table,
                      const struct route *route)
{
    struct entry *e = mem_alloc(routes->mem, sizeof *e);
    struct node *n = &routes->root;
    bool rest;

    e->route = route;
    e->room = table->room;
    add_path(routes, &n, e, table->base);
    rest = add_path(routes, &n, e, route->path);
    add_entry(rest ? n->rest : n->here, e);
    if (rest)
        n->has_rest = true;
    else
        n->is_end = true;
}

struct routes *routes_new(const struct route_table *tables)
{
    struct mem *mem = mem_new();
    struct routes *routes = mem_alloc(mem, sizeof *routes);

    routes->mem = mem;
    for (const struct route_table *t = tables; t->routes; t++)
        for (const struct route *r = t->routes; r->path; r++)
            add_route(routes, t, r);
    return routes;
}

void routes_free(struct routes *routes)
{
    if (routes)
        mem_free(routes->mem);
}

struct search {
    const struct path *path;
    int values[ROUTE_PARAMS_MAX];   /* segment numbers */
    int n_values;
    bool rest;                      /* the last value takes all that follows */
};

/* The node that answers segments i and following; as deep as the tables are. */
static const struct node *descend(const struct node *n, int i, struct search *s)
{
    const struct segment *seg = &s->path->segments[i];
    const struct node *end = NULL;
    bool found = false;
    int kid;

    if (i == s->path->n_segments)
        return n->is_end ? n : NULL;
    if (i == PATH_SEGMENTS_MAX)
        return NULL;
    kid = find_kid(n, seg->at, seg->len, &found);
    if (found)
        end = descend(n->kids[kid], i + 1, s);
    if (!end && n->param) {
        s->values[s->n_values++] = i;
        end = descend(n->param, i + 1, s);
        if (!end)
            s->n_values--;
    }
    if (!end && n->has_rest) {
        s->values[s->n_values++] = i;
        s->rest = true;
        end = n;
    }
    return end;
}

bool routes_find(const struct routes *routes, const struct path *path, struct mem *mem,
                 struct match *ret)
{
    struct search s = { .path = path };
    const struct node *n = descend(&routes->root, 0, &s);

    *ret = (struct match){ 0 };
    if (!n)
        return false;
    ret->entries = s.rest ? n->rest : n->here;
    for (int i = 0; i < s.n_values; i++) {
        struct segment seg = path->segments[s.values[i]];

        if (s.rest && i == s.n_values - 1)
            seg.len = (size_t)(path->text + path->len - seg.at);
        ret->values[i] = mem_strndup(mem, seg.at, seg.len);
    }
    return true;
}

const char *routes_allow(const struct match *match, struct mem *mem)
{
    static const char *const names[N_METHODS] = { "GET", "HEAD", "POST", "PUT", "DELETE" };
    const char *allow = "";

    for (int m = 0; m < N_METHODS; m++)
        if (match->entries[m] || (m == HEAD && match->entries[GET]))
            allow = mem_printf(mem, "%s%s%s", allow, *allow ? ", " : "", names[m]);
    return allow;
}
