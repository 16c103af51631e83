// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a search has tried, as a table: a column for each hyperparameter, a row for each experiment that
 * ended well. What importance, curves and charts are made from. Pure. */

#include "search/document.h"
#include "search/search.h"

#include "base/cleanup.h"

struct mem;

enum column_kind {
    COLUMN_RANGE,       /* numbers from lo to hi */
    COLUMN_CHOICES,     /* one of n_choices texts or numbers */
    COLUMN_FIXED,       /* always the same */
};

struct column {
    const char *name;
    const char *data_name;          /* "double", "int", "str" or "string" */
    enum param_data data;
    enum column_kind kind;
    bool log;                       /* RANGE: of what differs by factors */
    double lo, hi;                  /* RANGE: of the space; of what was tried when there is none */
    const char **choices;           /* CHOICES: as texts, in the order of the space */
    int n_choices;
    int *sorted;                    /* [n_choices] places of the choices in the order of their texts */
    const struct dimension *dim;    /* of the space; NULL when there is none */
};

struct tried_row {
    int64_t id;
    double objective;               /* finite */
    int64_t started_ms, ended_ms;
    double *x;                      /* [n_columns] number, or place of the choice; NaN: none of this column's.
                                     * NULL when no values were asked for */
};

struct tried {
    struct mem *mem;
    bool maximize;
    struct column *columns;
    int n_columns;
    bool values;                    /* rows have them */
    struct tried_row *rows;
    size_t n, cap;
    size_t seen;                    /* experiments that ended well, kept or not */
    size_t stride;                  /* every so many of them is kept */
};

enum { TRIED_VALUES_MAX = 4000000 /* kept in all; beyond that experiments are passed over evenly */ };

/* An empty table. `plan` and its memory outlive it; `n_expected` experiments have ended. */
struct tried *tried_new(const struct search_plan *plan, bool values, int64_t n_expected);
void tried_free(struct tried *t); /* NULL is fine */
DEFINE_FREEP(tried)

/* Adds an experiment; one that did not end well, or without a finite objective, is passed over. */
void tried_add(struct tried *t, const struct experiment *e);

/* Sorts the rows: best first, or in the order they ended. Ties go to the lower id. */
void tried_rank(struct tried *t);
void tried_by_end(struct tried *t);

/* x of the value with this text: the number, or the place of the choice; NaN when it is no value of the column. */
double column_x(const struct column *c, const char *text);

/* x of a column as JSON: a number, a text, or null. */
void column_write(const struct column *c, double x, struct text *out);

/* One hyperparameter of an experiment's list. */
struct shown {
    const char *name, *data_name, *text;
};

/* Takes a list apart that values_echo() wrote, in place: `echo` is overwritten, and `ret` points into
 * it. Returns how many there are, at most `max`; -1 when it is no such list. */
int shown_split(char *echo, struct shown *ret, int max);
