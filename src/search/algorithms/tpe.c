// SPDX-License-Identifier: Apache-2.0
/* Tpe: the tree-structured Parzen estimator. Sources: J. Bergstra, R. Bardenet, Y. Bengio, B. Kegl,
 * "Algorithms for hyper-parameter optimization", NIPS 2011, section 4; J. Bergstra, D. Yamins, D.
 * Cox, "Making a science of model search", ICML 2013.
 *
 * The told trials are ordered by loss. The best of them, min(ceil(GoodRatio n), GoodMax), give a
 * density l(x), all others a density g(x) (search/parzen.h). EICandidate points are drawn from l,
 * and the one with the largest l(x) / g(x) is tried: by (2011, eq. 15) it has the largest expected
 * improvement. The first WarmUp trials do not use the model.
 *
 * Deviations, each measured on bench/search (mean score of 25 functions at 50 and at 100 trials):
 *   - Every second trial uses joint kernels (one product over all parameters per trial), the others
 *     independent parameters, as in the papers: together 0.71/0.79, only joint 0.69/0.78, only
 *     independent 0.65/0.72.
 *   - Kernels of a parameter share one width: standard deviation of the points (with half a point
 *     of the uniform distribution) times (n + 1)^-1/4, not less than 0.03; for g half of that. With
 *     Scott's exponent -1/(4 + d) the densities are too smooth (0.54/0.64).
 *   - The i-th best of k good trials has the weight k + 1 - i; recency is ignored.
 *   - WarmUp is 8 and GoodRatio 0.15 when they are not given (0.70/0.80); hyperopt's 20 and 0.25
 *     give 0.60/0.74. The warm-up is a scrambled Sobol sequence.
 *   - Whole numbers and steps are cells: kernels give the mass of a cell, and what was tried is not
 *     tried again in a space without real parameters unless every candidate was.
 *   - g has at most 256 kernels, spread evenly over the ranks, so that a suggestion costs the same
 *     at 1,000 and at 100,000 trials.
 * Trials under way count as bad (the constant liar of Ginsbourger, Le Riche, Carraro 2010, told the
 * worst), and so do failed ones. Ties are ordered by number of trial. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/parzen.h"
#include "search/sobol.h"

#include <math.h>
#include <string.h>

enum { STREAM_MODEL = 1, BAD_MAX = 256, WARM_UP = 8, CANDIDATES = 24, GOOD_MAX = 25, GOOD_MIN = 2 };

static const double good_ratio = 0.15;
static const double bad_width = 0.5;

struct tpe_params {
    int64_t seed, warm_up, candidates, good_max;
    double good_ratio;
};

static const struct field tpe_fields[] = {
    { "RandomSeed",  INT(struct tpe_params, seed), .doc = "same seed, same trials; drawn when absent" },
    { "WarmUp",      INT(struct tpe_params, warm_up), .min = 3, .max = -1, .doc = "trials before the model is used; default 8" },
    { "EICandidate", INT(struct tpe_params, candidates), .min = 2, .max = 100000, .doc = "points of which the most promising is tried; default 24" },
    { "GoodRatio",   REAL(struct tpe_params, good_ratio), .doc = "share of the trials that count as good, above 0; default 0.15" },
    { "GoodMax",     INT(struct tpe_params, good_max), .min = 2, .max = 100000, .doc = "at most so many good trials; default 25" },
    { .type = FIELD_END },
};

struct point {
    double loss;        /* INFINITY: failed */
    int64_t trial;
    uint64_t hash;      /* of x */
    double *x;          /* [n_axes] */
};

struct points {         /* in order of loss, then trial */
    struct point *items;
    size_t n, cap;
};

struct algorithm_ctx {
    const struct space *space;
    struct axis *axes;
    int n_axes;
    bool maximize;
    bool countable;     /* no real parameter: a point can come twice */
    uint64_t seed;
    int64_t max_trials;
    struct tpe_params params;
    struct points told, pending;
};

/* --- life --- */

static int read_params(const struct list *params, struct tpe_params *ret, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();

    if (algorithm_params(tpe_fields, params, ret, mem, err) < 0)
        return -1;
    if (ret->good_ratio <= 0)
        return err_field(err, "algoDef.algoParams.GoodRatio", "a number above 0",
                         "GoodRatio is %g, and no trial would be good", ret->good_ratio);
    if (ret->warm_up == INT_UNSET)
        ret->warm_up = WARM_UP;
    if (ret->candidates == INT_UNSET)
        ret->candidates = CANDIDATES;
    if (ret->good_max == INT_UNSET)
        ret->good_max = GOOD_MAX;
    if (isnan(ret->good_ratio))
        ret->good_ratio = good_ratio;
    return 0;
}

static struct algorithm_ctx *tpe_make(const struct algorithm_setup *in, struct err *err)
{
    struct tpe_params params;
    struct algorithm_ctx *a;

