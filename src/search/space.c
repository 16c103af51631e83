// SPDX-License-Identifier: Apache-2.0
#include "search/space.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double near_enough = 1e-9; /* of a value on a grid: it went through another program's arithmetic */

const struct field param_spec_fields[] = {
    { "name",            TEXT(struct param_spec, name),      .required = true, .min = 1, .max = SPACE_NAME_MAX,
      .doc = "key in config.json; unique in the list" },
    { "type",            TEXT(struct param_spec, type),      ALLOWED("range", "discrete", "fix"), .required = true,
      .doc = "how values are chosen" },
    { "dataType",        TEXT(struct param_spec, data_type), ALLOWED("int", "double", "str", "string"),
      .required = true, .doc = "type of the value in config.json" },
    { "minDbVal",        REAL(struct param_spec, min_db),    .format = "double", .doc = "range of double: smallest value" },
    { "maxDbVal",        REAL(struct param_spec, max_db),    .format = "double", .doc = "range of double: largest value" },
    { "minIntVal",       INT(struct param_spec, min_int),    .doc = "range of int: smallest value" },
    { "maxIntVal",       INT(struct param_spec, max_int),    .doc = "range of int: largest value, included" },
    { "discreteDbVal",   LIST_OF(struct param_spec, discrete_db, FIELD_REAL), .max = SPACE_CHOICES_MAX,
      .format = "double", .doc = "choices of a discrete double" },
    { "discreteIntVal",  LIST_OF(struct param_spec, discrete_int, FIELD_INT), .max = SPACE_CHOICES_MAX,
      .doc = "choices of a discrete int" },
    { "discreateStrVal", LIST_OF(struct param_spec, discrete_str, FIELD_TEXT), .max = SPACE_CHOICES_MAX,
      ALIASES("discreteStrVal"), .doc = "choices of a discrete str" },
    { "userDefined",     BOOLEAN(struct param_spec, user_defined), .doc = "passed through" },
    { "fixedVal",        TEXT(struct param_spec, fixed),     .max = SPACE_VALUE_MAX, .doc = "fix: the value, as text" },
    { "step",            TEXT(struct param_spec, step),      .max = 64, .doc = "range: values are min + k * step" },
    { "power",           TEXT(struct param_spec, power),     .max = 64,
      .doc = "range: bounds are exponents of this base" },
    { .type = FIELD_END },
};

void space_respell(json_t *list)
{
    static const struct {
        const char *key, *from, *to;
    } words[] = {
        { "type", "discreate", "discrete" },
        { "type", "fixed", "fix" },
        { "dataType", "integer", "int" },
        { "dataType", "float", "double" },
    };
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        for (size_t w = 0; w < ARRAY_LEN(words); w++) {
            json_t *word = json_object_get(item, words[w].key);

            if (word && text_same(json_string_value(word), words[w].from))
                json_object_set_new(item, words[w].key, json_string(words[w].to));
        }
    }
}

/* --- numbers --- */

static bool read_real(const char *text, double *ret)
{
    char *end;

    *ret = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*ret);
}

/* 3.0 is a whole number; digits alone are not rounded to a double on their way. */
static bool read_int(const char *text, int64_t *ret)
{
    double real;
    char *end;

    errno = 0;
    *ret = strtoll(text, &end, 10);
    if (end != text && *end == '\0')
        return errno == 0;
    if (!read_real(text, &real) || real != floor(real) || fabs(real) > SPACE_INT_MAX)
        return false;
    *ret = (int64_t)real;
    return true;
}

/* Digits after the point of the shortest decimal form; -1 when no double keeps so many apart. */
static int decimals_of(double v)
{
    char buf[32], *e, *point;
    int digits, exponent;

    real_to_text(v, buf);
    e = strchr(buf, 'e');
    exponent = e ? atoi(e + 1) : 0;
    if (e)
        *e = '\0';
    point = strchr(buf, '.');
    digits = point ? (int)strlen(point + 1) : 0;
    if (digits == 1 && point[1] == '0')
        digits = 0;
    digits -= exponent;
    return digits < 0 ? 0 : digits > 17 ? -1 : digits;
}

