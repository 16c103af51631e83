// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The search space: the submitted hyperparameter list, checked, and the unit cube algorithms see.
 * Pure. A point of the cube has one coordinate in [0, 1) per parameter (that of a fixed one is
 * ignored). */

#include "base/field.h"

struct err;
struct mem;
struct text;

enum {
    SPACE_DIMS_MAX    = 256,
    SPACE_CHOICES_MAX = 10000,  /* values of one discrete parameter */
    SPACE_NAME_MAX    = 256,    /* bytes */
    SPACE_VALUE_MAX   = 4096,   /* bytes of one text value */
};

/* Whole numbers beyond it, either way, have no exact double, and the cube is made of doubles. */
#define SPACE_INT_MAX 9007199254740992

enum param_type { PARAM_RANGE, PARAM_DISCRETE, PARAM_FIX };
enum param_data { PARAM_DOUBLE, PARAM_INT, PARAM_STR };

struct param_spec {             /* as submitted and echoed: HpoHyperParameter */
    const char *name, *type, *data_type;    /* the last two in the spelling of the echo: lower case */
    double min_db, max_db;
    int64_t min_int, max_int;
    struct list discrete_db, discrete_int, discrete_str;
    const char *fixed;
    const char *step, *power;   /* numbers, as text */
    bool user_defined;
};

extern const struct field param_spec_fields[];

struct value {                  /* one hyperparameter of one experiment */
    const char *name;
    enum param_data data;
    const char *data_name;      /* "double", "int", "str" or, when so submitted, "string" */
    double real;                /* PARAM_DOUBLE */
    int64_t integer;            /* PARAM_INT */
    const char *str;            /* PARAM_STR */
};

/* A parameter, understood. Range: a coordinate u becomes x, uniform on [from, to] or one of
 * n_values points from + k * step, and the value is x, or power^x when `power` is set, rounded for
 * PARAM_INT and kept within [lo, hi]. */
struct dimension {
    const char *name;
    enum param_type type;
    enum param_data data;
    const char *data_name;
    double lo, hi;              /* RANGE: smallest and largest value */
    double from, to;            /* RANGE: what is sampled; exponents when power != 0 */
    double step;                /* RANGE: 0 = none */
    double power;               /* RANGE: 0 = none */
    int decimals;               /* RANGE with step: digits after the point of min and step; -1 = many */
    int64_t n_values;           /* grid points, whole numbers or choices; 0 = continuous */
    const struct value *values; /* DISCRETE: n_values; FIX: one */
};

struct space {
    struct dimension *dims;
    int n_dims;
};

/* Rewrites, in a submitted list (of objects), the words real clients use for type and dataType into
 * those of the fields table: "Discreate", "fixed", "integer", "FLOAT". */
void space_respell(json_t *list);

/* `specs` is a list of struct param_spec. `log_power`: exponents of `power` are drawn uniformly
 * (values are log-uniform); otherwise values are. ERR_BAD_INPUT with err->field "hyperParams[i].x".
 */
int space_make(const struct list *specs, bool log_power, struct mem *mem, struct space *ret,
               struct err *err);

/* The rest of a range, once d->lo, hi, from and to are its bounds: `power` and `step` of the spec, which
 * is number i of its list in err->field. */
int range_divide(const struct param_spec *p, size_t i, bool log_power, struct dimension *d,
                 struct err *err);

/* Point k of a range that has a grid (n_values is not 0): a value, or the exponent of one when there is `power`. */
double range_grid(const struct dimension *d, int64_t k);

/* The values at a point of the cube. [n_dims] in, [n_dims] out. */
void space_values(const struct space *s, const double *cube, struct value *ret);

/* The other way round: a point of the cube whose values these are, in the middle of its cell where a
 * parameter has a grid or choices (reals may be 1e-9 beside the grid). Twins in a list of choices: the
 * first. ERR_BAD_INPUT when one is not a value of its parameter. */
int space_point(const struct space *s, const struct value *values, double *ret_cube,
                struct err *err);

/* The same for one parameter: its value at u, and its coordinate, NaN when it has no such value. What
 * lies between two points of a `step` has the coordinate of the nearest; exactly taken, it is no value. */
struct value dimension_value(const struct dimension *d, double u);
double dimension_point(const struct dimension *d, const struct value *v);
double dimension_point_exact(const struct dimension *d, const struct value *v);

/* The values of parameters that are all given (fixedVal), typed; `where` starts err->field. Used
 * for listed experiments, and to read back what values_echo() wrote. `ret` has specs->n values in
 * `mem`. */
int values_fixed(const struct list *specs, const char *where, struct mem *mem, struct value **ret,
                 struct err *err);

/* fixedVal: always text. Doubles in the shortest form that reads back the same. */
const char *value_text(const struct value *v, char buf[32]);

/* The other way round: the text as a value of v->data, exact. False: it is none; text is borrowed. */
bool value_read(const char *text, struct value *v);

/* config.json: {"name": value, ...} with numbers as numbers. */
void values_config(const struct value *values, int n, struct text *out);

/* The list an experiment record has. Every value has "type":"fix": the type is required of a
 * hyperparameter, and clients made from the API document refuse one without. */
void values_echo(const struct value *values, int n, struct text *out);
