// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What was known before a search began: outcomes from elsewhere, as points of the new search's space. Pure.
 *
 * A value belongs to the hyperparameter of its name, as a number or a text as that one has them; what the
 * new space does not have is passed over. An outcome is skipped when one of its values is no value of the
 * new space, when it lacks one that the space does not fix, or when its objective is not finite. */

#include "search/document.h"
#include "search/insight/study.h"

enum { PRIORS_MAX = 10000 };    /* told; those after it are skipped */

struct prior {
    const char *cube;           /* JSON list, as experiments have it */
    double objective;
};

struct priors {                 /* start as {0} with mem and space set */
    struct mem *mem;
    const struct space *space;
    struct prior *items;        /* in mem */
    size_t n, room;
    int64_t skipped;
};

struct known_value {
    const char *name;
    struct known value;
};

void priors_add(struct priors *p, const struct known_value *values, int n, double objective);

/* What a text of an experiment's list is. */
struct known known_of_shown(const struct shown *v);

/* A point as JSON list, in `mem`. */
const char *cube_text(const double *cube, int n, struct mem *mem);
