// SPDX-License-Identifier: Apache-2.0
#include "cluster/cluster.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "cluster/backend.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

struct cluster {
    struct mem *mem;
    struct group *groups;
    int n_groups;
    struct group *fallback;     /* for a task that names none */
    bool unknown_is_default;
    int gpu_index[GPUS_MAX];    /* the machine's */
    int n_gpus;
};

static int64_t n_cores(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
}

static int64_t machine_memory_mib(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    int64_t kib = 0;

    if (!f)
        return 0;
    if (fscanf(f, "MemTotal: %" SCNd64 " kB", &kib) != 1)
        kib = 0;
    fclose(f);
    return kib / 1024;
}

static uint64_t mix(uint64_t h)     /* the finalizer of MurmurHash3 */
{
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

/* A UUID of version 8 (RFC 9562: vendor's own), the same for one name on every machine and day. */
static const char *uuid_of(struct mem *mem, const char *name)
{
    uint64_t high = 0xcbf29ce484222325u, low;

    for (; *name; name++)
        high = (high ^ (unsigned char)*name) * 0x100000001b3u;     /* FNV-1a */
    low = mix(high ^ 0x9e3779b97f4a7c15u);
    high = mix(high);
    return mem_printf(mem, "%08x-%04x-8%03x-%04x-%012" PRIx64, (unsigned)(high >> 32),
                      (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff,
                      0x8000 | ((unsigned)(low >> 48) & 0x3fff), low & 0xffffffffffffu);
}

/* "auto", "none" or "0,2". */
static int set_gpus(const struct cluster *c, struct group *g, const char *gpus, struct err *err)
{
    char *end;
    long index;

    if (!gpus || text_same(gpus, "auto")) {
        g->total.gpus = c->n_gpus;
        memcpy(g->gpu_index, c->gpu_index, sizeof g->gpu_index);
        return 0;
    }
    if (text_same(gpus, "none"))
        return 0;
    for (const char *at = gpus; ; at = end + 1) {
        index = strtol(at, &end, 10);
        if (end == at || index < 0 || index > 4095 || (*end != '\0' && *end != ',')
            || g->total.gpus == GPUS_MAX)
            return err_set(err, ERR_BAD_INPUT, "group.%s.gpus = %s: expected auto, none, or up to %d device "
                           "numbers as in 0,1", g->name, gpus, GPUS_MAX);
        g->gpu_index[g->total.gpus++] = (int)index;
        if (*end == '\0')
            return 0;
    }
}

static int set_group(struct cluster *c, struct group *g, const struct setting_group *s, struct err *err)
{
    const char *backend = s->backend && *s->backend ? s->backend : "local";

    g->name = mem_strdup(c->mem, s->name);
    g->id = uuid_of(c->mem, s->name);
    g->user = mem_strdup(c->mem, s->user ? s->user : "");
    g->consumer = s->consumer && *s->consumer ? mem_strdup(c->mem, s->consumer)
                                              : mem_printf(c->mem, "/%s", s->name);
    g->backend = backend_find(backend);
    if (!g->backend)
        return err_set(err, ERR_BAD_INPUT, "group.%s.backend = %s: there is no such back end", s->name, backend);
    g->total.cpus = s->slots > 0 ? s->slots : n_cores();
    g->total.memory_mib = s->memory_mib > 0 ? s->memory_mib : machine_memory_mib();
    return set_gpus(c, g, s->gpus, err);
}

static struct group *find(struct cluster *c, const char *name)
{
    for (int i = 0; i < c->n_groups; i++)
        if (strcmp(c->groups[i].name, name) == 0)
            return &c->groups[i];
    return NULL;
}

struct cluster *cluster_new(const struct settings *settings, struct err *err)
{
    CLEANUP(cluster_freep) struct cluster *c = xcalloc(1, sizeof *c);

    c->mem = mem_new();
    c->n_groups = settings->n_groups;
    c->groups = mem_alloc(c->mem, (size_t)c->n_groups * sizeof *c->groups);
    c->n_gpus = gpus_find(c->gpu_index);
    c->unknown_is_default = text_same(settings->unknown_group, "default");
    for (int i = 0; i < c->n_groups; i++)
        if (set_group(c, &c->groups[i], &settings->groups[i], err) < 0)
            return NULL;

    c->fallback = find(c, settings->default_group);
    if (!c->fallback) {
        err_set(err, ERR_BAD_INPUT, "cluster.default_group = %s: no group has that name",
                settings->default_group);
        return NULL;
    }
    return TAKE(c);
}

void cluster_free(struct cluster *c)
{
    if (!c)
        return;
    mem_free(c->mem);
    free(c);
}

static int unknown(const struct cluster *c, const char *name, struct err *err)
{
    CLEANUP(text_done) struct text names = {0};

    for (int i = 0; i < c->n_groups; i++)
        text_addf(&names, "%s%s", i ? ", " : "", c->groups[i].name);
    return err_set(err, ERR_BAD_INPUT, "there is no instance group \"%.64s\"; there is %s (an administrator adds "
                   "one with group.<name>.slots in dlpd.conf)", name, names.data);
}

struct group *cluster_group(struct cluster *c, const char *name, struct err *err)
{
    struct group *g = name && *name ? find(c, name) : c->fallback;

    if (!g && c->unknown_is_default)
        g = c->fallback;
    if (!g)
        unknown(c, name, err);
    return g;
}

struct group *cluster_group_by_id(struct cluster *c, const char *id)
{
    for (int i = 0; i < c->n_groups; i++)
        if (strcmp(c->groups[i].id, id) == 0)
            return &c->groups[i];
    return NULL;
}

struct group *cluster_each(struct cluster *c, int i) { return i < c->n_groups ? &c->groups[i] : NULL; }

bool cluster_has_gpu(const struct cluster *c)
{
    for (int i = 0; i < c->n_groups; i++)
        if (c->groups[i].total.gpus > 0)
            return true;
    return false;
}
