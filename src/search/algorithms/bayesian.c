// SPDX-License-Identifier: Apache-2.0
/* Bayesian: a Gaussian process of the objective, and the point of the largest expected
 * improvement.
 *
 *   f ~ GP(0, k),  y = T(objective) = f + noise,   next = argmax log E[max(y_best - f(x), 0)]
 *
 * k is a Matérn 5/2 kernel with one length and one warp per parameter and a trend (search/methods/gp.h), its
 * hyperparameters are the most probable ones (search/methods/gp_fit.h), T is a monotone transform towards a normal
 * distribution (search/methods/targets.h), and the improvement is searched for among candidates and then
 * by gradient (search/methods/propose.h).
 *
 * Source: Jones, Schonlau & Welch 1998, "Efficient global optimization of expensive black-box
 * functions"; Snoek, Larochelle & Adams 2012, "Practical Bayesian optimization of machine
 * learning algorithms"; Rasmussen & Williams 2006, chapters 2 and 5; Ament et al. 2023 for the
 * logarithm. The choices among their variants are those that scored best in bench/search.
 *
 * Deviations, most of them so that a suggestion stays cheap and can be repeated:
 *
 * - A suggestion is a function of the seed, its number, what was told and what is pending; not of
 *   the order of events. Hyperparameters are fitted to the first 5, 6, 7, ... told trials by
 *   number (from 24 on in steps of an eighth), each fit from where the one before ended. A trial
 *   that is told late makes the fits anew that would have seen it. Kernel matrices are factored
 *   in order of trial number.
 * - Pending trials count as told with the value the model expects there (Ginsbourger, Le Riche &
 *   Carraro 2010, "kriging believer"): nobody goes where someone is under way.
 * - The model has a slant (search/methods/gp.h) only where the data pay for its numbers. Measured with bench/search,
 *   difference at 50 and 100 trials: on 119 generated functions 0.018 and 0.018 (standard errors 0.007 and 0.008), on 44
 *   others 0.015 and 0.013 (0.009 each). With a slant always, 0.011 less and 0.016 more on the 44: valleys are found, and
 *   rugged functions lost.
 * - Four views of the model take turns (`views` below): two look near the best trial, two at
 *   the whole cube. The most probable lengths are used in turn with shorter ones: instead of an
 *   average over the posterior of the lengths (Snoek et al., section 3.2), trials share the doubt
 *   about them.
 * - An improvement below a small share of what the search has gained since its first points
 *   counts for nothing (Jones 2001, "A taxonomy of global optimization methods", section 4.1, for
 *   the probability of improvement): next = argmax log E[max(y_best - margin - f(x), 0)].
 * - What failed, has no finite value or a very bad one, counts as search/methods/failures.h and targets.h have it.
 * - Above ACTIVE_ABOVE told trials the model sees ACTIVE_MOST of them: the better half by value,
 *   the rest spread evenly over the others; fits see FIT_MOST.
 * - Above SCALES_MOST parameters there is one length for all, and no warps.
 * - Noiseless leaves a noise term that is expected to be nothing and may reach a hundredth of the
 *   variance: a real loss is rough on a small scale even where it is repeatable. */
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "search/methods/coords.h"
#include "search/methods/failures.h"
#include "search/methods/gp.h"
#include "search/methods/gp_fit.h"
#include "search/methods/history.h"
#include "search/methods/propose.h"
#include "search/methods/rng.h"
#include "search/methods/sobol.h"
#include "search/methods/targets.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    INIT_POINTS  = 10,
    DESIGN_TRIES = 20,      /* each DESIGN_BITS further on in the sequence, where no trial of the design is */
    DESIGN_BITS  = 20,
    CUBE_PER_JOB = 100,
    CUBE_MIN     = 10000,   /* when the number of trials is not limited */
    SCALES_MOST  = 64,
    ACTIVE_ABOVE = 500,
    ACTIVE_MOST  = 400,
    PENDING_MOST = 128,     /* seen by the model */
    FIT_FIRST    = 5,       /* told trials of the first fit */
    FIT_EACH     = 24,      /* up to here every trial is followed by a fit */
    FIT_MOST     = 160,
    FIT_ROUNDS   = 10,      /* each fit goes on from the one before: 25 are no better, in twice the time */
    FRESH_START  = 4,       /* every such fit also starts from nowhere */
    SLANT_EACH   = 2,       /* every such fit is also tried with a slant; without, when the one before had one */
    SLANT_ROUNDS = 25,      /* of which it needs more, as it begins with hardly any */
};

