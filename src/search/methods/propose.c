// SPDX-License-Identifier: Apache-2.0
/* Candidates are a slice of a set of cube_size random points, and points near the best trials at
 * every distance, all within a region: the cube, or a box around the best trial whose sides follow
 * the lengths of the kernel (as in Eriksson, Pearce, Gardner, Turner & Poloczek 2019, "Scalable
 * global optimization via local Bayesian optimization", section 3). The best of them, and a few more
 * drawn by their expected improvement, may be polished by gradient in what is a number; the result is
 * rounded to what can occur and, where there are choices or grids, compared with its neighbours.
 *
 * Polishing in the whole cube is worse than none: the model knows least in the corners, the gradient
 * leads there, and in six dimensions most corners are worth nothing. */
#include "search/methods/propose.h"

#include "base/mem.h"
#include "search/methods/acquire.h"
#include "search/methods/gp.h"
#include "search/methods/lbfgs.h"
#include "search/methods/rng.h"

#include <math.h>
#include <string.h>

enum {
    SPREAD = 150,      /* candidates out of the set; three times as many of each kind find no better points */
    NEAR_BEST = 30,    /* candidates around the best trial, */
    NEAR_OTHERS = 50,  /* and around any incumbent */
    FEWEST = 25,       /* the parts that are left of each when a model is large */
    STARTS = 5,        /* points polished */
    POLISH_ROUNDS = 30,
    CHOICES_SEEN = 20, /* other values of one parameter tried in the last step */
    NEIGHBOURS = 400,
    LAST_DRAWS = 200, /* random points looked at when all candidates are taken */
};

/* Unrelated uses of the random numbers of a trial. */
enum { STREAM_SET = 1, STREAM_NEAR, STREAM_PICK, STREAM_LAST };

static const double side_least = 0.3, side_most = 3; /* of a box, by how long the kernel is there */
static const double effort = 2e7; /* candidates * points * dimensions: some 20 ms */

struct pool {
    const struct propose *p;
    double *lo, *hi; /* [d] the region; of what is a number */
    double *x;       /* [room × d] */
    double *value; /* [room] log expected improvement */
    double *mean, *variance;
    int n, room;
    uint32_t n_drawn;
};

static double *candidate(const struct pool *c, int i)
{
    return c->x + (size_t)i * (size_t)c->p->coords->d;
}

static double draw(struct pool *c, uint32_t stream)
{
    return rng_uniform(c->p->seed, (uint64_t)c->p->trial, c->n_drawn++, stream);
}

static double draw_normal(struct pool *c, uint32_t stream) /* Box & Muller 1958 */
{
    double u = 1 - draw(c, stream), v = draw(c, stream);

    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static double random_coordinate(const struct propose *p, int i, double u)
{
    return p->coords->category[i] ? floor(u * (double)coords_values(p->coords, i)) : u;
}

static void random_point(const struct propose *p, uint64_t index, uint32_t stream, double *ret)
{
    for (int i = 0; i < p->coords->d; i++)
        ret[i] = random_coordinate(p, i, rng_uniform(p->seed, index, (uint32_t)i, stream));
    coords_snap(p->coords, ret);
}

/* --- the region --- */

/* The logarithm of a typical length of the kernel. */
static double mean_length(const struct propose *p)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < p->coords->d; i++) {
        if (p->coords->category[i])
            continue;
        sum -= 0.5 * log(p->gp->weight[i]);
        n++;
    }
    return n ? sum / n : 0;
}

static void set_region(struct pool *c)
{
    const struct propose *p = c->p;
    double mean = mean_length(p);

    for (int i = 0; i < p->coords->d; i++) {
        double length = exp(-0.5 * log(p->gp->weight[i]) - mean);
        double side = p->box > 0 ? p->box * fmin(fmax(length, side_least), side_most) : HUGE_VAL;

        c->lo[i] = fmax(p->incumbents[0][i] - side / 2, 0);
        c->hi[i] = fmin(p->incumbents[0][i] + side / 2, 1);
    }
}

/* Into the region, and to what can occur. */
static void settle(const struct pool *c, double *x)
{
    for (int i = 0; i < c->p->coords->d; i++)
        if (!c->p->coords->category[i])
            x[i] = fmin(fmax(x[i], c->lo[i]), c->hi[i]);
    coords_snap(c->p->coords, x);
}

/* --- candidates --- */

