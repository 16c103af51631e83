// SPDX-License-Identifier: Apache-2.0
#include "search/methods/rungs.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

void climbers_done(struct climbers *c)
{
    for (size_t i = 0; i < c->room; i++)
        free(c->items[i]);
    free(c->items);
    *c = (struct climbers){0};
}

struct climber *climbers_find(const struct climbers *c, int64_t trial)
{
    return trial >= 0 && (size_t)trial < c->room ? c->items[trial] : NULL;
}

static void make_room(struct climbers *c, size_t room)
{
    size_t old = c->room;

    if (room <= old)
        return;
    c->room = room < 2 * old ? 2 * old : room + 64;
    c->items = xrealloc(c->items, c->room * sizeof(struct climber *));
    memset(c->items + old, 0, (c->room - old) * sizeof(struct climber *));
}

struct climber *climbers_enter(struct climbers *c, struct rung *r, int64_t trial, const double *cube, int n_dims,
                               struct climber *parent)
{
    struct climber *climber = xcalloc(1, sizeof *climber + (size_t)n_dims * sizeof *cube);

    make_room(c, (size_t)trial + 1);
    c->items[trial] = climber;
    c->n_open++;
    r->n_entered++;
    climber->trial = trial;
    climber->y = NAN;
    memcpy(climber->cube, cube, (size_t)n_dims * sizeof *cube);
    if (parent)
        parent->promoted = true;
    return climber;
}

static bool before(const struct climber *a, const struct climber *b)
{
    if (isnan(a->y) != isnan(b->y))
        return isnan(b->y);
    return a->y < b->y || (!(b->y < a->y) && a->trial < b->trial);
}

void climber_end(struct climbers *c, struct rung *r, struct climber *climber, double y)
{
    size_t at = r->n_ended;

    if (climber->ended)
        return;
    climber->ended = true;
    climber->y = isfinite(y) ? y : NAN;
    c->n_open--;
    if (r->n_ended == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->ended = xrealloc(r->ended, r->room * sizeof(struct climber *));
    }
    while (at > 0 && before(climber, r->ended[at - 1]))
        at--;
    memmove(r->ended + at + 1, r->ended + at, (r->n_ended - at) * sizeof(struct climber *));
    r->ended[at] = climber;
    r->n_ended++;
    r->n_valued += !isnan(climber->y);
}

void rung_done(struct rung *r)
{
    free(r->ended);
    *r = (struct rung){0};
}

struct climber *rung_next(const struct rung *r, int64_t n_best)
{
    for (size_t i = 0; i < r->n_valued && (int64_t)i < n_best; i++)
        if (!r->ended[i]->promoted)
            return r->ended[i];
    return NULL;
}

void rungs_resources(int n, double eta, int64_t least, int64_t most, int64_t *ret)
{
    for (int k = 0; k < n; k++) {
        int64_t resource = llround((double)most / pow(eta, n - 1 - k)), lowest = k ? ret[k - 1] + 1 : least,
                highest = most - (n - 1 - k);

        ret[k] = resource > highest ? highest : resource < lowest ? lowest : resource;
    }
}

int rungs_climbs(double eta, int64_t least, int64_t most)
{
    int64_t climbs = (int64_t)floor(log((double)most / (double)least) / log(eta) + 1e-9);

    return (int)(climbs < most - least ? climbs : most - least);
}