enum { STREAM_SLANT = 5 };  /* of random numbers; the lower ones are those of propose.c */

static const double slant_start = 0.3;

/* By how much the logarithms of all lengths are lowered. */
static const double shortenings[] = { 0, 0.6, 1.2 };

/* Noiseless or not. The first, measured on generated functions and on models of scikit-learn: a larger
 * median hides parameters that matter little from the model (0.57 instead of 0.62 at 50 trials), and a
 * bound of 1e-6 takes the roughness of real losses for structure (0.53 instead of 0.62). */
static const struct gp_noise noiseless = { 1e-6, 1, 1e-2 }, noisy = { 1e-3, 2, 0.5 };

/* Trial n is chosen by view n modulo 4. Measured on 119 generated problems (bench/README.md), two seeds,
 * mean score from 25 to 100 trials: these views 0.65; without the boxes 0.62; without the shorter
 * lengths 0.60; the most probable lengths alone, climbing in the whole cube, 0.54. */
static const struct view {
    int model;          /* whose lengths: index of `shortenings` */
    double margin;      /* of what was gained since the first points */
    double box;         /* see search/methods/propose.h */
    bool climb;
} views[] = {
    { 0, 0.001, 0.2, true },
    { 0, 0.001, 0.6, false },
    { 1, 0.01, 0, false },
    { 2, 0.001, 0, false },
};

struct bayesian_params {
    int64_t seed, init_points, cube_size;
    const char *noiseless;
};

static const struct field bayesian_fields[] = {
    { "RandomSeed", INT(struct bayesian_params, seed),
      .doc = "same seed, same trials; drawn when absent" },
    { "InitPoints", INT(struct bayesian_params, init_points), .min = 1, .max = 1000000,
      .doc = "trials before the model is asked; default 10, or half of maxJobNum when that is less" },
    { "CubeSize",   INT(struct bayesian_params, cube_size), .min = 1, .max = 1e12,
      .doc = "points of the candidate set; default maxJobNum * 100, without it at least 10000" },
    { "Noiseless",  TEXT(struct bayesian_params, noiseless), ALLOWED("true", "false", "1", "0"),
      .doc = "the same hyperparameters always give the same metric; default true" },
    { .type = FIELD_END },
};

/* The hyperparameters fitted to the first n told trials. */
struct fitted {
    size_t n;
    double *theta;
};

/* A process that follows what is told, with its own lengths. */
struct model {
    double shorter;
    struct gp *gp;
    const double *theta; /* before it was shortened; owned by a fit */
    struct point *rows[ACTIVE_ABOVE + PENDING_MOST]; /* of gp, as far as it has points */
};

struct algorithm_ctx {
    uint64_t seed;
    int64_t max_trials, n_init, cube_size;
    bool maximize, noiseless;
    struct coords *coords;
    struct history history;
    int n_scales;
    struct fitted *fits;        /* by n */
    size_t n_fits;
    struct model models[ARRAY_LEN(shortenings)];
};

/* --- make --- */

/* The product, or as much of it as there is: whoever does not know how many trials there will be says many. */
static int64_t usual_cube(int64_t max_trials)
{
    return max_trials > INT64_MAX / CUBE_PER_JOB ? INT64_MAX : max_trials * CUBE_PER_JOB;
}

static int check_cube(const struct algorithm_setup *in, const struct bayesian_params *p,
                      int64_t *ret, struct err *err)
{
    if (in->max_trials < 0) {
        *ret = p->cube_size > CUBE_MIN ? p->cube_size : CUBE_MIN;
        return 0;
    }
    *ret = p->cube_size == INT_UNSET ? usual_cube(in->max_trials) : p->cube_size;
    if (*ret < in->max_trials)
        return err_field(err, "algoDef.algoParams.CubeSize", "at least maxJobNum",
                         "CubeSize %" PRId64 " is below maxJobNum %" PRId64, *ret, in->max_trials);
    if (*ret < 1)
        *ret = 1;
    return 0;
}

static int64_t init_points(const struct algorithm_setup *in, const struct bayesian_params *p)
{
    int64_t half = in->max_trials / 2 + in->max_trials % 2;

    if (p->init_points != INT_UNSET)
        return p->init_points;
    return in->max_trials >= 0 && half < INIT_POINTS ? half : INIT_POINTS;
}