static double round_decimals(double v, int decimals)
{
    char buf[400]; /* the longest double has 309 digits before the point */

    if (decimals < 0)
        return v;
    snprintf(buf, sizeof buf, "%.*f", decimals, v);
    v = strtod(buf, NULL);
    return v == 0 ? 0 : v; /* no "-0.0" */
}

bool value_read(const char *text, struct value *v)
{
    switch (v->data) {
    case PARAM_DOUBLE:
        return read_real(text, &v->real);
    case PARAM_INT:
        return read_int(text, &v->integer);
    case PARAM_STR:
        v->str = text;
        return true;
    }
    return false;
}

/* --- one range --- */

static int bad(struct err *err, size_t i, const char *field, const char *accepted,
               const char *sentence, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "hyperParams[%zu].%s", i, field);
    return err_field(err, path, accepted, "hyperparameter \"%.80s\": %s", name, sentence);
}

static int range_bounds(const struct param_spec *p, size_t i, struct dimension *d, struct err *err)
{
    bool whole = d->data == PARAM_INT;
    const char *low = whole ? "minIntVal" : "minDbVal", *high = whole ? "maxIntVal" : "maxDbVal";
    double *to[2] = { &d->from, &d->to };

    for (int k = 0; k < 2; k++) {
        int64_t n = k ? p->max_int : p->min_int;
        double v = whole ? (n == INT_UNSET ? NAN : (double)n) : k ? p->max_db : p->min_db;

        if (isnan(v))
            return bad(err, i, k ? high : low, "a number",
                       "a range needs both bounds as finite numbers", p->name);
        if (!isfinite(v) || (whole && (n > SPACE_INT_MAX || n < -SPACE_INT_MAX)))
            return bad(err, i, k ? high : low, "a finite number; for int within 2^53",
                       "this bound is too large", p->name);
        *to[k] = v;
    }
    if (d->from > d->to)
        return bad(err, i, low, "at most the upper bound", "the lower bound is above the upper one",
                   p->name);
    if (!isfinite(d->to - d->from))
        return bad(err, i, high, "bounds that a double can subtract", "the range is too wide",
                   p->name);
    d->lo = d->from;
    d->hi = d->to;
    return 0;
}

/* Bounds become exponents of `power`. */
static int range_power(const struct param_spec *p, size_t i, bool keep_exponents,
                       struct dimension *d, struct err *err)
{
    double base, a, b;

    if (!read_real(p->power, &base) || base <= 0 || base == 1)
        return bad(err, i, "power", "a number above 0 other than 1",
                   "power must be a number above 0 other than 1", p->name);
    a = pow(base, d->from);
    b = pow(base, d->to);
    if (!isfinite(a) || !isfinite(b) || a <= 0 || b <= 0)
        return bad(err, i, "power", "bounds that are exponents",
                   "power raised to these bounds is no usable double; the bounds are exponents",
                   p->name);
    d->lo = fmin(a, b);
    d->hi = fmax(a, b);
    if (d->data == PARAM_INT) {
        d->lo = ceil(d->lo);
        d->hi = floor(d->hi);
        if (d->lo > d->hi || d->hi > SPACE_INT_MAX)
            return bad(err, i, "power", "bounds that enclose a whole number below 2^53",
                       "there is no usable whole number between power raised to the bounds",
                       p->name);
    }
    if (keep_exponents)
        d->power = base;
    else {
        d->from = d->lo;
        d->to = d->hi;
    }
    return 0;
}

static int range_step(const struct param_spec *p, size_t i, struct dimension *d, struct err *err)
{
    double points;
    int a, b;

    if (!read_real(p->step, &d->step) || d->step <= 0)
        return bad(err, i, "step", "a number above 0", "step must be a number above 0", p->name);
    if (d->data == PARAM_INT && !d->power && d->step != floor(d->step))
        return bad(err, i, "step", "a whole number from 1",
                   "the step of an int range must be whole", p->name);
    /* The slack: a bound on the grid is reached in spite of rounding. */
    points = floor((d->to - d->from) / d->step + 1e-9) + 1;
    if (points > SPACE_INT_MAX)
        return bad(err, i, "step", "a larger step", "step is too small for the range", p->name);
    a = decimals_of(d->from);
    b = decimals_of(d->step);
    d->decimals = a < 0 || b < 0 ? -1 : a > b ? a : b;
    d->n_values = (int64_t)points;
    return 0;
}

