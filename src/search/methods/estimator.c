// SPDX-License-Identifier: Apache-2.0
#include "search/methods/estimator.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { STREAM_MODEL = 1, BAD_MAX = 128, GOOD_MIN = 2 };

/* Measured; see algorithms/tpe.c. */
static const double bad_width = 0.5;
static const double weight_power = 5;                   /* of the rank of a good point */
static const double settled = 20, narrowing = 0.3;      /* good widths shrink as (points / settled)^-narrowing */
static const double widening = 0.16, most_wide = 15;    /* all grow as (1 + points under way, to so many)^widening */
static const double pending_weight = 0.25;              /* of a point under way among the bad ones */
static const double middle_share = 1.7;                 /* so many times the good points have a middle, a kernel that */
static const double middle_weight = 2;                  /* has so many times the weight of all of those */

const struct estimator_params estimator_usual = { .candidates = 24, .good_max = 25, .good_ratio = 0.15 };

struct ranked {
    double loss;        /* INFINITY: failed */
    int64_t trial;
    uint64_t hash;      /* of x */
    double *x;          /* [n_axes] */
};

void evidence_init(struct evidence *e, const struct space *space)
{
    *e = (struct evidence){ .space = space, .countable = true };
    e->axes = xcalloc((size_t)space->n_dims + 1, sizeof *e->axes);
    e->n_axes = axes_of(space, e->axes);
    for (int i = 0; i < e->n_axes; i++)
        e->countable &= e->axes[i].kind != AXIS_REAL || e->axes[i].snap;
}

static void ranking_done(struct ranking *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->items[i].x);
    free(r->items);
}

void evidence_done(struct evidence *e)
{
    ranking_done(&e->told);
    ranking_done(&e->pending);
    free(e->axes);
}

/* --- what is known --- */

static uint64_t hash_point(const double *x, int n)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (int i = 0; i < n; i++) {
        uint64_t bits;

        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    return h;
}

static bool before(const struct ranked *p, const struct ranked *q)
{
    return p->loss < q->loss || (p->loss == q->loss && p->trial < q->trial);
}

static void ranking_add(struct ranking *list, struct ranked p)
{
    size_t low = 0, high = list->n;

    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->items = xrealloc(list->items, list->cap * sizeof *list->items);
    }
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (before(&list->items[middle], &p))
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&list->items[low + 1], &list->items[low], (list->n - low) * sizeof *list->items);
    list->items[low] = p;
    list->n++;
}

static void ranking_drop(struct ranking *list, int64_t trial)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].trial != trial)
            continue;
        free(list->items[i].x);
        list->n--;
        memmove(&list->items[i], &list->items[i + 1], (list->n - i) * sizeof *list->items);
        return;
    }
}

static void add(struct evidence *e, struct ranking *to, int64_t trial, const double *cube, double loss)
{
    struct ranked p = { .trial = trial, .loss = isfinite(loss) ? loss : INFINITY };

    ranking_drop(&e->pending, trial);
    p.x = xcalloc((size_t)e->n_axes + 1, sizeof *p.x);
    axes_point(e->axes, e->n_axes, cube, p.x);
    p.hash = hash_point(p.x, e->n_axes);
    ranking_add(to, p);
}

void evidence_tell(struct evidence *e, int64_t trial, const double *cube, double loss)
{
    add(e, &e->told, trial, cube, loss);
}

void evidence_pending(struct evidence *e, int64_t trial, const double *cube)
{
    add(e, &e->pending, trial, cube, INFINITY);
}

size_t evidence_valued(const struct evidence *e)
{
    size_t n = e->told.n;

    while (n && isinf(e->told.items[n - 1].loss))
        n--;
    return n;
}

static bool was_tried(const struct evidence *e, const double *x)
{
    const struct ranking *lists[] = { &e->told, &e->pending };
    uint64_t hash = hash_point(x, e->n_axes);

    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < lists[l]->n; i++)
            if (lists[l]->items[i].hash == hash)
                return true;
    return false;
}

/* --- the model --- */

static size_t count_good(const struct evidence *e, const struct estimator_params *p)
{
    double n = ceil(p->good_ratio * (double)e->told.n);
    size_t good = (size_t)fmin(fmin(n, (double)p->good_max), (double)e->told.n);

    if (good < GOOD_MIN)
        good = e->told.n < GOOD_MIN ? e->told.n : GOOD_MIN;
    while (good && isinf(e->told.items[good - 1].loss))
        good--;
    return good;
}

static double widened(const struct evidence *e) { return pow(1 + fmin((double)e->pending.n, most_wide), widening); }

/* The weighted mean of the best points, with the weights of CMA-ES; choices are those of the best. */
static const double *middle(const struct evidence *e, size_t n_good, struct mem *mem)
{
    size_t share = (size_t)ceil(middle_share * (double)n_good), valued = evidence_valued(e);
    size_t n = share < valued ? share : valued;
    double *x = mem_alloc(mem, ((size_t)e->n_axes + 1) * sizeof *x), total = 0;

    for (size_t i = 0; i < n; i++) {
        double weight = log((double)n + 0.5) - log((double)i + 1);

        total += weight;
        for (int a = 0; a < e->n_axes; a++)
            x[a] += weight * e->told.items[i].x[a];
    }
    for (int a = 0; a < e->n_axes; a++) {
        x[a] /= total;
        if (e->axes[a].kind == AXIS_GRID)
            x[a] = nearbyint(x[a]);
        else if (e->axes[a].kind == AXIS_CHOICE)
            x[a] = e->told.items[0].x[a];
    }
    return x;
}