    if (read_params(in->params, &params, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    *a = (struct algorithm_ctx){ .space = in->space,
                                 .maximize = in->maximize,
                                 .seed = in->seed,
                                 .max_trials = in->max_trials,
                                 .params = params,
                                 .countable = true };
    a->axes = xcalloc((size_t)in->space->n_dims + 1, sizeof *a->axes);
    a->n_axes = axes_of(in->space, a->axes);
    for (int i = 0; i < a->n_axes; i++)
        a->countable &= a->axes[i].kind != AXIS_REAL || a->axes[i].snap;
    return a;
}

static void points_done(struct points *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->items[i].x);
    free(p->items);
}

static void tpe_free(struct algorithm_ctx *a)
{
    points_done(&a->told);
    points_done(&a->pending);
    free(a->axes);
    free(a);
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

static bool before(const struct point *p, const struct point *q)
{
    return p->loss < q->loss || (p->loss == q->loss && p->trial < q->trial);
}

static void points_add(struct points *list, struct point p)
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

static void points_drop(struct points *list, int64_t trial)
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

static void tpe_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    struct point p = { .trial = o->trial };

    points_drop(&a->pending, o->trial);
    p.x = xcalloc((size_t)a->n_axes + 1, sizeof *p.x);
    axes_point(a->axes, a->n_axes, o->cube, p.x);
    p.hash = hash_point(p.x, a->n_axes);
    if (o->state == TRIAL_PENDING) {
        points_add(&a->pending, p);
        return;
    }
    p.loss = a->maximize ? -o->objective : o->objective;
    if (o->state == TRIAL_FAILED || !isfinite(p.loss))
        p.loss = INFINITY;
    points_add(&a->told, p);
}

static bool was_tried(const struct algorithm_ctx *a, const double *x)
{
    const struct points *lists[] = { &a->told, &a->pending };
    uint64_t hash = hash_point(x, a->n_axes);

    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < lists[l]->n; i++)
            if (lists[l]->items[i].hash == hash)
                return true;
    return false;
}

/* --- the model --- */

static size_t count_good(const struct algorithm_ctx *a)
{
    double n = ceil(a->params.good_ratio * (double)a->told.n);
    size_t good = (size_t)fmin(fmin(n, (double)a->params.good_max), (double)a->told.n);

    if (good < GOOD_MIN)
        good = a->told.n < GOOD_MIN ? a->told.n : GOOD_MIN;
    while (good && isinf(a->told.items[good - 1].loss))
        good--;
    return good;
}

static void fit_good(const struct algorithm_ctx *a, size_t n, struct mem *mem, struct parzen *ret)
{
    const double **x = mem_alloc(mem, (n + 1) * sizeof *x);
    double *weights = mem_alloc(mem, (n + 1) * sizeof *weights);

    for (size_t i = 0; i < n; i++) {
        x[i] = a->told.items[i].x;
        weights[i] = (double)(n - i);
    }
    parzen_fit(a->axes, a->n_axes, x, weights, (int)n, 1, mem, ret);
}

/* The rest, thinned, and what is under way. */
static void fit_bad(const struct algorithm_ctx *a, size_t n_good, struct mem *mem,
                    struct parzen *ret)
{
    size_t rest = a->told.n - n_good, take = rest < BAD_MAX ? rest : BAD_MAX;
    size_t late = a->pending.n < BAD_MAX ? a->pending.n : BAD_MAX;
    const double **x = mem_alloc(mem, (take + late + 1) * sizeof *x);
    double *weights = mem_alloc(mem, (take + late + 1) * sizeof *weights);

    for (size_t i = 0; i < take; i++)
        x[i] = a->told.items[n_good + i * rest / take].x;
    for (size_t i = 0; i < late; i++)
        x[take + i] = a->pending.items[a->pending.n - 1 - i].x;
    for (size_t i = 0; i < take + late; i++)
        weights[i] = 1;
    parzen_fit(a->axes, a->n_axes, x, weights, (int)(take + late), bad_width, mem, ret);
}

static void suggest(const struct algorithm_ctx *a, int64_t trial, double *ret_cube)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    enum parzen_form form = trial % 2 ? PARZEN_JOINT : PARZEN_SEPARATE;
    struct draws draws = { .seed = a->seed, .trial = (uint64_t)trial, .stream = STREAM_MODEL };
    size_t n_good = count_good(a), bytes = ((size_t)a->n_axes + 1) * sizeof(double);
    double *x = mem_alloc(mem, bytes), *best = mem_alloc(mem, bytes), *scratch, top = -INFINITY;
    struct parzen good, bad;
    bool best_is_new = false;

    fit_good(a, n_good, mem, &good);
    fit_bad(a, n_good, mem, &bad);
    scratch = mem_alloc(mem, ((size_t)good.n + (size_t)bad.n + 1) * sizeof *scratch);
    for (int64_t i = 0; i < a->params.candidates; i++) {
        bool is_new;
        double gain;

        parzen_sample(&good, form, &draws, x);
        gain = parzen_log_density(&good, form, x, scratch) -
               parzen_log_density(&bad, form, x, scratch);
        is_new = !a->countable || !was_tried(a, x);
        if (is_new < best_is_new || (is_new == best_is_new && !(gain > top)))
            continue;
        best_is_new = is_new;
        top = gain;
        memcpy(best, x, bytes);
    }
    axes_cube(a->axes, a->n_axes, best, ret_cube);
}

static enum ask_result tpe_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                               struct err *err)
{
    int64_t n_known = (int64_t)(a->told.n + a->pending.n);

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    if (n_known < a->params.warm_up || a->told.n == 0) {
        for (int i = 0; i < a->n_axes; i++)
            ret->cube[a->axes[i].dim] = sobol_uniform(a->seed, (uint64_t)trial, (uint32_t)i);
    } else {
        suggest(a, trial, ret->cube);
    }
    tpe_tell(a, &(struct outcome){ .trial = trial, .cube = ret->cube, .state = TRIAL_PENDING });
    return ASK_POINT;
}

static int64_t tpe_planned(const struct algorithm_ctx *a) { return a->max_trials; }

const struct algorithm tpe_algorithm = {
    .name    = "TPE",
    .waits   = true,
    .params  = tpe_fields,
    .make    = tpe_make,
    .ask     = tpe_ask,
    .tell    = tpe_tell,
    .planned = tpe_planned,
    .free    = tpe_free,
};
