// SPDX-License-Identifier: Apache-2.0
#include "accounts/throttle.h"

#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    FORGET_MS = 15 * 60 * 1000,
    FIRST_WAIT_MS = 1000,
    N_SETS = 256, N_WAYS = 8,       /* 2048 counts; a full set gives up the one with the fewest */
};

enum scope { PAIR, ADDRESS, ACCOUNT, N_SCOPES };

static const struct {
    int n_free;
    int64_t longest_ms;
} rules[N_SCOPES] = {
    [PAIR]    = { 5, 60000 },
    [ADDRESS] = { 30, 60000 },
    [ACCOUNT] = { 50, 10000 },
};

struct count {
    uint64_t key;       /* 0: unused */
    int n;              /* wrong passwords */
    int64_t last_ms;    /* when the last one came */
};

struct throttle {
    pthread_mutex_t lock;
    unsigned char hash_key[crypto_shorthash_KEYBYTES];  /* so that nobody can aim at a set */
    struct count counts[N_SETS][N_WAYS];
};

struct throttle *throttle_new(void)
{
    struct throttle *t = xcalloc(1, sizeof *t);

    pthread_mutex_init(&t->lock, NULL);
    crypto_shorthash_keygen(t->hash_key);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static uint64_t key_of(const struct throttle *t, enum scope scope, const char *user,
                       const char *address)
{
    unsigned char hash[crypto_shorthash_BYTES];
    char text[256];
    uint64_t key;

    snprintf(text, sizeof text, "%d %s %s", scope, scope == ADDRESS ? "" : user,
             scope == ACCOUNT ? "" : address);
    crypto_shorthash(hash, (const unsigned char *)text, strlen(text), t->hash_key);
    memcpy(&key, hash, sizeof key);
    return key | 1;
}

static struct count *find(struct throttle *t, uint64_t key)
{
    struct count *set = t->counts[(key >> 1) % N_SETS];

    for (int i = 0; i < N_WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* A place for the key: unused, forgotten, or the one with the fewest failures. */
static struct count *claim(struct throttle *t, uint64_t key, int64_t now_ms)
{
    struct count *set = t->counts[(key >> 1) % N_SETS], *least = set;

    for (int i = 0; i < N_WAYS; i++) {
        if (set[i].key == 0 || now_ms - set[i].last_ms > FORGET_MS) {
            least = &set[i];
            break;
        }
        if (set[i].n < least->n)
            least = &set[i];
    }
    *least = (struct count){ .key = key };
    return least;
}

static int64_t wait_of(const struct count *c, enum scope scope, int64_t now_ms)
{
    int over = c->n - rules[scope].n_free;
    int64_t wait_ms;

    if (over <= 0 || now_ms - c->last_ms > FORGET_MS)
        return 0;
    wait_ms = over > 16 ? rules[scope].longest_ms : (int64_t)FIRST_WAIT_MS << (over - 1);
    if (wait_ms > rules[scope].longest_ms)
        wait_ms = rules[scope].longest_ms;
    wait_ms -= now_ms - c->last_ms;
    return wait_ms > 0 ? wait_ms : 0;
}

int64_t throttle_wait_ms(struct throttle *t, const char *user, const char *address, int64_t now_ms)
{
    int64_t longest = 0, wait_ms;
    struct count *c;

    pthread_mutex_lock(&t->lock);
    for (enum scope scope = PAIR; scope < N_SCOPES; scope++) {
        c = find(t, key_of(t, scope, user, address));
        wait_ms = c ? wait_of(c, scope, now_ms) : 0;
        if (wait_ms > longest)
            longest = wait_ms;
    }
    pthread_mutex_unlock(&t->lock);
    return longest;
}

void throttle_failed(struct throttle *t, const char *user, const char *address, int64_t now_ms)
{
    struct count *c;
    uint64_t key;

    pthread_mutex_lock(&t->lock);
    for (enum scope scope = PAIR; scope < N_SCOPES; scope++) {
        key = key_of(t, scope, user, address);
        c = find(t, key);
        if (!c || now_ms - c->last_ms > FORGET_MS)
            c = claim(t, key, now_ms);
        c->n++;
        c->last_ms = now_ms;
    }
    pthread_mutex_unlock(&t->lock);
}

void throttle_succeeded(struct throttle *t, const char *user, const char *address)
{
    struct count *c;

    pthread_mutex_lock(&t->lock);
    c = find(t, key_of(t, PAIR, user, address));
    if (c)
        *c = (struct count){0};
    pthread_mutex_unlock(&t->lock);
}
