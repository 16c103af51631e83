// SPDX-License-Identifier: Apache-2.0
#include "accounts/known.h"

#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>

/* Direct-mapped: each key has one place, and two that share it push each other out, which costs a
 * check and nothing else. 1024 places of 170 bytes are resident only once used. */
enum { N_PLACES = 1024 };

struct place {
    bool used;
    struct login_key key;
    struct who who;
};

struct known {
    pthread_mutex_t lock;
    uint64_t epoch;
    struct place places[N_PLACES];
};

struct known *known_new(void)
{
    struct known *k = xcalloc(1, sizeof *k);

    pthread_mutex_init(&k->lock, NULL);
    return k;
}

void known_free(struct known *k)
{
    if (!k)
        return;
    pthread_mutex_destroy(&k->lock);
    sodium_memzero(k, sizeof *k);
    free(k);
}

static struct place *place_of(struct known *k, const struct login_key *key)
{
    uint16_t i;

    memcpy(&i, key->bytes, sizeof i);       /* a hash: any bits are as good */
    return &k->places[i % N_PLACES];
}

static bool holds(const struct place *p, const struct login_key *key)
{
    return p->used && sodium_memcmp(p->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

bool known_find(struct known *k, const struct login_key *key, int64_t now_ms, struct who *ret)
{
    struct place *p = place_of(k, key);
    bool found;

    pthread_mutex_lock(&k->lock);
    found = holds(p, key) && now_ms < p->who.until_ms;
    if (found)
        *ret = p->who;
    pthread_mutex_unlock(&k->lock);
    return found;
}

uint64_t known_epoch(struct known *k)
{
    uint64_t epoch;

    pthread_mutex_lock(&k->lock);
    epoch = k->epoch;
    pthread_mutex_unlock(&k->lock);
    return epoch;
}

void known_add(struct known *k, const struct login_key *key, const struct who *who, uint64_t epoch)
{
    pthread_mutex_lock(&k->lock);
    if (k->epoch == epoch)
        *place_of(k, key) = (struct place){ .used = true, .key = *key, .who = *who };
    pthread_mutex_unlock(&k->lock);
}

void known_drop(struct known *k, const struct login_key *key)
{
    struct place *p = place_of(k, key);

    pthread_mutex_lock(&k->lock);
    if (holds(p, key))
        p->used = false;
    pthread_mutex_unlock(&k->lock);
}

void known_forget_user(struct known *k, const char *user)
{
    pthread_mutex_lock(&k->lock);
    k->epoch++;
    for (struct place *p = k->places; p < k->places + N_PLACES; p++)
        if (p->used && strcmp(p->who.user, user) == 0)
            p->used = false;
    pthread_mutex_unlock(&k->lock);
}

void known_forget_token(struct known *k, int64_t token_id)
{
    pthread_mutex_lock(&k->lock);
    k->epoch++;
    for (struct place *p = k->places; p < k->places + N_PLACES; p++)
        if (p->used && p->who.token_id == token_id)
            p->used = false;
    pthread_mutex_unlock(&k->lock);
}