static struct algorithm_ctx *bayesian_make(const struct algorithm_setup *in, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct bayesian_params p;
    struct algorithm_ctx *a;
    int64_t cube_size;

    if (algorithm_params(bayesian_fields, in->params, &p, mem, err) < 0 ||
        check_cube(in, &p, &cube_size, err) < 0)
        return NULL;
    a = xcalloc(1, sizeof *a);
    a->seed = in->seed;
    a->max_trials = in->max_trials;
    a->maximize = in->maximize;
    a->cube_size = cube_size;
    a->n_init = init_points(in, &p);
    a->noiseless = !p.noiseless || text_same(p.noiseless, "true") || text_same(p.noiseless, "1");
    a->coords = coords_new(in->space);
    a->history.d = a->coords->d;
    a->n_scales = a->coords->d > SCALES_MOST || a->coords->d == 0 ? 1 : a->coords->d;
    for (size_t i = 0; i < ARRAY_LEN(shortenings); i++) {
        a->models[i].shorter = shortenings[i];
        a->models[i].gp = gp_new(a->coords->d, a->n_scales, a->coords->category);
    }
    return a;
}

static void drop_fits(struct algorithm_ctx *a, size_t keep)
{
    for (size_t i = keep; i < a->n_fits; i++) {
        for (size_t m = 0; m < ARRAY_LEN(a->models); m++)
            if (a->models[m].theta == a->fits[i].theta)
                a->models[m].theta = NULL;
        free(a->fits[i].theta);
    }
    if (keep < a->n_fits)
        a->n_fits = keep;
}

static void bayesian_free(struct algorithm_ctx *a)
{
    drop_fits(a, 0);
    free(a->fits);
    for (size_t i = 0; i < ARRAY_LEN(a->models); i++)
        gp_free(a->models[i].gp);
    history_done(&a->history);
    coords_free(a->coords);
    free(a);
}

/* --- hyperparameters --- */

static size_t next_fit(size_t n) { return n < FIT_EACH ? n + 1 : n + n / 8; }

/* What the model is told of n points, chosen from the first n_first: y [n]; and y[n], the median of the design, as far as it
 * is among those, as it compares with them. */
static void values_of(const struct algorithm_ctx *a, size_t n_first, struct point *const *points, size_t n, double *y)
{
    size_t n_design = n_first < (size_t)a->n_init ? n_first : (size_t)a->n_init;
    double far;

    for (size_t i = 0; i < n; i++)
        y[i] = points[i]->y;
    y[n] = history_median(&a->history, n_design);
    far = targets_close_gaps(y, (int)n + 1);
    failures_fill(points, n, a->coords->d, a->coords->category, far, y);
}

/* Fits `from` [n_theta]; a smaller loss makes it *theta. */
static void try_from(const struct gp_data *data, int rounds, double *from, double *theta, double *loss)
{
    double found = gp_fit(data, rounds, from);

    if (found < *loss) {
        *loss = found;
        memcpy(theta, from, (size_t)gp_n_theta(data->d, data->n_scales) * sizeof *theta);
    }
}

static bool has_slant(const struct gp_data *data, const double *theta)
{
    for (int i = 0; data->n_scales == data->d && i < data->d; i++)
        if (theta[gp_theta_slant(data->d) + i] != 0)
            return true;
    return false;
}

/* With a slant where there is none, in a direction that is drawn, and without where there is one. */
static void try_slant(const struct algorithm_ctx *a, struct gp_data *data, double *theta, double *loss)
{
    size_t n_theta = (size_t)gp_n_theta(data->d, data->n_scales);
    CLEANUP(freep) double *from = xcalloc(n_theta, sizeof *from);
    double *u = from + gp_theta_slant(data->d);

    memcpy(from, theta, n_theta * sizeof *from);
    data->slanted = !has_slant(data, theta);
    for (int i = 0; i < data->d; i++) {
        double side = rng_uniform(a->seed, (uint64_t)data->n, (uint32_t)i, STREAM_SLANT) < 0.5 ? -slant_start : slant_start;

        u[i] = data->slanted && !data->category[i] ? side : 0;
    }
    try_from(data, SLANT_ROUNDS, from, theta, loss);
}

static bool may_slant(const struct algorithm_ctx *a)
{
    return a->n_scales == a->coords->d && coords_numbers(a->coords) > 1;
}