/* The next slice of the set, which begins anew at its end; laid out over the region. */
static void add_spread(struct pool *c, int n)
{
    const struct coords *coords = c->p->coords;
    uint64_t size = (uint64_t)c->p->cube_size;

    for (int k = 0; k < n && k < c->p->cube_size; k++) {
        uint64_t index = ((uint64_t)c->p->trial * SPREAD + (uint64_t)k) % size;
        double *x = candidate(c, c->n++);

        for (int i = 0; i < coords->d; i++) {
            double u = rng_uniform(c->p->seed, index, (uint32_t)i, STREAM_SET);

            x[i] = coords->category[i] ? random_coordinate(c->p, i, u) : c->lo[i] + u * (c->hi[i] - c->lo[i]);
        }
        coords_snap(coords, x);
    }
}

/* A few coordinates moved, all by one of the scales from a thousandth to a third of the range. */
static void add_near(struct pool *c, const double *around)
{
    const struct coords *k = c->p->coords;
    double *x = candidate(c, c->n++), scale = pow(10, -3 + 2.5 * draw(c, STREAM_NEAR));
    double share = fmin(1, fmax(0.3, 1.5 / k->d));

    memcpy(x, around, (size_t)k->d * sizeof *x);
    for (int i = 0; i < k->d; i++) {
        if (k->category[i]) {
            if (draw(c, STREAM_NEAR) < 0.2)
                x[i] = random_coordinate(c->p, i, draw(c, STREAM_NEAR));
        } else if (draw(c, STREAM_NEAR) < share) {
            x[i] += scale * draw_normal(c, STREAM_NEAR);
        }
    }
    settle(c, x);
}

static void score(struct pool *c, int from)
{
    double a, b;

    gp_predict(c->p->gp, candidate(c, from), c->n - from, c->mean + from, c->variance + from);
    for (int i = from; i < c->n; i++)
        c->value[i] = log_ei(c->p->best, c->mean[i], c->variance[i], &a, &b);
}

static int best_of(const struct pool *c)
{
    int best = 0;

    for (int i = 1; i < c->n; i++)
        if (c->value[i] > c->value[best])
            best = i;
    return best;
}

/* --- polishing --- */

struct polish {
    const struct propose *p;
    const double *start;                   /* categories stay */
    double *x, *mean_grad, *variance_grad; /* [d] */
};

static double minus_log_ei(void *arg, const double *x, double *ret_grad)
{
    struct polish *q = arg;
    const struct coords *k = q->p->coords;
    double mean, variance, by_mean, by_variance, value;

    for (int i = 0; i < k->d; i++)
        q->x[i] = k->category[i] ? q->start[i] : x[i];
    gp_gradient(q->p->gp, q->x, &mean, &variance, q->mean_grad, q->variance_grad);
    value = log_ei(q->p->best, mean, variance, &by_mean, &by_variance);
    for (int i = 0; i < k->d; i++)
        ret_grad[i] = -(by_mean * q->mean_grad[i] + by_variance * q->variance_grad[i]);
    return -value;
}

/* Adds what climbing from candidate `from` leads to. */
static void add_polished(struct pool *c, int from)
{
    const struct coords *k = c->p->coords;
    size_t d = (size_t)k->d;
    CLEANUP(freep) double *memory = xcalloc(d * 5 + 1, sizeof *memory);
    struct polish q = { .p = c->p,
                        .start = candidate(c, from),
                        .x = memory,
                        .mean_grad = memory + d,
                        .variance_grad = memory + 2 * d };
    double *lo = memory + 3 * d, *hi = memory + 4 * d;
    const struct lbfgs problem = { .n = k->d,
                                   .lo = lo,
                                   .hi = hi,
                                   .max_rounds = POLISH_ROUNDS,
                                   .small_enough = 1e-6,
                                   .fn = minus_log_ei,
                                   .arg = &q };
    double *x = candidate(c, c->n++);

    for (size_t i = 0; i < d; i++) {
        lo[i] = k->category[i] ? q.start[i] : c->lo[i];
        hi[i] = k->category[i] ? q.start[i] : c->hi[i];
    }
    memcpy(x, q.start, d * sizeof *x);
    lbfgs_minimise(&problem, x);
    settle(c, x);
}

