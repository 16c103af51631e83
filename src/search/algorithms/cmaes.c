// SPDX-License-Identifier: Apache-2.0
/* CmaEs: an evolution strategy that learns the shape of the objective around its mean (search/methods/cma.h
 * has the equations and their sources).
 *
 * The told trials, in order of their numbers, are cut into generations of lambda; the distribution
 * that a trial is drawn from has seen all complete ones. So it is a function of what was told, not of when,
 * any number of trials may be under way, and one that never ends holds up nothing. The first
 * generation is a scrambled Sobol sequence.
 *
 * When the distribution has shrunk to nothing it starts again from another mean with twice the
 * lambda: Auger & Hansen 2005, "A restart CMA evolution strategy with increasing population size".
 *
 * Deviations: results from elsewhere (negative numbers) are no generation; the best of them is the
 * first mean, and as long as the first run has found nothing better it is in every generation, in place of the worst
 * (Hansen 2011, "Injecting external solutions into CMA-ES"), as it may have come when trials had been drawn
 * elsewhere. A point outside of the cube is drawn again, and moved to the border after DRAWS tries.
 * A generation whose points cannot be told apart teaches nothing; it makes the steps longer, as otherwise the border,
 * which turns longer steps back, would shorten them. Values that were tried are not tried again in a space
 * without real numbers, if other draws find new ones. Failed trials are worse than all others. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "search/methods/cma.h"
#include "search/methods/coords.h"
#include "search/methods/history.h"
#include "search/methods/rng.h"
#include "search/methods/sobol.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 20, LAMBDA_MAX = 1024, STREAM = 3 };

static const double first_sigma = 0.25, known_sigma = 0.15; /* known: around a result from elsewhere */
static const double converged = 1e-7;
static const double flat_share = 0.7; /* as many equal values of a generation, and the best of them, say nothing */

struct cmaes_params {
    int64_t seed, lambda;
    double sigma;
};

static const struct field cmaes_fields[] = {
    { "RandomSeed",     INT(struct cmaes_params, seed), .doc = "same seed, same trials; drawn when absent" },
    { "PopulationSize", INT(struct cmaes_params, lambda), .min = 4, .max = LAMBDA_MAX,
      .doc = "trials of a generation; default 4 + 3 log(number of parameters), at least maxParalleJobNum" },
    { "Sigma",          REAL(struct cmaes_params, sigma), .min = 1e-6, .max = 10,
      .doc = "first standard deviation, as part of each range; default 0.25" },
    { .type = FIELD_END },
};

struct algorithm_ctx {
    uint64_t seed;
    int64_t max_trials;
    int lambda;             /* of the first run */
    double sigma;           /* NaN: the default */
    bool maximize, countable;
    struct coords *coords;
    int *numbers, *categories;  /* coordinates of either kind */
    int n_numbers, n_categories;
    int *n_choices;         /* [n_categories] */
    double *step;           /* [n_numbers] */
    struct history history;
    struct history known;   /* results from elsewhere */
    struct cma cma;
    size_t n_used;          /* told points in the generations that cma has seen */
    double best;            /* of those */
    int64_t n_restarts;
};

/* --- life --- */

static void sort_coordinates(struct algorithm_ctx *a)
{
    size_t d = (size_t)a->coords->d + 1;

    a->numbers = xcalloc(d, sizeof *a->numbers);
    a->categories = xcalloc(d, sizeof *a->categories);
    a->n_choices = xcalloc(d, sizeof *a->n_choices);
    a->step = xcalloc(d, sizeof *a->step);
    a->countable = true;
    for (int i = 0; i < a->coords->d; i++) {
        int64_t n_values = coords_values(a->coords, i);

        a->countable &= n_values > 0;
        if (a->coords->category[i]) {
            a->n_choices[a->n_categories] = (int)n_values;
            a->categories[a->n_categories++] = i;
        } else {
            a->step[a->n_numbers] = n_values ? 1.0 / (double)n_values : 0;
            a->numbers[a->n_numbers++] = i;
        }
    }
}

static int population(const struct algorithm_setup *in, const struct cmaes_params *p, int d)
{
    int64_t lambda = 4 + (int64_t)(3 * log(d > 0 ? d : 1));

    if (p->lambda != INT_UNSET)
        return (int)p->lambda;
    return (int)(in->parallel > lambda ? in->parallel < LAMBDA_MAX ? in->parallel : LAMBDA_MAX : lambda);
}