static double *fit(struct algorithm_ctx *a, size_t n_first)
{
    size_t d = (size_t)a->coords->d, n_theta = (size_t)gp_n_theta(a->coords->d, a->n_scales);
    struct point *points[FIT_MOST];
    size_t n = history_select(&a->history, n_first, FIT_MOST, points);
    CLEANUP(freep) double *x = xcalloc(n * (d + 1) + 1 + n_theta, sizeof *x);
    double *y = x + n * d, *from = y + n + 1, *theta = xcalloc(n_theta, sizeof *theta), loss = HUGE_VAL;
    struct gp_data data = {
        (int)n, (int)d, a->n_scales, a->coords->category, x, y, a->noiseless ? noiseless : noisy, false
    };

    for (size_t i = 0; i < n; i++)
        memcpy(x + i * d, points[i]->x, d * sizeof *x);
    values_of(a, n_first, points, n, y);
    targets_normal(y, (int)n, y);
    gp_theta_start((int)d, a->n_scales, &data.noise, theta);
    if (a->n_fits)
        memcpy(theta, a->fits[a->n_fits - 1].theta, n_theta * sizeof *theta);
    data.slanted = has_slant(&data, theta);
    memcpy(from, theta, n_theta * sizeof *from);
    try_from(&data, FIT_ROUNDS, from, theta, &loss);
    if (a->n_fits && a->n_fits % FRESH_START == 0) {
        data.slanted = false;
        gp_theta_start((int)d, a->n_scales, &data.noise, from);
        try_from(&data, FIT_ROUNDS, from, theta, &loss);
    }
    if (a->n_fits % SLANT_EACH == 1 && may_slant(a))
        try_slant(a, &data, theta, &loss);
    return theta;
}

/* Makes the fits that are due; the last one counts. */
static const double *current_theta(struct algorithm_ctx *a)
{
    size_t n = a->n_fits ? next_fit(a->fits[a->n_fits - 1].n) : FIT_FIRST;

    for (; n <= a->history.told.n; n = next_fit(n)) {
        double *theta = fit(a, n);

        a->fits = xrealloc(a->fits, (a->n_fits + 1) * sizeof *a->fits);
        a->fits[a->n_fits++] = (struct fitted){ n, theta };
    }
    return a->fits[a->n_fits - 1].theta;
}

/* --- the model --- */

/* Brings the rows from `from` on up to date: what is in the factor already stays. */
static void set_rows(struct model *m, size_t from, struct point *const *points, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = from + i;

        if ((size_t)m->gp->n > at && m->rows[at] != points[i])
            gp_truncate(m->gp, (int)at);
        if ((size_t)m->gp->n == at)
            gp_append(m->gp, points[i]->x);
        m->rows[at] = points[i];
    }
}

static void set_theta(struct algorithm_ctx *a, struct model *m, const double *theta)
{
    size_t n_theta = (size_t)gp_n_theta(a->coords->d, a->n_scales);
    CLEANUP(freep) double *shorter = xcalloc(n_theta, sizeof *shorter);

    if (m->theta == theta)
        return;
    memcpy(shorter, theta, n_theta * sizeof *shorter);
    for (int i = 0; i < a->n_scales; i++)
        shorter[i] -= m->shorter;
    gp_set_theta(m->gp, shorter);
    m->theta = theta;
}

/* A value that would be worth a trial: better than the best by a share of what the search has
 * gained since its first points. */
static double aim_of(double best, double start, double share)
{
    return start > best ? fmax(best - share * start + share * best, -DBL_MAX) : best;
}

/* What the model is to improve on; y [n] are its targets, and `aim` is the transformed aim. With
 * noise the best value is a lucky one: the best that the model believes takes its place. */
static double incumbent(const struct model *m, const double *y, size_t n, double aim)
{
    CLEANUP(freep) double *mean = xcalloc(n, sizeof *mean);
    double best = HUGE_VAL, believed = HUGE_VAL;

    gp_means(m->gp, mean);
    for (size_t i = 0; i < n; i++) {
        best = fmin(best, y[i]);
        believed = fmin(believed, mean[i]);
    }
    return believed - (best - aim);
}

static void add_pending(const struct algorithm_ctx *a, struct model *m, size_t n, double *y)
{
    size_t n_pending = a->history.pending.n, skip = 0;

    if (n_pending > PENDING_MOST) {
        skip = n_pending - PENDING_MOST;
        n_pending = PENDING_MOST;
    }
    for (size_t i = 0; i < n_pending; i++)
        gp_predict(m->gp, a->history.pending.items[skip + i]->x, 1, &y[n + i], NULL);
    set_rows(m, n, a->history.pending.items + skip, n_pending);
    gp_set_targets(m->gp, y);
}

static double least(const double *y, size_t n)
{
    double best = HUGE_VAL;

    for (size_t i = 0; i < n; i++)
        best = fmin(best, y[i]);
    return best;
}

/* The told points with their targets, then the pending ones with what the model expects there.
 * Returns the target to improve on. */