/* One of the first n candidates, by its expected improvement; `top` is the largest. */
static int pick(struct pool *c, int n, double top)
{
    double sum = 0, at;

    for (int i = 0; i < n; i++)
        sum += exp(c->value[i] - top);
    at = draw(c, STREAM_PICK) * sum;
    for (int i = 0; i < n; i++) {
        at -= exp(c->value[i] - top);
        if (at < 0)
            return i;
    }
    return best_of(c);
}

static void add_starts(struct pool *c)
{
    int n = c->n, first = best_of(c), started[STARTS];
    double top = c->value[first];

    if (coords_numbers(c->p->coords) == 0)
        return;
    for (int s = 0; s < STARTS; s++) {
        bool again = false;

        started[s] = s ? pick(c, n, top) : first;
        for (int k = 0; k < s; k++)
            again |= started[k] == started[s];
        if (!again)
            add_polished(c, started[s]);
    }
    score(c, n);
}

/* --- neighbours --- */

static void add_changed(struct pool *c, int from, int i, double value)
{
    double *x;

    if (c->n == c->room)
        return;
    x = candidate(c, c->n++);
    memcpy(x, candidate(c, from), (size_t)c->p->coords->d * sizeof *x);
    x[i] = value;
    coords_snap(c->p->coords, x);
}

/* Points that differ from the best in one choice or one step. */
static void add_neighbours(struct pool *c)
{
    const struct coords *k = c->p->coords;
    int best = best_of(c), n = c->n;

    for (int i = 0; i < k->d; i++) {
        int64_t values = coords_values(k, i);
        double here = candidate(c, best)[i];

        if (!values)
            continue;
        if (!k->category[i]) {
            add_changed(c, best, i, here - 1.0 / (double)values);
            add_changed(c, best, i, here + 1.0 / (double)values);
        } else if (values <= CHOICES_SEEN) {
            for (int v = 0; v < values; v++)
                add_changed(c, best, i, v);
        } else {
            for (int v = 0; v < CHOICES_SEEN; v++)
                add_changed(c, best, i, random_coordinate(c->p, i, draw(c, STREAM_PICK)));
        }
    }
    if (c->n > n)
        score(c, n);
}

/* --- the choice --- */

/* Takes candidates from the best down; those that were tried get no value. */
static bool choose(struct pool *c, double *ret_x)
{
    for (int tries = 0; tries < c->n; tries++) {
        int best = best_of(c);
        const double *x = candidate(c, best);

        if (isinf(c->value[best]))
            return false;
        memcpy(ret_x, x, (size_t)c->p->coords->d * sizeof *x);
        if (!c->p->taken(c->p->arg, ret_x))
            return true;
        c->value[best] = -HUGE_VAL;
    }
    return false;
}

/* A number between FEWEST parts of a hundred and all, so that the work stays bounded. */
static int afford(const struct propose *p, int n)
{
    double work = (double)(SPREAD + NEAR_BEST + NEAR_OTHERS) * (p->gp->n + 1) * (p->coords->d + 1);

    return (int)ceil(n * fmin(1, fmax(FEWEST / 100.0, effort / work)));
}

void propose(const struct propose *p, double *ret_x)
{
    size_t room = SPREAD + NEAR_BEST + NEAR_OTHERS + STARTS + NEIGHBOURS, d = (size_t)p->coords->d;
    CLEANUP(freep) double *memory = xcalloc(room * (d + 3) + 2 * d, sizeof *memory);
    struct pool c = { .p = p, .x = memory, .value = memory + room * d, .room = (int)room };

    c.mean = c.value + room;
    c.variance = c.mean + room;
    c.lo = c.variance + room;
    c.hi = c.lo + d;
    set_region(&c);
    add_spread(&c, afford(p, SPREAD));
    for (int i = afford(p, NEAR_BEST); i > 0; i--)
        add_near(&c, p->incumbents[0]);
    for (int i = afford(p, NEAR_OTHERS); i > 0; i--)
        add_near(&c, p->incumbents[(int)(draw(&c, STREAM_PICK) * p->n_incumbents)]);
    score(&c, 0);
    if (p->climb)
        add_starts(&c);
    add_neighbours(&c);
    if (choose(&c, ret_x))
        return;
    for (int i = 0; i < LAST_DRAWS; i++) {
        random_point(p, (uint64_t)p->trial * LAST_DRAWS + (uint64_t)i, STREAM_LAST, ret_x);
        if (!p->taken(p->arg, ret_x))
            return;
    }
}