int range_divide(const struct param_spec *p, size_t i, bool log_power, struct dimension *d,
                 struct err *err)
{
    if (p->power && range_power(p, i, log_power || p->step, d, err) < 0)
        return -1;
    if (p->step)
        return range_step(p, i, d, err);
    if (d->data == PARAM_INT && !d->power)
        d->n_values = (int64_t)(d->to - d->from) + 1;
    return 0;
}

static int make_range(const struct param_spec *p, size_t i, bool log_power, struct dimension *d,
                      struct err *err)
{
    if (d->data == PARAM_STR)
        return bad(err, i, "dataType", "int or double; use discrete for text",
                   "a range of text is not possible", p->name);
    if (range_bounds(p, i, d, err) < 0)
        return -1;
    return range_divide(p, i, log_power, d, err);
}

/* --- choices and fixed values --- */

static struct value value_of(const struct dimension *d)
{
    return (struct value){ .name = d->name, .data = d->data, .data_name = d->data_name };
}

static int make_discrete(const struct param_spec *p, size_t i, struct mem *mem, struct dimension *d,
                         struct err *err)
{
    static const char *const names[] = { [PARAM_DOUBLE] = "discreteDbVal",
                                         [PARAM_INT] = "discreteIntVal",
                                         [PARAM_STR] = "discreateStrVal" };
    const struct list *lists[] = { [PARAM_DOUBLE] = &p->discrete_db,
                                   [PARAM_INT] = &p->discrete_int,
                                   [PARAM_STR] = &p->discrete_str };
    const struct list *list = lists[d->data];
    struct value *values;

    if (list->n == 0)
        return bad(err, i, names[d->data], "a list with at least one value",
                   "a discrete parameter needs its values", p->name);
    values = mem_alloc(mem, list->n * sizeof *values);
    for (size_t k = 0; k < list->n; k++) {
        values[k] = value_of(d);
        if (d->data == PARAM_DOUBLE)
            values[k].real = ((const double *)list->items)[k];
        else if (d->data == PARAM_INT)
            values[k].integer = ((const int64_t *)list->items)[k];
        else
            values[k].str = ((const char *const *)list->items)[k];
        if (d->data == PARAM_DOUBLE && !isfinite(values[k].real))
            return bad(err, i, names[d->data], "finite numbers",
                       "one of the values is not a finite number", p->name);
        if (d->data == PARAM_STR && strlen(values[k].str) > SPACE_VALUE_MAX)
            return bad(err, i, names[d->data], "texts of at most 4096 bytes",
                       "one of the values is too long", p->name);
    }
    d->values = values;
    d->n_values = (int64_t)list->n;
    return 0;
}

static enum param_data data_of(const char *name)
{
    if (text_same(name, "int"))
        return PARAM_INT;
    return text_same(name, "double") ? PARAM_DOUBLE : PARAM_STR;
}

static int make_fix(const struct param_spec *p, size_t i, struct mem *mem, struct dimension *d,
                    struct err *err)
{
    struct value *v = mem_alloc(mem, sizeof *v);

    *v = value_of(d);
    if (!p->fixed)
        return bad(err, i, "fixedVal", "the value, as text or number",
                   "a fixed parameter needs its value", p->name);
    if (!value_read(p->fixed, v))
        return bad(err, i, "fixedVal", "a value of the parameter's dataType",
                   "fixedVal is not of the dataType", p->name);
    d->values = v;
    d->n_values = 1;
    return 0;
}

/* --- the whole --- */

static int make_dimension(const struct param_spec *p, size_t i, bool log_power, struct mem *mem,
                          struct dimension *d, struct err *err)
{
    *d = (struct dimension){ .name = p->name,
                             .data = data_of(p->data_type),
                             .data_name = p->data_type };
    if (text_same(p->type, "fix")) {
        d->type = PARAM_FIX;
        return make_fix(p, i, mem, d, err);
    }
    if (text_same(p->type, "discrete")) {
        d->type = PARAM_DISCRETE;
        return make_discrete(p, i, mem, d, err);
    }
    d->type = PARAM_RANGE;
    return make_range(p, i, log_power, d, err);
}

