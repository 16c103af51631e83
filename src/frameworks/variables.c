// SPDX-License-Identifier: Apache-2.0
#include "frameworks/variables.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

static bool is_named(const char *item, const char *name, size_t len)
{
    return strncmp(item, name, len) == 0 && item[len] == '=';
}

/* Where the variable stands, or the end. */
static size_t place_of(const struct variables *v, const char *name, size_t len)
{
    size_t i = 0;

    while (i < v->n && !is_named(v->items[i], name, len))
        i++;
    return i;
}

/* One place more than asked for, so that the NULL of variables_done() fits. */
static void make_room(struct variables *v)
{
    const char **grown;

    if (v->n + 1 < v->room)
        return;
    v->room = v->room * 2 + 64;
    grown = mem_alloc(v->mem, v->room * sizeof *grown);
    if (v->n > 0)
        memcpy(grown, v->items, v->n * sizeof *grown);
    v->items = grown;
}

void variables_add(struct variables *v, const char *item)
{
    size_t at = place_of(v, item, strcspn(item, "="));

    make_room(v);
    v->items[at] = item;
    if (at == v->n)
        v->n++;
}

void variables_set(struct variables *v, const char *name, const char *value)
{
    if (value)
        variables_add(v, mem_printf(v->mem, "%s=%s", name, value));
}

void variables_setf(struct variables *v, const char *name, const char *fmt, ...)
{
    const char *value;
    va_list ap;

    va_start(ap, fmt);
    value = mem_vprintf(v->mem, fmt, ap);
    va_end(ap);
    variables_set(v, name, value);
}

const char *variables_get(const struct variables *v, const char *name)
{
    size_t at = place_of(v, name, strlen(name));

    return at < v->n ? v->items[at] + strlen(name) + 1 : NULL;
}

struct variables variables_copy(const struct variables *v)
{
    struct variables copy = *v;

    copy.items = mem_dup(v->mem, v->items, v->room * sizeof *v->items);
    return copy;
}

const char *const *variables_done(struct variables *v)
{
    make_room(v);
    v->items[v->n] = NULL;
    return v->items;
}
