// SPDX-License-Identifier: Apache-2.0
#include "search/methods/brackets.h"

#include "base/field.h"
#include "base/mem.h"

#include <math.h>

static int n_brackets(const struct brackets *b) { return rungs_climbs(b->eta, b->least, b->most) + 1; }

void brackets_init(struct brackets *b, double eta, int64_t least, int64_t most, bool endless, int n_dims)
{
    *b = (struct brackets){ .eta = eta, .least = least, .most = most, .endless = endless, .n_dims = n_dims };
}

void brackets_done(struct brackets *b)
{
    for (int i = 0; i < b->n; i++) {
        for (int k = 0; k < b->items[i].n_rungs; k++)
            rung_done(&b->items[i].rungs[k]);
        free(b->items[i].rungs);
    }
    free(b->items);
    climbers_done(&b->climbers);
}

/* n_i of bracket s. The small term undoes rounding: 3^4 / 3^4 is 1. */
static int64_t planned(const struct brackets *b, int s, int rung)
{
    double n = ceil((double)n_brackets(b) / (s + 1) * pow(b->eta, s) - 1e-9);

    return (int64_t)floor(n / pow(b->eta, rung) + 1e-9);
}

int64_t brackets_planned(const struct brackets *b)
{
    int64_t n = 0;

    for (int s = 0; s < n_brackets(b); s++)
        for (int i = 0; i <= s; i++)
            n += planned(b, s, i);
    return n;
}

/* The next one in turn; false when the pass is over. */
static bool begin_bracket(struct brackets *b)
{
    int s = n_brackets(b) - 1 - b->n % n_brackets(b);
    CLEANUP(freep) int64_t *resources = NULL;
    struct bracket bracket = { .n_rungs = s + 1 };

    if (b->n >= n_brackets(b) && !b->endless)
        return false;
    resources = xcalloc((size_t)bracket.n_rungs, sizeof *resources);
    rungs_resources(bracket.n_rungs, b->eta, b->least, b->most, resources);
    bracket.rungs = xcalloc((size_t)bracket.n_rungs, sizeof *bracket.rungs);
    for (int i = 0; i < bracket.n_rungs; i++)
        bracket.rungs[i] = (struct rung){ .resource = resources[i], .planned = planned(b, s, i) };
    b->items = xrealloc(b->items, ((size_t)b->n + 1) * sizeof *b->items);
    b->items[b->n++] = bracket;
    return true;
}

/* How many will have entered rung i in the end, and whether that is certain already. */
static int64_t expected(const struct bracket *bracket, int i)
{
    const struct rung *below = &bracket->rungs[i - 1], *here = &bracket->rungs[i];

    if (i == 0)
        return here->planned;
    if ((int64_t)below->n_ended == expected(bracket, i - 1) && (int64_t)below->n_valued < here->planned)
        return (int64_t)below->n_valued;
    return here->planned;
}

/* A climber of rung i that is certain to be among those that go on. */
static struct climber *certain(const struct bracket *bracket, int i)
{
    const struct rung *r = &bracket->rungs[i];
    int64_t unknown = expected(bracket, i) - (int64_t)r->n_ended;

    return rung_next(r, bracket->rungs[i + 1].planned - unknown);
}

/* What this bracket has to run now; NEXT_LATER or NEXT_END: nothing. */
static struct next next_of(const struct bracket *bracket)
{
    struct rung *rungs = bracket->rungs;
    bool over = rungs[0].n_entered == rungs[0].planned;

    for (int i = bracket->n_rungs - 2; i >= 0; i--) {
        struct climber *parent = certain(bracket, i);

        if (parent)
            return (struct next){ NEXT_PROMOTION, parent, rungs[i + 1].resource };
    }
    if (!over)
        return (struct next){ NEXT_NEW, NULL, rungs[0].resource };
    for (int i = 0; i < bracket->n_rungs; i++)
        over &= (int64_t)rungs[i].n_ended == expected(bracket, i);
    return (struct next){ .kind = over ? NEXT_END : NEXT_LATER };
}

struct next brackets_next(struct brackets *b)
{
    for (int i = b->n_over; i < b->n || begin_bracket(b); i++) {
        struct next next = next_of(&b->items[i]);

        if (next.kind == NEXT_NEW || next.kind == NEXT_PROMOTION)
            return next;
        b->n_over += next.kind == NEXT_END && i == b->n_over;
    }
    return (struct next){ .kind = b->climbers.n_open ? NEXT_LATER : NEXT_END };
}

/* The first bracket that begins with this resource and has room; -1: none does. */
static int bracket_for(struct brackets *b, int64_t resource)
{
    int limit = b->n + n_brackets(b);

    for (int i = b->n_over; i < limit && (i < b->n || begin_bracket(b)); i++) {
        const struct rung *r = &b->items[i].rungs[0];

        if (r->resource == resource && r->n_entered < r->planned)
            return i;
    }
    return -1;
}

void brackets_enter(struct brackets *b, int64_t trial, const double *cube, int64_t resource, int64_t parent)
{
    struct climber *below = parent == INT_UNSET ? NULL : climbers_find(&b->climbers, parent), *climber;
    int bracket = below ? below->bracket : bracket_for(b, resource), rung = below ? below->rung + 1 : 0;

    if (bracket < 0 || rung >= b->items[bracket].n_rungs || climbers_find(&b->climbers, trial))
        return;
    climber = climbers_enter(&b->climbers, &b->items[bracket].rungs[rung], trial, cube, b->n_dims, below);
    climber->bracket = bracket;
    climber->rung = rung;
}

void brackets_end(struct brackets *b, int64_t trial, double y)
{
    struct climber *climber = climbers_find(&b->climbers, trial);

    if (climber)
        climber_end(&b->climbers, &b->items[climber->bracket].rungs[climber->rung], climber, y);
}