static void fit_good(const struct evidence *e, size_t n, struct mem *mem, struct parzen *ret)
{
    const double **x = mem_alloc(mem, (n + 1) * sizeof *x);
    double *weights = mem_alloc(mem, (n + 1) * sizeof *weights);
    double width = widened(e) * pow(fmax((double)e->told.n / settled, 1), -narrowing);
    bool by_middle = e->pending.n && n > 1;

    for (size_t i = 0; i < n; i++) {
        x[i] = e->told.items[i].x;
        weights[i] = pow((double)(n - i) / (double)n, weight_power);
        weights[n] += middle_weight * weights[i];
    }
    if (by_middle)
        x[n] = middle(e, n, mem);
    parzen_fit(e->axes, e->n_axes, x, weights, (int)n + by_middle, width, mem, ret);
}

/* The rest, thinned, and what is under way. */
static void fit_bad(const struct evidence *e, size_t n_good, struct mem *mem,
                    struct parzen *ret)
{
    size_t rest = e->told.n - n_good, take = rest < BAD_MAX ? rest : BAD_MAX;
    size_t late = e->pending.n < BAD_MAX ? e->pending.n : BAD_MAX;
    const double **x = mem_alloc(mem, (take + late + 1) * sizeof *x);
    double *weights = mem_alloc(mem, (take + late + 1) * sizeof *weights);

    for (size_t i = 0; i < take; i++)
        x[i] = e->told.items[n_good + i * rest / take].x;
    for (size_t i = 0; i < late; i++)
        x[take + i] = e->pending.items[e->pending.n - 1 - i].x;
    for (size_t i = 0; i < take + late; i++)
        weights[i] = i < take ? 1 : pending_weight;
    parzen_fit(e->axes, e->n_axes, x, weights, (int)(take + late), bad_width * widened(e), mem, ret);
}

/* Candidates drawn from one model, and the best of them so far. */
struct candidates {
    const struct evidence *evidence;
    struct parzen good, bad;
    enum parzen_form form;
    struct draws draws;
    double *points;             /* [PARZEN_LANES x n_axes] the last ones */
    double *lanes;              /* [n_axes x PARZEN_LANES] the same */
    double *scratch;            /* of the densities */
    double *best, top;          /* [n_axes]; its gain */
    bool best_is_new;
};

static void consider(struct candidates *c, const double *x, double gain)
{
    bool is_new = !c->evidence->countable || !was_tried(c->evidence, x);

    if (is_new < c->best_is_new || (is_new == c->best_is_new && !(gain > c->top)))
        return;
    c->best_is_new = is_new;
    c->top = gain;
    memcpy(c->best, x, (size_t)c->evidence->n_axes * sizeof *x);
}

/* At most PARZEN_LANES. */
static void consider_more(struct candidates *c, int n)
{
    int n_axes = c->evidence->n_axes;
    double good[PARZEN_LANES], bad[PARZEN_LANES];

    for (int l = 0; l < n; l++) {
        double *x = &c->points[l * n_axes];

        parzen_sample(&c->good, c->form, &c->draws, x);
        for (int i = 0; i < n_axes; i++)
            c->lanes[i * PARZEN_LANES + l] = x[i];
    }
    parzen_log_densities(&c->good, c->form, c->lanes, c->scratch, good);
    parzen_log_densities(&c->bad, c->form, c->lanes, c->scratch, bad);
    for (int l = 0; l < n; l++)
        consider(c, &c->points[l * n_axes], good[l] - bad[l]);
}

void evidence_suggest(const struct evidence *e, const struct estimator_params *p, uint64_t seed, int64_t trial,
                      double *ret_cube)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct candidates c = {
        .evidence = e, .form = trial % 2 ? PARZEN_JOINT : PARZEN_SEPARATE, .top = -INFINITY,
        .draws = { .seed = seed, .trial = (uint64_t)trial, .stream = STREAM_MODEL },
    };
    size_t n_good = count_good(e, p), n_axes = (size_t)e->n_axes + 1;

    fit_good(e, n_good, mem, &c.good);
    fit_bad(e, n_good, mem, &c.bad);
    c.points = mem_alloc(mem, n_axes * PARZEN_LANES * sizeof *c.points);
    c.lanes = mem_alloc(mem, n_axes * PARZEN_LANES * sizeof *c.lanes);
    c.best = mem_alloc(mem, n_axes * sizeof *c.best);
    c.scratch = mem_alloc(mem, ((size_t)c.good.n + (size_t)c.bad.n + 1) * PARZEN_LANES * sizeof *c.scratch);
    for (int64_t left = p->candidates; left > 0; left -= PARZEN_LANES)
        consider_more(&c, left < PARZEN_LANES ? (int)left : PARZEN_LANES);
    axes_cube(e->axes, e->n_axes, c.best, ret_cube);
}
