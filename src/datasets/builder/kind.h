// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The kinds of datasets, a row each. A kind is a file kind_<name>.c with one `const struct kind` and a line in
 * kinds[] of kind.c. */

#include "datasets/builder/look.h"

struct build;
struct err;

struct kind {
    const char *name;                       /* datasourcetype, in the API's spelling: "OTHER" */
    const char *const *backends;            /* dbbackend values that it can be built for, NULL-ended */

    /* Reads the sources that b->orders names and writes the dataset into b->orders->target; tells b->report about
     * each split (report_split() and its members), about labels, sizes and whatever else it learns; calls
     * progress_start() once it knows how much there is, progress_add() as it goes, progress_end() at the end. The
     * caller has checked the version, the backend and that the target is an empty folder; it writes report.json afterwards. Sources go
     * through build_source(). On failure what was written stays; whoever gave the orders removes it. Data that cannot
     * be used are ERR_BAD_INPUT with a sentence for the user, naming the member of the orders in err->field. */
    int (*build)(struct build *b, struct err *err);

    /* Calls fn for the samples of a split that was built, from number `from` on (the first is 0), in their order, until it
     * returns something else than 0. A failure of fn fails; the end of the samples does not. NULL: there is nothing to
     * look at. */
    int (*each)(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err);
};

extern const struct kind *const kinds[];    /* NULL-ended */

/* Compared without case; NULL: not one of kinds[]. */
const struct kind *kind_find(const char *name);

/* The backend in the API's spelling, or NULL when the kind is not built for it. */
const char *kind_backend(const struct kind *k, const char *backend);
