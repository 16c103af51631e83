// SPDX-License-Identifier: Apache-2.0
#include "search/insight/study.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* --- out --- */

static void add_choices(const struct column *c, struct text *out)
{
    text_add(out, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [");
    for (int i = 0; i < c->n_choices; i++) {
        text_add(out, i ? ", " : "");
        column_write(c, i, out);
    }
    text_add(out, "]}}");
}

/* The largest value: with a step it is not the upper bound, unless that is on the grid. */
static double top_of(const struct column *c)
{
    struct value v;

    if (!c->dim || !c->dim->step || c->log)
        return c->hi;
    v = dimension_value(c->dim, 1 - 0x1p-53);
    return v.data == PARAM_INT ? (double)v.integer : v.real;
}

/* Exponents with a step have no distribution of their own: the range without it has their values. */
static double step_of(const struct column *c)
{
    double step = c->dim && !c->log ? c->dim->step : 0;

    return step > 0 ? step : c->data == PARAM_INT ? 1 : NAN;
}

static void add_number(bool whole, double value, struct text *out)
{
    if (whole)
        text_add_int(out, (int64_t)value);
    else
        text_add_real(out, value); /* NaN: null */
}

void study_distribution(const struct column *c, struct text *out)
{
    bool whole = c->data == PARAM_INT, log = c->log && c->lo > 0;

    if (c->choices) {
        add_choices(c, out);
        return;
    }
    text_addf(out, "{\"name\": \"%sDistribution\", \"attributes\": {\"step\": ", whole ? "Int" : "Float");
    add_number(whole, step_of(c), out);
    text_add(out, ", \"low\": ");
    add_number(whole, c->lo, out);
    text_add(out, ", \"high\": ");
    add_number(whole, top_of(c), out);
    text_add(out, log ? ", \"log\": true}}" : ", \"log\": false}}");
}

bool study_number(const struct column *c, const char *text, double *ret)
{
    *ret = column_x(c, text);
    return !isnan(*ret);
}

/* --- in --- */

static struct known known_of(const json_t *choice)
{
    if (json_is_string(choice))
        return (struct known){ .kind = KNOWN_TEXT, .text = json_string_value(choice) };
    if (json_is_number(choice))
        return (struct known){ .kind = KNOWN_NUMBER, .number = json_number_value(choice) };
    if (json_is_boolean(choice)) /* as Python prints them */
        return (struct known){ .kind = KNOWN_TEXT, .text = json_is_true(choice) ? "True" : "False" };
    return (struct known){ .kind = KNOWN_NOT };
}

struct known study_known(const json_t *distribution, double number)
{
    const char *name = json_string_value(json_object_get(distribution, "name"));
    const json_t *choices = json_object_get(json_object_get(distribution, "attributes"), "choices");

    if (!name || !isfinite(number))
        return (struct known){ .kind = KNOWN_NOT };
    if (strcmp(name, "CategoricalDistribution") != 0)
        return (struct known){ .kind = KNOWN_NUMBER, .number = number };
    if (number < 0 || number != floor(number) || number >= (double)json_array_size(choices))
        return (struct known){ .kind = KNOWN_NOT };
    return known_of(json_array_get(choices, (size_t)number));
}
