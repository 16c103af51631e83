// SPDX-License-Identifier: Apache-2.0
#include "search/methods/lbfgs.h"

#include "base/mem.h"
#include "search/methods/cholesky.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    PAIRS = 8,
    HALVINGS = 20, /* of the step, before a direction is given up */
};

struct state {
    const struct lbfgs *p;
    double *x, *grad; /* where we are */
    double *next, *next_grad;
    double *dir;
    double *s[PAIRS], *y[PAIRS], rho[PAIRS]; /* newest first */
    int n_pairs;
    double *memory;
};

static void start(struct state *t, const struct lbfgs *p, double *x)
{
    size_t n = (size_t)p->n;
    double *at = xcalloc(n * (4 + 2 * PAIRS), sizeof *at);

    *t = (struct state){ .p = p, .x = x, .memory = at };
    t->grad = at;
    t->next = at + n;
    t->next_grad = at + 2 * n;
    t->dir = at + 3 * n;
    for (size_t k = 0; k < PAIRS; k++) {
        t->s[k] = at + (4 + k) * n;
        t->y[k] = at + (4 + PAIRS + k) * n;
    }
}

static bool held(const struct state *t, int i)
{
    return (t->x[i] <= t->p->lo[i] && t->grad[i] > 0) || (t->x[i] >= t->p->hi[i] && t->grad[i] < 0);
}

/* The free part of the gradient, downhill. Returns its squared length. */
static double steepest(struct state *t)
{
    for (int i = 0; i < t->p->n; i++)
        t->dir[i] = held(t, i) ? 0 : -t->grad[i];
    return dot(t->dir, t->dir, t->p->n);
}

static void add(double *to, double factor, const double *v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += factor * v[i];
}

/* The two loops of algorithm 7.4, on the free part. Falls back to the gradient when that is not
 * downhill. */
static void direction(struct state *t)
{
    int n = t->p->n;
    double a[PAIRS] = { 0 }, length = sqrt(steepest(t));

    for (int k = 0; k < t->n_pairs; k++) {
        a[k] = t->rho[k] * dot(t->s[k], t->dir, n);
        add(t->dir, -a[k], t->y[k], n);
    }
    if (t->n_pairs) {
        double scale = 1 / (t->rho[0] * dot(t->y[0], t->y[0], n));

        for (int i = 0; i < n; i++)
            t->dir[i] *= scale;
    }
    for (int k = t->n_pairs - 1; k >= 0; k--)
        add(t->dir, a[k] - t->rho[k] * dot(t->y[k], t->dir, n), t->s[k], n);
    for (int i = 0; i < n; i++)
        if (held(t, i))
            t->dir[i] = 0;
    if (!t->n_pairs ||
        !(dot(t->dir, t->grad, n) < -1e-10 * length * sqrt(dot(t->dir, t->dir, n)))) {
        double scale =
            1 / fmax(1, sqrt(steepest(t))); /* nothing is known of the scale: a short step */

        t->n_pairs = 0;
        for (int i = 0; i < n; i++)
            t->dir[i] *= scale;
    }
}

static void remember(struct state *t)
{
    int n = t->p->n, last = PAIRS - 1;
    double *s = t->s[last], *y = t->y[last], sy;

    for (int i = 0; i < n; i++) {
        s[i] = t->next[i] - t->x[i];
        y[i] = t->next_grad[i] - t->grad[i];
    }
    sy = dot(s, y, n);
    if (!(sy > 1e-10 * dot(y, y, n)))
        return; /* no curvature to learn from */
    memmove(t->s + 1, t->s, (size_t)last * sizeof *t->s);
    memmove(t->y + 1, t->y, (size_t)last * sizeof *t->y);
    memmove(t->rho + 1, t->rho, (size_t)last * sizeof *t->rho);
    t->s[0] = s;
    t->y[0] = y;
    t->rho[0] = 1 / sy;
    t->n_pairs += t->n_pairs < PAIRS;
}

/* Moves along the direction, bent at the bounds; false when no step is better. */
static bool step(struct state *t, double *value)
{
    const struct lbfgs *p = t->p;
    double size = 1;

    for (int tries = 0; tries < HALVINGS; tries++, size /= 2) {
        double gain = 0, v;

        for (int i = 0; i < p->n; i++) {
            t->next[i] = fmin(fmax(t->x[i] + size * t->dir[i], p->lo[i]), p->hi[i]);
            gain += t->grad[i] * (t->next[i] - t->x[i]);
        }
        if (!(gain < 0))
            return false;
        v = p->fn(p->arg, t->next, t->next_grad);
        if (isfinite(v) && v <= *value + 1e-4 * gain) {
            remember(t);
            memcpy(t->x, t->next, (size_t)p->n * sizeof *t->x);
            memcpy(t->grad, t->next_grad, (size_t)p->n * sizeof *t->grad);
            *value = v;
            return true;
        }
    }
    return false;
}

double lbfgs_minimise(const struct lbfgs *p, double *x)
{
    struct state t;
    double value;

    for (int i = 0; i < p->n; i++)
        x[i] = fmin(fmax(x[i], p->lo[i]), p->hi[i]);
    start(&t, p, x);
    value = p->fn(p->arg, x, t.grad);
    for (int round = 0; round < p->max_rounds && isfinite(value); round++) {
        bool informed = t.n_pairs > 0;
        double before = value;

        direction(&t);
        if (!step(&t, &value)) {
            if (!informed)
                break;
            t.n_pairs = 0; /* once more, along the gradient */
            continue;
        }
        if (before - value < p->small_enough * (1 + fabs(value)))
            break;
    }
    free(t.memory);
    return value;
}