/* Quadratic, over at most SPACE_DIMS_MAX short names. */
static int refuse_twins(const struct param_spec *p, size_t i, const char *where, struct err *err)
{
    char path[64];

    for (size_t k = 0; k < i; k++) {
        if (strcmp(p[k].name, p[i].name) == 0) {
            snprintf(path, sizeof path, "%s[%zu].name", where, i);
            return err_field(err, path, "a name of its own",
                             "there are two hyperparameters named \"%.80s\"", p[i].name);
        }
    }
    return 0;
}

int space_make(const struct list *specs, bool log_power, struct mem *mem, struct space *ret,
               struct err *err)
{
    const struct param_spec *p = specs->items;
    struct space s = { .n_dims = (int)specs->n };

    if (specs->n == 0 || specs->n > SPACE_DIMS_MAX)
        return err_field(err, "hyperParams", "1 to 256 hyperparameters",
                         "%zu hyperparameters are not possible", specs->n);
    s.dims = mem_alloc(mem, specs->n * sizeof *s.dims);
    for (size_t i = 0; i < specs->n; i++) {
        if (refuse_twins(p, i, "hyperParams", err) < 0 ||
            make_dimension(&p[i], i, log_power, mem, &s.dims[i], err) < 0)
            return -1;
    }
    *ret = s;
    return 0;
}

double range_grid(const struct dimension *d, int64_t k)
{
    double x = d->from + (double)k * (d->step ? d->step : 1);

    return d->step ? round_decimals(x, d->decimals) : x;
}

/* The value of a range at what is sampled: an exponent when there is `power`. */
static double range_value(const struct dimension *d, double x)
{
    if (d->power)
        x = pow(d->power, x);
    if (d->data == PARAM_INT)
        x = nearbyint(x);
    if (!d->n_values && !d->power && x >= d->hi && d->lo < d->hi)
        x = nextafter(d->hi, d->lo);    /* rounding must not reach the open end */
    return fmin(fmax(x, d->lo), d->hi);
}

/* The value of a range at u in [0, 1). */
static double range_at(const struct dimension *d, double u)
{
    double n = (double)d->n_values;

    return range_value(d, d->n_values ? range_grid(d, (int64_t)fmin(floor(u * n), n - 1))
                                      : d->from + u * (d->to - d->from));
}

struct value dimension_value(const struct dimension *d, double u)
{
    struct value v = value_of(d);
    int64_t k;

    if (d->type == PARAM_RANGE) {
        v.real = range_at(d, u);
        v.integer = d->data == PARAM_INT ? (int64_t)v.real : 0;
        return v;
    }
    k = d->type == PARAM_FIX ? 0 : (int64_t)(u * (double)d->n_values);
    return d->values[k < d->n_values ? k : d->n_values - 1];
}

void space_values(const struct space *s, const double *cube, struct value *ret)
{
    for (int i = 0; i < s->n_dims; i++)
        ret[i] = dimension_value(&s->dims[i], cube[i]);
}

static bool same_value(const struct value *a, const struct value *b)
{
    if (a->data == PARAM_STR)
        return strcmp(a->str, b->str) == 0;
    return a->data == PARAM_INT ? a->integer == b->integer : a->real == b->real;
}

static double number_of(const struct value *v)
{
    return v->data == PARAM_INT ? (double)v->integer : v->real;
}

/* What is sampled where the value is x. */
static double range_source(const struct dimension *d, double x)
{
    return d->power ? log(x) / log(d->power) : x;
}

static double nearest_on_grid(const struct dimension *d, double x)
{
    return nearbyint((x - d->from) / (d->step ? d->step : 1));
}

static double cell_middle(const struct dimension *d, double k) { return (k + 0.5) / (double)d->n_values; }

static double range_point(const struct dimension *d, const struct value *v)
{
    double x = number_of(v);

    if (!(x >= d->lo && x <= d->hi) || (d->data == PARAM_INT && (int64_t)x != v->integer))
        return NAN;
    x = range_source(d, x);
    if (d->n_values)
        return cell_middle(d, nearest_on_grid(d, x));
    return d->to > d->from ? (x - d->from) / (d->to - d->from) : 0.5;
}

static double choice_point(const struct dimension *d, const struct value *v)
{
    for (int64_t k = 0; k < d->n_values; k++)
        if (same_value(&d->values[k], v))
            return ((double)k + 0.5) / (double)d->n_values;
    return NAN;
}

