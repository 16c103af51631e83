// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The search space: the submitted hyperparameter list, checked, and the unit cube algorithms see.
 * Pure. A point of the cube has one coordinate in [0, 1) per parameter (Fix has none that matters). */

#include "base/field.h"

struct err;
struct mem;

enum param_type { PARAM_RANGE, PARAM_DISCRETE, PARAM_FIX };
enum param_data { PARAM_DOUBLE, PARAM_INT, PARAM_STR };

struct param_spec {             /* as submitted: HpoHyperParameter, spec section 8.4 */
    const char *name, *type, *data_type;    /* spelled as the echo wants: lower case */
    double min_db, max_db;
    int64_t min_int, max_int;
    struct list discrete_db, discrete_int, discrete_str;
    const char *fixed;
    const char *step, *power;   /* as submitted, number or numeric string */
    bool user_defined;
};

struct dimension {              /* the same, understood */
    const char *name;
    enum param_type type;
    enum param_data data;
    double lo, hi;              /* after power; ints as whole doubles */
    double step;                /* 0 = none; with power it steps the exponent */
    double power;               /* 0 = none */
    int decimals;               /* of printed stepped values */
    int64_t n_values;           /* grid points or categories; 0 = continuous */
    const void *values;         /* DISCRETE: double, int64_t or const char * array; FIX: one */
};

struct value {                  /* one hyperparameter of one experiment */
    const char *name;
    enum param_data data;
    double real;
    int64_t integer;
    const char *str;
};

struct space {
    struct dimension *dims;
    int n_dims;
    bool log_power;             /* search.power_sampling */
};

extern const struct field param_spec_fields[];

/* `specs` is a list of struct param_spec. ERR_BAD_INPUT with err->field "hyperParams[i].x". */
int space_make(const struct list *specs, bool log_power, struct mem *mem, struct space *ret,
               struct err *err);

/* The values at a point of the cube. [n_dims] in, [n_dims] out, text in `mem`. */
void space_values(const struct space *s, const double *cube, struct mem *mem, struct value *ret);

const char *value_text(const struct value *v, struct mem *mem);    /* fixedVal: always a string */
