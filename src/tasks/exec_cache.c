// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_cache.h"

#include "base/mem.h"
#include "base/text.h"

#include <pthread.h>
#include <string.h>

enum {
    PLACES = 256,           /* a record has one place, by the hash of its id; about 1 KiB each when taken */
    RECORD_MAX = 16 << 10,  /* bytes; args may be long, and such a record is not worth the memory */
};

struct place {
    char *id, *owner;       /* NULL: free */
    uint64_t commits;
    struct text json;
};

struct exec_cache {
    pthread_mutex_t lock;   /* held for a copy of a record: shorter than a turn of the scheduler */
    struct place places[PLACES];
};

struct exec_cache *exec_cache_new(void)
{
    struct exec_cache *c = xcalloc(1, sizeof *c);

    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void place_clear(struct place *p)
{
    free(p->id);
    free(p->owner);
    text_done(&p->json);
    *p = (struct place){0};
}

void exec_cache_free(struct exec_cache *c)
{
    if (!c)
        return;
    for (int i = 0; i < PLACES; i++)
        place_clear(&c->places[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static struct place *place_of(struct exec_cache *c, const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return &c->places[hash % PLACES];
}

bool exec_cache_find(struct exec_cache *c, const char *id, uint64_t commits, const char *user, struct text *json)
{
    struct place *p = place_of(c, id);
    bool found;

    pthread_mutex_lock(&c->lock);
    found = p->id && p->commits == commits && strcmp(p->id, id) == 0 && (!user || strcmp(p->owner, user) == 0);
    if (found)
        text_add_n(json, p->json.data, p->json.len);
    pthread_mutex_unlock(&c->lock);
    return found;
}

void exec_cache_keep(struct exec_cache *c, const char *id, uint64_t commits, const char *owner, const struct text *json)
{
    struct place *p = place_of(c, id);

    if (json->len > RECORD_MAX)
        return;
    pthread_mutex_lock(&c->lock);
    if (!p->id || strcmp(p->id, id) != 0) {
        place_clear(p);
        p->id = xstrdup(id);
        p->owner = xstrdup(owner);
    }
    p->commits = commits;
    text_clear(&p->json);
    text_add_n(&p->json, json->data, json->len);
    pthread_mutex_unlock(&c->lock);
}