double dimension_point(const struct dimension *d, const struct value *v)
{
    double u = d->type == PARAM_RANGE ? range_point(d, v) : choice_point(d, v);

    return isnan(u) ? u : fmin(fmax(u, 0), 1 - 0x1p-53);
}

/* Where rounded powers lie apart, the point next to the nearest one may be the one that is rounded to x. */
static double exact_point(const struct dimension *d, double x)
{
    static const int beside[] = { 0, -1, 1 };
    double nearest = nearest_on_grid(d, range_source(d, x));
    double slack = d->data == PARAM_INT ? 0 : near_enough * fmax(fabs(x), d->power ? 0 : d->step);

    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        double k = nearest + beside[i];

        if (k >= 0 && k < (double)d->n_values && fabs(range_value(d, range_grid(d, (int64_t)k)) - x) <= slack)
            return cell_middle(d, k);
    }
    return NAN;
}

double dimension_point_exact(const struct dimension *d, const struct value *v)
{
    double u = dimension_point(d, v);

    return isnan(u) || !d->step ? u : exact_point(d, number_of(v));
}

int space_point(const struct space *s, const struct value *values, double *ret_cube,
                struct err *err)
{
    char buf[32];

    for (int i = 0; i < s->n_dims; i++) {
        const struct dimension *d = &s->dims[i];

        ret_cube[i] = dimension_point_exact(d, &values[i]);
        if (isnan(ret_cube[i]))
            return err_set(err, ERR_BAD_INPUT, "\"%.80s\" has no value %.80s", d->name,
                           value_text(&values[i], buf));
    }
    return 0;
}

int values_fixed(const struct list *specs, const char *where, struct mem *mem, struct value **ret,
                 struct err *err)
{
    const struct param_spec *p = specs->items;
    struct value *values = mem_alloc(mem, (specs->n ? specs->n : 1) * sizeof *values);
    char path[64];

    for (size_t i = 0; i < specs->n; i++) {
        if (refuse_twins(p, i, where, err) < 0)
            return -1;
        values[i] = (struct value){ .name = p[i].name,
                                    .data = data_of(p[i].data_type),
                                    .data_name = p[i].data_type };
        snprintf(path, sizeof path, "%s[%zu].fixedVal", where, i);
        if (!p[i].fixed)
            return err_field(err, path, "the value, as text or number", "\"%.80s\" has no fixedVal",
                             p[i].name);
        if (!value_read(p[i].fixed, &values[i]))
            return err_field(err, path, "a value of the parameter's dataType",
                             "\"%.80s\" is not of dataType %s: \"%.80s\"", p[i].name,
                             p[i].data_type, p[i].fixed);
    }
    *ret = values;
    return 0;
}

/* --- forms --- */

const char *value_text(const struct value *v, char buf[32])
{
    if (v->data == PARAM_STR)
        return v->str;
    if (v->data == PARAM_INT)
        snprintf(buf, 32, "%" PRId64, v->integer);
    else
        real_to_text(v->real, buf);
    return buf;
}

void values_config(const struct value *values, int n, struct text *out)
{
    text_add_char(out, '{');
    for (int i = 0; i < n; i++) {
        text_add(out, i ? ", " : "");
        text_add_json(out, values[i].name);
        text_add(out, ": ");
        if (values[i].data == PARAM_STR)
            text_add_json(out, values[i].str);
        else if (values[i].data == PARAM_INT)
            text_add_int(out, values[i].integer);
        else
            text_add_real(out, values[i].real);
    }
    text_add(out, "}\n");
}

void values_echo(const struct value *values, int n, struct text *out)
{
    char buf[32];

    text_add_char(out, '[');
    for (int i = 0; i < n; i++) {
        text_add(out, i ? ",{\"name\":" : "{\"name\":");
        text_add_json(out, values[i].name);
        text_add(out, ",\"type\":\"fix\",\"dataType\":");
        text_add_json(out, values[i].data_name);
        text_add(out, ",\"fixedVal\":");
        text_add_json(out, value_text(&values[i], buf));
        text_add(out, ",\"userDefined\":false}");
    }
    text_add_char(out, ']');
}
