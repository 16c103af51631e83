// SPDX-License-Identifier: Apache-2.0
#include "tasks/queue.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

struct share {                  /* what one user holds */
    struct share *next;
    char *user;
    int64_t slots;              /* running */
    int64_t n_lanes;
};

/* Tasks that differ in nothing but their order: of one user, one priority, with or without GPUs. Only the
 * first of each can be next, so picking looks at a few lanes and not at thousands of tasks. */
struct lane {
    struct lane *next;
    struct share *share;
    int64_t priority;
    bool gpus;
    struct queue_item *first, *last;
};

struct queue {
    struct lane *lanes;
    struct share *shares;
};

struct queue *queue_new(void)
{
    return xcalloc(1, sizeof(struct queue));
}

void queue_free(struct queue *q)
{
    struct share *s, *next;

    if (!q)
        return;
    assert(!q->lanes);
    for (s = q->shares; s; s = next) {
        next = s->next;
        free(s->user);
        free(s);
    }
    free(q);
}

static struct share *find_share(struct queue *q, const char *user)
{
    struct share *s = q->shares;

    while (s && strcmp(s->user, user) != 0)
        s = s->next;
    if (s)
        return s;
    s = xcalloc(1, sizeof *s);
    s->user = xstrdup(user);
    s->next = q->shares;
    q->shares = s;
    return s;
}

/* Forgets a user with nothing queued and nothing running. */
static void drop_share(struct queue *q, struct share *share)
{
    struct share **at = &q->shares;

    if (share->slots != 0 || share->n_lanes != 0)
        return;
    while (*at != share)
        at = &(*at)->next;
    *at = share->next;
    free(share->user);
    free(share);
}

static struct lane *find_lane(struct queue *q, const struct queue_item *item)
{
    struct share *share = find_share(q, item->user);
    bool gpus = item->need.gpus > 0;
    struct lane *lane = q->lanes;

    while (lane && (lane->share != share || lane->priority != item->priority || lane->gpus != gpus))
        lane = lane->next;
    if (lane)
        return lane;
    lane = xcalloc(1, sizeof *lane);
    *lane = (struct lane){ .next = q->lanes, .share = share, .priority = item->priority, .gpus = gpus };
    share->n_lanes++;
    q->lanes = lane;
    return lane;
}

/* By seq; nearly always at the end. */
void queue_add(struct queue *q, struct queue_item *item)
{
    struct lane *lane = find_lane(q, item);
    struct queue_item *before = lane->last;

    while (before && before->seq > item->seq)
        before = before->prev;
    item->lane = lane;
    item->prev = before;
    item->next = before ? before->next : lane->first;
    *(item->next ? &item->next->prev : &lane->last) = item;
    *(before ? &before->next : &lane->first) = item;
}

void queue_remove(struct queue *q, struct queue_item *item)
{
    struct lane *lane = item->lane, **at = &q->lanes;

    if (!lane)
        return;
    *(item->next ? &item->next->prev : &lane->last) = item->prev;
    *(item->prev ? &item->prev->next : &lane->first) = item->next;
    item->next = item->prev = NULL;
    item->lane = NULL;
    if (lane->first)
        return;
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    lane->share->n_lanes--;
    drop_share(q, lane->share);
    free(lane);
}

static bool goes_before(const struct lane *a, const struct lane *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a->share->slots != b->share->slots)
        return a->share->slots < b->share->slots;
    return a->first->seq < b->first->seq;
}

static struct queue_item *head(const struct queue *q, bool without_gpus)
{
    const struct lane *best = NULL;

    for (const struct lane *lane = q->lanes; lane; lane = lane->next)
        if (!(without_gpus && lane->gpus) && (!best || goes_before(lane, best)))
            best = lane;
    return best ? best->first : NULL;
}

static bool fits_but_for_gpus(const struct group *g, const struct need *need)
{
    return g->used.cpus + need->cpus <= g->total.cpus
        && g->used.memory_mib + need->memory_mib <= g->total.memory_mib;
}

static bool fits(const struct group *g, const struct need *need)
{
    return fits_but_for_gpus(g, need) && g->used.gpus + need->gpus <= g->total.gpus;
}

struct queue_item *queue_pick(const struct queue *q, const struct group *group)
{
    struct queue_item *item = head(q, /* without_gpus= */ false);

    if (!item || fits(group, &item->need))
        return item;
    if (!fits_but_for_gpus(group, &item->need))
        return NULL;
    item = head(q, /* without_gpus= */ true);
    return item && fits(group, &item->need) ? item : NULL;
}

void queue_account(struct queue *q, const char *user, int64_t slots)
{
    struct share *share = find_share(q, user);

    share->slots += slots;
    drop_share(q, share);
}
