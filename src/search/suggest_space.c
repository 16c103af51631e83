// SPDX-License-Identifier: Apache-2.0
#include "search/suggest_space.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

const struct field suggest_param_fields[] = {
    { "name",     TEXT(struct suggest_param, name), .required = true, .min = 1, .max = SPACE_NAME_MAX, .doc = "key in params" },
    { "type",     TEXT(struct suggest_param, type), ALLOWED("Range", "Discrete", "Fix"), .required = true, .doc = "how values are chosen" },
    { "dataType", TEXT(struct suggest_param, data_type), ALLOWED("double", "int", "str"), .required = true, .doc = "type of the values" },
    { "min",      TEXT(struct suggest_param, min),   .doc = "Range: smallest value" },
    { "max",      TEXT(struct suggest_param, max),   .doc = "Range: largest value, included for int" },
    { "step",     TEXT(struct suggest_param, step),  .doc = "Range: values are min + k * step" },
    { "power",    TEXT(struct suggest_param, power), .doc = "Range: min and max are exponents of this base, drawn uniformly" },
    { "log",      BOOLEAN(struct suggest_param, log), .doc = "Range: what differs by factors; min above 0" },
    { "values",   JSON(struct suggest_param, values), .doc = "Discrete: the choices" },
    { "value",    JSON(struct suggest_param, value),  .doc = "Fix: the value" },
    { .type = FIELD_END },
};

bool suggest_whole(const json_t *json, int64_t *ret)
{
    double real = json_real_value(json);

    if (json_is_integer(json)) {
        *ret = json_integer_value(json);
        return true;
    }
    if (!json_is_real(json) || real != floor(real) || fabs(real) > SPACE_INT_MAX)
        return false;
    *ret = (int64_t)real;
    return true;
}

static int refuse_value(const struct dimension *d, const json_t *json, struct err *err)
{
    static const char *const wanted[] = { [PARAM_DOUBLE] = "a finite number",
                                          [PARAM_INT] = "a whole number below 2^63, without point and exponent beyond 2^53",
                                          [PARAM_STR] = "a text" };
    CLEANUP(text_done) struct text given = {0};

    if (json)
        json_show(json, &given);
    else
        text_add(&given, "missing");
    return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is %s; every value of it is %s", d->name, given.data,
                   wanted[d->data]);
}

int suggest_value(const struct dimension *d, const json_t *json, struct mem *mem, struct value *ret,
                  struct err *err)
{
    double real = json_number_value(json);

    *ret = (struct value){ .name = d->name, .data = d->data, .data_name = d->data_name };
    if (d->data == PARAM_STR && json_is_string(json) &&
        strlen(json_string_value(json)) == json_string_length(json)) {
        ret->str = mem ? mem_strdup(mem, json_string_value(json)) : json_string_value(json);
        return 0;
    }
    if (d->data == PARAM_DOUBLE && json_is_number(json) && isfinite(real)) {
        ret->real = real;
        return 0;
    }
    if (d->data == PARAM_INT && suggest_whole(json, &ret->integer))
        return 0;
    return refuse_value(d, json, err);
}

static int read_bounds(const struct suggest_param *p, struct dimension *d, struct err *err)
{
    struct value lo = { .data = d->data }, hi = lo;
    bool fine = p->min && p->max && value_read(p->min, &lo) && value_read(p->max, &hi);

    if (d->data == PARAM_INT) {
        if (!fine || lo.integer > hi.integer || lo.integer < -SPACE_INT_MAX || hi.integer > SPACE_INT_MAX)
            return err_set(err, ERR_BAD_INPUT,
                           "\"%.80s\" is int: it needs min and max, whole numbers within 2^53 with min at most max", p->name);
        lo.real = (double)lo.integer;
        hi.real = (double)hi.integer;
    } else if (!fine || lo.real > hi.real || !isfinite(hi.real - lo.real)) {
        return err_set(err, ERR_BAD_INPUT,
                       "\"%.80s\" needs min and max, finite numbers with min at most max and less than 1.8e308 apart", p->name);
    }
    d->lo = d->from = lo.real;
    d->hi = d->to = hi.real;
    return 0;
}

/* The values are those of a range of exponents of e whose ends are the bounds. */
static int make_log(const struct suggest_param *p, struct dimension *d, struct err *err)
{
    double slack = d->data == PARAM_INT ? 0.5 : 0;

    if (p->step || p->power)
        return err_set(err, ERR_BAD_INPUT,
                       "\"%.80s\" is log, which excludes step and power; with power, min and max are exponents, and step steps those",
                       p->name);
    if (d->lo <= 0)
        return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is log: min must be above 0", p->name);
    d->power = M_E;
    d->from = log(d->lo - slack);
    d->to = log(d->hi + slack);
    return 0;
}

static int make_range(const struct suggest_param *p, struct dimension *d, struct err *err)
{
    const struct param_spec spec = { .name = p->name, .step = p->step, .power = p->power };

    if (d->data == PARAM_STR)
        return err_set(err, ERR_BAD_INPUT,
                       "\"%.80s\": a Range of str is not possible; use Discrete", p->name);
    if (read_bounds(p, d, err) < 0)
        return -1;
    return p->log ? make_log(p, d, err) : range_divide(&spec, 0, /* log_power= */ true, d, err);
}

static int make_choices(const struct suggest_param *p, struct mem *mem, struct dimension *d,
                        struct err *err)
{
    size_t n = json_array_size(p->values);
    struct value *values = mem_alloc(mem, (n + 1) * sizeof *values);

    if (d->type == PARAM_FIX) {
        n = 1;
        if (suggest_value(d, p->value, mem, &values[0], err) < 0)
            return -1;
    } else if (n == 0) {
        return err_set(err, ERR_BAD_INPUT, "\"%.80s\" needs values, a list with at least one",
                       p->name);
    } else {
        for (size_t k = 0; k < n; k++)
            if (suggest_value(d, json_array_get(p->values, k), mem, &values[k], err) < 0)
                return -1;
    }
    d->values = values;
    d->n_values = (int64_t)n;
    return 0;
}

int suggest_space_make(const struct list *params, struct mem *mem, struct space *ret, struct err *err)
{
    const struct suggest_param *p = params->items;
    json_t *names = json_object();
    int rc = 0;

    *ret = (struct space){ mem_alloc(mem, (params->n + 1) * sizeof *ret->dims), (int)params->n };
    for (size_t i = 0; i < params->n && rc == 0; i++) {
        struct dimension *d = &ret->dims[i];

        *d = (struct dimension){ .name = p[i].name, .data_name = p[i].data_type };
        d->data = text_same(p[i].data_type, "int")   ? PARAM_INT
                  : text_same(p[i].data_type, "str") ? PARAM_STR
                                                     : PARAM_DOUBLE;
        d->type = text_same(p[i].type, "Fix")     ? PARAM_FIX
                  : text_same(p[i].type, "Range") ? PARAM_RANGE
                                                  : PARAM_DISCRETE;
        if (json_object_get(names, d->name))
            rc = err_set(err, ERR_BAD_INPUT, "there are two parameters named \"%.80s\"", d->name);
        else if (d->type == PARAM_RANGE)
            rc = make_range(&p[i], d, err);
        else
            rc = make_choices(&p[i], mem, d, err);
        json_object_set_new(names, d->name, json_true());
    }
    json_decref(names);
    return rc;
}