static struct algorithm_ctx *cmaes_make(const struct algorithm_setup *in, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct cmaes_params p;
    struct algorithm_ctx *a;

    if (algorithm_params(cmaes_fields, in->params, &p, mem, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    a->seed = in->seed;
    a->max_trials = in->max_trials;
    a->maximize = in->maximize;
    a->sigma = p.sigma;
    a->coords = coords_new(in->space);
    a->history.d = a->known.d = a->coords->d;
    a->best = HUGE_VAL;
    a->lambda = population(in, &p, a->coords->d);
    sort_coordinates(a);
    return a;
}

static void cmaes_free(struct algorithm_ctx *a)
{
    cma_done(&a->cma);
    history_done(&a->history);
    history_done(&a->known);
    coords_free(a->coords);
    free(a->numbers);
    free(a->categories);
    free(a->n_choices);
    free(a->step);
    free(a);
}

/* --- the distribution --- */

/* The best result from elsewhere; NULL: none. */
static const struct point *best_known(const struct algorithm_ctx *a)
{
    return a->known.n_valued ? a->known.ranked.items[0] : NULL;
}

/* A run begins: the first at the best result from elsewhere or in the middle, others anywhere. */
static void begin(struct algorithm_ctx *a)
{
    CLEANUP(freep) double *mean = xcalloc((size_t)a->n_numbers + 1, sizeof *mean);
    const struct point *known = best_known(a);
    double sigma = isnan(a->sigma) ? first_sigma : a->sigma;
    int lambda = a->lambda;

    for (int64_t i = 0; i < a->n_restarts && lambda < LAMBDA_MAX / 2; i++)
        lambda *= 2;
    for (int i = 0; i < a->n_numbers; i++)
        mean[i] = a->n_restarts ? sobol_uniform(a->seed + 1, (uint64_t)a->n_restarts, (uint32_t)i)
                  : known       ? known->x[a->numbers[i]]
                                : 0.5;
    if (known && !a->n_restarts && isnan(a->sigma))
        sigma = known_sigma;
    cma_done(&a->cma);
    cma_init(&a->cma, a->n_numbers, a->step, a->n_categories, a->n_choices, lambda, mean, sigma);
}

static int by_value(const void *p, const void *q)
{
    const struct point *a = *(struct point *const *)p, *b = *(struct point *const *)q;

    if (isnan(a->y) != isnan(b->y))
        return isnan(a->y) ? 1 : -1;
    if (a->y != b->y && !isnan(a->y))
        return a->y < b->y ? -1 : 1;
    return (a->trial > b->trial) - (a->trial < b->trial);
}

/* Coordinates in the order of the distribution: numbers, then categories. */
static void arrange(const struct algorithm_ctx *a, const double *x, double *ret)
{
    for (int i = 0; i < a->n_numbers; i++)
        *ret++ = x[a->numbers[i]];
    for (int j = 0; j < a->n_categories; j++)
        *ret++ = x[a->categories[j]];
}

/* The points of a generation, best first. */
static void rank(struct algorithm_ctx *a, struct point *const *generation, const struct point **ret)
{
    size_t lambda = (size_t)a->cma.lambda;
    const struct point *known = best_known(a);

    memcpy(ret, generation, lambda * sizeof *ret);
    qsort(ret, lambda, sizeof *ret, by_value);
    a->best = fmin(a->best, ret[0]->y); /* passes over NaN */
    if (known && !a->n_restarts && known->y < a->best) {
        memmove(ret + 1, ret, (lambda - 1) * sizeof *ret);
        ret[0] = known;
    }
}

static void learn(struct algorithm_ctx *a, struct point *const *generation)
{
    size_t lambda = (size_t)a->cma.lambda, d = (size_t)a->coords->d;
    CLEANUP(freep) const struct point **ranked = xcalloc(lambda, sizeof *ranked);
    CLEANUP(freep) double *x = xcalloc(lambda * d + 1, sizeof *x);
    CLEANUP(freep) const double **rows = xcalloc(lambda, sizeof(double *));

    rank(a, generation, ranked);
    for (size_t i = 0; i < lambda; i++) {
        arrange(a, ranked[i]->x, x + i * d);
        rows[i] = x + i * d;
    }
    if (isnan(ranked[0]->y))
        return; /* nothing to learn from */
    if (ranked[0]->y == ranked[(size_t)(flat_share * (double)lambda)]->y)
        cma_widen(&a->cma, first_sigma);
    else
        cma_update(&a->cma, rows);
    if (a->n_numbers && cma_extent(&a->cma) < converged) {
        a->n_restarts++;
        begin(a);
    }
}

static void catch_up(struct algorithm_ctx *a)
{
    const struct points *told = &a->history.told;

    if (!a->cma.memory)
        begin(a);
    while (told->n - a->n_used >= (size_t)a->cma.lambda) {
        struct point *const *generation = told->items + a->n_used;

        a->n_used += (size_t)a->cma.lambda;
        learn(a, generation);
    }
}

static void forget(struct algorithm_ctx *a)
{
    cma_done(&a->cma);
    a->n_used = 0;
    a->n_restarts = 0;
    a->best = HUGE_VAL;
}

/* --- drawing --- */

/* Standard normal (Box & Muller 1958); every try has numbers of its own. */
static double normal(const struct algorithm_ctx *a, int64_t trial, int try, int i)
{
    uint32_t at = 2 * ((uint32_t)try * (uint32_t)(a->coords->d + 1) + (uint32_t)i);
    double u = 1 - rng_uniform(a->seed, (uint64_t)trial, at, STREAM);

    return sqrt(-2 * log(u)) * cos(2 * M_PI * rng_uniform(a->seed, (uint64_t)trial, at + 1, STREAM));
}

static bool inside(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (x[i] < 0 || x[i] >= 1)
            return false;
    return true;
}

/* Fills x [d]; returns whether it may be used as it is. */
static bool draw(struct algorithm_ctx *a, int64_t trial, int try, double *z, double *ret_x)
{
    int n = a->n_numbers;
    double *point = z + n;
    bool fits;

    for (int i = 0; i < n; i++)
        z[i] = normal(a, trial, try, i);
    cma_point(&a->cma, z, point);
    fits = inside(point, n);
    for (int i = 0; i < n; i++)
        ret_x[a->numbers[i]] = point[i];
    for (int j = 0; j < a->n_categories; j++)
        ret_x[a->categories[j]] =
            cma_choice(&a->cma, j, rng_uniform(a->seed, (uint64_t)trial, (uint32_t)(try * a->n_categories + j), STREAM + 1));
    coords_snap(a->coords, ret_x);
    return fits && !(a->countable && (history_has(&a->history, ret_x) || history_has(&a->known, ret_x)));
}

static void suggest(struct algorithm_ctx *a, int64_t trial, double *ret_x)
{
    CLEANUP(freep) double *work = xcalloc(2 * (size_t)a->n_numbers + 1, sizeof *work);

    for (int try = 0; try < DRAWS; try++)
        if (draw(a, trial, try, work, ret_x))
            return;
}

/* --- ask and tell --- */

static enum ask_result cmaes_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret, struct err *err)
{
    CLEANUP(freep) double *x = xcalloc((size_t)a->coords->d + 1, sizeof *x);

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    catch_up(a);
    if (trial < a->lambda && a->known.told.n == 0) {
        for (int i = 0; i < a->coords->d; i++)
            ret->cube[a->coords->dim[i]] = sobol_uniform(a->seed, (uint64_t)trial, (uint32_t)i);
        coords_from_cube(a->coords, ret->cube, x);
    } else {
        suggest(a, trial, x);
    }
    coords_to_cube(a->coords, x, ret->cube);
    history_ask(&a->history, trial, x);
    return ASK_POINT;
}

static void cmaes_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    CLEANUP(freep) double *x = xcalloc((size_t)a->coords->d + 1, sizeof *x);
    double y = o->state != TRIAL_DONE ? NAN : a->maximize ? -o->objective : o->objective;
    ptrdiff_t at;

    coords_from_cube(a->coords, o->cube, x);
    if (o->state == TRIAL_PENDING) {
        history_ask(&a->history, o->trial, x);
    } else if (o->trial < 0) {
        history_tell(&a->known, o->trial, x, y);
        forget(a);
    } else {
        at = history_tell(&a->history, o->trial, x, y);
        if (at >= 0 && (size_t)at < a->n_used)
            forget(a);
    }
}

static int64_t cmaes_planned(const struct algorithm_ctx *a) { return a->max_trials; }

const struct algorithm cmaes_algorithm = {
    .name = "CmaEs",
    .waits = true,
    .takes_priors = true,
    .params = cmaes_fields,
    .make = cmaes_make,
    .ask = cmaes_ask,
    .tell = cmaes_tell,
    .planned = cmaes_planned,
    .free = cmaes_free,
};
