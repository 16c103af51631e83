// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Densities over a search space: a mixture of one kernel per observed point and a uniform prior.
 * Coordinates of a point ([n_axes]): of a real axis the place in [0, 1); of a grid or a choice the
 * index. Nothing is kept between calls: a mixture lives in the memory it was fitted in. */

#include "search/space.h"

#include <stdint.h>

struct mem;

enum {
    PARZEN_GRID_MAX = 4096,         /* a finer grid is a real axis */
    PARZEN_LANES = 4,               /* points whose density is computed at once */
    DRAWS_AHEAD = 8,                /* random numbers made at once */
};

enum axis_kind { AXIS_REAL, AXIS_GRID, AXIS_CHOICE };

struct axis {                       /* a parameter that has more than one value */
    enum axis_kind kind;
    int dim;                        /* of the cube */
    double n;                       /* GRID, CHOICE: how many */
    const struct dimension *snap;   /* REAL: its values are whole or on a grid all the same */
};

/* Fills [s->n_dims]; returns how many there are. */
int axes_of(const struct space *s, struct axis *ret);

void axes_point(const struct axis *axes, int n_axes, const double *cube, double *ret_x);
/* Other coordinates of the cube stay as they are. */
void axes_cube(const struct axis *axes, int n_axes, const double *x, double *ret_cube);

/* How the density joins the axes: as a sum of products (kernels are joint, what goes together is
 * learnt) or as a product of sums (axes are independent). */
enum parzen_form { PARZEN_JOINT, PARZEN_SEPARATE };

struct parzen {             /* logs are to the base 2, and count down: bits less */
    const struct axis *axes;
    int n_axes, n;
    int room;               /* n and up to PARZEN_LANES more, of weight 0 */
    double *centre;         /* [n_axes x room] */
    double *weight;         /* [room]; with prior_weight they sum to 1 */
    double prior_weight;
    double *sigma;          /* [n_axes]; of REAL and GRID, as part of the cube */
    double *scale;          /* [n_axes]; of distances, whose squares are bits */
    double *share;          /* [n_axes x room] weight times the factor that makes the kernel's mass 1 on the axis */
    double **bits;          /* [n_axes]; GRID: by distance in cells; CHOICE: same, another */
    double *joint;          /* [room] weight times those factors of all axes, but for what is in the next two: */
    double *joint_bits;     /* [room] the factors of most axes when there are many; else 0 */
    double peak_bits;       /* what the kernels have in common */
    double prior_bits;      /* weight and density of the prior */
};

/* `points` [n] of coordinates, `weights` [n] of any sum; `width` scales the kernels. Nothing of
 * them is kept. */
void parzen_fit(const struct axis *axes, int n_axes, const double *const *points,
                const double *weights, int n, double width, struct mem *mem, struct parzen *ret);

/* Logs of the density at PARZEN_LANES points, `x` [n_axes x PARZEN_LANES], relative to the cube (grids and choices: log
 * of the mass). `scratch` [n x PARZEN_LANES]. */
void parzen_log_densities(const struct parzen *p, enum parzen_form form, const double *x, double *scratch,
                          double *ret);

struct draws {                      /* random numbers of one trial, one after the other */
    uint64_t seed, trial;
    uint32_t next, stream;
    double ahead[DRAWS_AHEAD];      /* the last ones made */
};

double draws_next(struct draws *d); /* uniform in [0, 1) */

void parzen_sample(const struct parzen *p, enum parzen_form form, struct draws *d, double *ret_x);