static double set_model(struct algorithm_ctx *a, struct model *m, double margin)
{
    struct point *points[ACTIVE_ABOVE];
    double y[ACTIVE_ABOVE + PENDING_MOST + 1], best;
    size_t n_told = a->history.told.n;
    size_t n = history_select(&a->history, n_told,
                              n_told > ACTIVE_ABOVE ? ACTIVE_MOST : ACTIVE_ABOVE, points);

    set_theta(a, m, current_theta(a));
    set_rows(m, 0, points, n);
    gp_truncate(m->gp, (int)n);
    values_of(a, n_told, points, n, y);
    y[n] = aim_of(least(y, n), y[n], margin);
    targets_normal(y, (int)n + 1, y);
    gp_set_targets(m->gp, y);
    best = a->noiseless ? y[n] : incumbent(m, y, n, y[n]);
    add_pending(a, m, n, y);
    return best;
}

static bool taken(void *arg, const double *x) { return history_has(arg, x); }

static void suggest(struct algorithm_ctx *a, int64_t trial, double *ret_x)
{
    const struct view *view = &views[(size_t)trial % ARRAY_LEN(views)];
    struct model *m = &a->models[view->model];
    struct propose p = {
        .coords = a->coords,
        .gp = m->gp,
        .best = set_model(a, m, view->margin),
        .box = view->box,
        .climb = view->climb,
        .seed = a->seed,
        .trial = trial,
        .cube_size = a->cube_size,
        .taken = taken,
        .arg = &a->history,
    };

    for (; (size_t)p.n_incumbents < a->history.n_valued && p.n_incumbents < PROPOSE_INCUMBENTS;
         p.n_incumbents++)
        p.incumbents[p.n_incumbents] = a->history.ranked.items[p.n_incumbents]->x;
    propose(&p, ret_x);
}

/* --- ask and tell --- */

static bool model_is_due(const struct algorithm_ctx *a)
{
    const struct history *h = &a->history;

    return a->coords->d > 0 && (int64_t)(h->told.n + h->pending.n) >= a->n_init &&
           h->told.n >= FIT_FIRST && h->n_valued > 0;
}

/* A point of the design: the first of a few of the sequence that was not tried, as grids and choices make some alike. */
static void look_around(const struct algorithm_ctx *a, int64_t trial, double *cube, double *ret_x)
{
    for (int try = 0; try < DESIGN_TRIES; try++) {
        uint64_t at = (uint64_t)trial + ((uint64_t)try << DESIGN_BITS);

        for (int i = 0; i < a->coords->d; i++)
            cube[a->coords->dim[i]] = sobol_uniform(a->seed, at, (uint32_t)i);
        coords_from_cube(a->coords, cube, ret_x);
        if (!history_has(&a->history, ret_x))
            return;
    }
}

static enum ask_result bayesian_ask(struct algorithm_ctx *a, int64_t trial, struct suggestion *ret,
                                    struct err *err)
{
    CLEANUP(freep) double *x = xcalloc((size_t)a->coords->d + 1, sizeof *x);

    (void)err;
    if (a->max_trials >= 0 && trial >= a->max_trials)
        return ASK_END;
    if (model_is_due(a))
        suggest(a, trial, x);
    else
        look_around(a, trial, ret->cube, x);
    coords_to_cube(a->coords, x, ret->cube);
    history_ask(&a->history, trial, x);
    return ASK_POINT;
}

static void bayesian_tell(struct algorithm_ctx *a, const struct outcome *o)
{
    CLEANUP(freep) double *x = xcalloc((size_t)a->coords->d + 1, sizeof *x);
    double y = a->maximize ? -o->objective : o->objective;
    size_t keep = 0;
    ptrdiff_t at;

    coords_from_cube(a->coords, o->cube, x);
    if (o->state == TRIAL_PENDING) {
        history_ask(&a->history, o->trial, x);
        return;
    }
    at = history_tell(&a->history, o->trial, x, o->state == TRIAL_DONE ? y : NAN);
    while (at >= 0 && keep < a->n_fits && a->fits[keep].n <= (size_t)at)
        keep++;
    if (at >= 0)
        drop_fits(a, keep);
}

static int64_t bayesian_planned(const struct algorithm_ctx *a) { return a->max_trials; }

const struct algorithm bayesian_algorithm = {
    .name = "Bayesian",
    .waits = true,
    .takes_priors = true,
    .params = bayesian_fields,
    .make = bayesian_make,
    .ask = bayesian_ask,
    .tell = bayesian_tell,
    .planned = bayesian_planned,
    .free = bayesian_free,
};
