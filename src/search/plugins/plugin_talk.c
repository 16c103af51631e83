// SPDX-License-Identifier: Apache-2.0
#include "search/plugins/plugin_talk.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"
#include "search/document.h"
#include "search/plugins/plugin.h"
#include "search/search.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the space --- */

int plugin_space_make(const struct space *space, const struct list *specs, struct mem *mem, struct plugin_space *ret,
                      struct err *err)
{
    const struct param_spec *spec = specs->items;
    struct plugin_space s = { .space = space };

    s.params = mem_alloc(mem, ((size_t)space->n_dims + 1) * sizeof *s.params);
    for (int i = 0; i < space->n_dims; i++) {
        const struct dimension *d = &space->dims[i];

        if (d->type == PARAM_FIX)
            continue;
        if (d->step && d->n_values > SPACE_CHOICES_MAX)
            return err_field(err, "hyperParams", "a larger step, or no step",
                             "hyperparameter \"%.80s\": its step makes %" PRId64 " values, and an installed algorithm is"
                             " given a list of at most %d", d->name, d->n_values, SPACE_CHOICES_MAX);
        s.params[s.n_params] = (struct plugin_param){ .dim = d, .spec = &spec[i] };
        if (d->type == PARAM_RANGE && spec[i].power)
            s.params[s.n_params].power = strtod(spec[i].power, NULL);
        s.n_params++;
    }
    *ret = s;
    return 0;
}

/* --- to the plugin --- */

static void add_key(struct text *out, const char *key)
{
    text_add(out, ",\"");
    text_add(out, key);
    text_add(out, "\":");
}

static void add_text(struct text *out, const char *key, const char *value)
{
    add_key(out, key);
    text_add_json(out, value);
}

static void add_int(struct text *out, const char *key, int64_t value)
{
    add_key(out, key);
    text_add_int(out, value);
}

static void add_real(struct text *out, const char *key, double value)
{
    add_key(out, key);
    text_add_real(out, value);
}

/* The exponents of whole numbers need not be whole. */
static enum param_data data_of(const struct plugin_param *p)
{
    bool parts = p->power && p->dim->step && p->dim->step != floor(p->dim->step);

    return p->dim->data == PARAM_INT && parts ? PARAM_DOUBLE : p->dim->data;
}

static void add_choice(const struct plugin_param *p, int64_t k, struct text *out)
{
    const struct dimension *d = p->dim;
    enum param_data data = data_of(p);

    if (d->type == PARAM_DISCRETE && data == PARAM_STR)
        text_add_json(out, d->values[k].str);
    else if (data == PARAM_INT)
        text_add_int(out, d->type == PARAM_DISCRETE ? d->values[k].integer : (int64_t)range_grid(d, k));
    else
        text_add_real(out, d->type == PARAM_DISCRETE ? d->values[k].real : range_grid(d, k));
}

static void add_choices(const struct plugin_param *p, const char *key, struct text *out)
{
    add_key(out, key);
    text_add_char(out, '[');
    for (int64_t k = 0; k < p->dim->n_values; k++) {
        text_add(out, k ? "," : "");
        add_choice(p, k, out);
    }
    text_add_char(out, ']');
}

/* Plugins compare the words exactly, and read the misspelt list. */
static void add_param(const struct plugin_param *p, struct text *out)
{
    static const char *const datas[] = { [PARAM_DOUBLE] = "DOUBLE", [PARAM_INT] = "INT", [PARAM_STR] = "STR" };
    enum param_data data = data_of(p);
    bool is_list = p->dim->type == PARAM_DISCRETE || p->dim->step;

    text_add(out, "{\"name\":");
    text_add_json(out, p->dim->name);
    add_text(out, "type", is_list ? "Discrete" : "Range");
    add_text(out, "dataType", datas[data]);
    if (is_list && data == PARAM_STR) {
        add_choices(p, "discreateStrVal", out);
        add_choices(p, "discreteStrVal", out);
    } else if (is_list) {
        add_choices(p, data == PARAM_INT ? "discreteIntVal" : "discreteDbVal", out);
    } else if (data == PARAM_INT) {
        add_int(out, "minIntVal", p->spec->min_int);
        add_int(out, "maxIntVal", p->spec->max_int);
    } else {
        add_real(out, "minDbVal", p->spec->min_db);
        add_real(out, "maxDbVal", p->spec->max_db);
    }
    text_add_char(out, '}');
}

static void add_algo_params(const struct list *params, struct text *out)
{
    const struct algo_param *p = params->items;
    bool first = true;

    add_key(out, "params");
    text_add_char(out, '{');
    for (size_t i = 0; i < params->n; i++) {
        if (!p[i].value)
            continue;
        text_add(out, first ? "" : ",");
        text_add_json(out, p[i].name);
        text_add_char(out, ':');
        text_add_json(out, p[i].value);
        first = false;
    }
    text_add_char(out, '}');
}

void plugin_start_line(const struct plugin *p, const struct search_plan *plan, const struct plugin_space *space,
                       const char *search, const char *state, struct text *out)
{
    const struct algo_def *a = &plan->doc.algo;

    text_add(out, "{\"do\":\"start\",\"protocol\":1,\"name\":");
    text_add_json(out, p->name);
    add_text(out, "search", search);
    add_text(out, "objective", plan->maximize ? "maximize" : "minimize");
    add_text(out, "objectiveMetric", a->objective_metric);
    add_int(out, "maxJobNum", a->max_jobs);
    add_int(out, "maxParalleJobNum", a->parallel);
    add_text(out, "logLevel", p->log_level ? p->log_level : "INFO");
    add_key(out, "hyper_parameters");
    text_add_char(out, '[');
    for (int i = 0; i < space->n_params; i++) {
        text_add(out, i ? "," : "");
        add_param(&space->params[i], out);
    }
    text_add_char(out, ']');
    add_algo_params(&a->params, out);
    add_key(out, "state");
    text_add(out, state ? state : "null");
    text_add(out, "}\n");
}

void plugin_search_line(int64_t samples, const struct text *results, bool replay, struct text *out)
{
    text_add(out, "{\"do\":\"search\",\"number_samples\":");
    text_add_int(out, samples);
    text_add(out, ",\"last_exp_results\":[");
    text_add_n(out, results->data ? results->data : "", results->len);
    text_add(out, replay ? "],\"replay\":true}\n" : "],\"replay\":false}\n");
}

static void add_time(struct text *out, const char *key, int64_t unix_ms)
{
    char buf[32];

    add_text(out, key, unix_ms == INT_UNSET ? NULL : clock_local_text(unix_ms, buf));
}

void plugin_result(const struct experiment *e, bool maximize, const char *vals, struct text *out)
{
    bool fine = strcmp(e->state, "FINISHED") == 0;

    text_add(out, "{\"id\":");
    text_add_int(out, e->id);
    add_text(out, "state", e->state);
    add_real(out, "score", fine ? e->metric : METRIC_FAILED);
    add_real(out, "metricVal", fine ? e->metric : NAN);
    add_text(out, "objective", maximize ? "maximize" : "minimize");
    add_key(out, "hyperparameters");
    text_add(out, vals);
    add_key(out, "hyperParams");
    text_add(out, vals);
    add_key(out, "metrics");
    text_add(out, e->metrics ? e->metrics : "[]");
    add_time(out, "startTime", e->started_ms);
    add_time(out, "endTime", e->ended_ms);
    add_text(out, "message", e->message);
    text_add_char(out, '}');
}

/* --- from the plugin --- */

static bool read_number(const json_t *json, double *ret)
{
    const char *text = json_string_value(json);
    char *end;

    if (json_is_number(json)) {
        *ret = json_number_value(json);
        return isfinite(*ret);
    }
    if (!text || !*text)
        return false;
    *ret = strtod(text, &end);          /* values of a type of its own come as text */
    return *end == '\0' && isfinite(*ret);
}

static bool raise_power(const struct plugin_param *p, double exponent, struct value *v)
{
    v->real = pow(p->power, exponent);
    if (v->data == PARAM_INT) {
        v->real = nearbyint(v->real);
        v->integer = fabs(v->real) <= SPACE_INT_MAX ? (int64_t)v->real : 0;
    }
    return v->data == PARAM_INT ? fabs(v->real) <= SPACE_INT_MAX : isfinite(v->real);
}

/* The value of a parameter out of what the plugin gives for it; `vals` gets that in its kept form. */
static bool read_value(const struct plugin_param *p, const json_t *json, struct mem *mem, struct value *v,
                       struct text *vals)
{
    const struct dimension *d = p->dim;
    char buf[32];

    *v = (struct value){ .name = d->name, .data = d->data, .data_name = d->data_name };
    if (d->data == PARAM_STR) {
        if (json_is_number(json)) {
            real_to_text(json_number_value(json), buf);
            v->str = json_is_integer(json) ? mem_printf(mem, "%" JSON_INTEGER_FORMAT, json_integer_value(json))
                                           : mem_strdup(mem, buf);
        } else {
            v->str = mem_strdup(mem, json_string_value(json));
        }
        text_add_json(vals, v->str);
        return v->str && strlen(v->str) <= SPACE_VALUE_MAX;
    }
    if (!read_number(json, &v->real))
        return false;
    if (p->power) {
        text_add_real(vals, v->real);
        return raise_power(p, v->real, v);
    }
    if (d->data == PARAM_DOUBLE) {
        text_add_real(vals, v->real);
        return true;
    }
    if (v->real != floor(v->real) || fabs(v->real) > SPACE_INT_MAX)
        return false;
    v->integer = (int64_t)v->real;
    text_add_int(vals, v->integer);
    return true;
}

static const char *wanted(const struct plugin_param *p)
{
    if (p->power)
        return "an exponent that gives a usable value";
    return p->dim->data == PARAM_STR   ? "a text of at most 4096 bytes"
           : p->dim->data == PARAM_INT ? "a whole number within 2^53"
                                       : "a finite number";
}

/* A value as a person would read it, cut where it gets long. */
static const char *shown(const json_t *json, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};

    json_to_text(json, &t);
    return mem_printf(mem, "%.60s%s", t.data, t.len > 60 ? "..." : "");
}

static int refuse_names(const struct plugin_space *s, const json_t *json, size_t i, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)json, name, value) {
        bool known = false;

        for (int k = 0; k < s->n_params; k++)
            known |= strcmp(s->params[k].dim->name, name) == 0;
        if (!known)
            return err_set(err, ERR_BAD_INPUT,
                           "its suggestion %zu sets \"%.80s\", which is not one of its hyperparameters", i + 1, name);
    }
    return 0;
}

static int read_suggestion(const struct plugin_space *s, const json_t *json, size_t i, struct mem *mem,
                           const char **ret, struct err *err)
{
    CLEANUP(text_done) struct text vals = {0};
    struct value ignored;

    if (!json_is_object(json))
        return err_set(err, ERR_BAD_INPUT, "its suggestion %zu is not an object of names and values but %s", i + 1,
                       shown(json, mem));
    if (refuse_names(s, json, i, err) < 0)
        return -1;
    text_add_char(&vals, '{');
    for (int k = 0; k < s->n_params; k++) {
        const struct plugin_param *p = &s->params[k];
        const json_t *value = json_object_get(json, p->dim->name);

        if (!value)
            return err_set(err, ERR_BAD_INPUT, "its suggestion %zu has no value for \"%.80s\"", i + 1, p->dim->name);
        text_add(&vals, k ? "," : "");
        text_add_json(&vals, p->dim->name);
        text_add_char(&vals, ':');
        if (!read_value(p, value, mem, &ignored, &vals))
            return err_set(err, ERR_BAD_INPUT, "its suggestion %zu gives \"%.80s\" the value %s, which is not %s",
                           i + 1, p->dim->name, shown(value, mem), wanted(p));
    }
    text_add_char(&vals, '}');
    *ret = mem_strdup(mem, vals.data);
    return 0;
}

static int own_error(const json_t *error, struct err *err)
{
    const char *text = json_string_value(error);

    return err_set(err, ERR_BAD_INPUT, "%s", text && *text ? text : "it reported an error without a word");
}

static int read_suggestions(const struct plugin_space *s, const json_t *list, int64_t most, struct mem *mem,
                            struct plugin_answer *ret, struct err *err)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list))
        return err_set(err, ERR_BAD_INPUT, "its answer has no list `suggestions`");
    if ((int64_t)n > most)
        return err_set(err, ERR_BAD_INPUT, "it gave %zu suggestions, and was asked for %" PRId64, n, most);
    ret->suggestions = mem_alloc(mem, (n + 1) * sizeof *ret->suggestions);
    for (size_t i = 0; i < n; i++)
        if (read_suggestion(s, json_array_get(list, i), i, mem, &ret->suggestions[i], err) < 0)
            return -1;
    ret->n = n;
    return 0;
}

static void json_freep(json_t **json) { json_decref(*json); }

static int read_answer(const char *line, size_t len, const struct plugin_space *s, int64_t most, struct mem *mem,
                       struct plugin_answer *ret, struct err *err)
{
    CLEANUP(json_freep) json_t *json = NULL;
    CLEANUP(text_done) struct text state = {0};
    struct plugin_answer answer = {0};
    struct err why = {0};
    const json_t *error, *given;

    json = reader_parse_object(line, len, &why);
    if (!json)
        return err_set(err, ERR_BAD_INPUT, "its answer is not a JSON object: %.200s", why.text);
    error = json_object_get(json, "error");
    if (error && !json_is_null(error))
        return own_error(error, err);
    if (read_suggestions(s, json_object_get(json, "suggestions"), most, mem, &answer, err) < 0)
        return -1;
    given = json_object_get(json, "state");
    if (given && !json_is_null(given)) {
        json_to_text(given, &state);
        answer.state = mem_strdup(mem, state.data);
    }
    *ret = answer;
    return 0;
}

/* What goes wrong is told in one line, whatever words and names of the plugin's are in it. */
int plugin_answer_read(const char *line, size_t len, const struct plugin_space *s, int64_t most, struct mem *mem,
                       struct plugin_answer *ret, struct err *err)
{
    if (read_answer(line, len, s, most, mem, ret, err) == 0)
        return 0;
    for (char *c = err->text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return -1;
}

static const struct plugin_param *param_of(const struct plugin_space *s, const struct dimension *d)
{
    for (int k = 0; k < s->n_params; k++)
        if (s->params[k].dim == d)
            return &s->params[k];
    return NULL;
}

int plugin_values(const struct plugin_space *s, const char *vals, struct mem *mem, struct value **ret, struct err *err)
{
    CLEANUP(json_freep) json_t *json = json_loads(vals, 0, NULL);
    CLEANUP(text_done) struct text again = {0};
    struct value *values = mem_alloc(mem, ((size_t)s->space->n_dims + 1) * sizeof *values);

    for (int i = 0; i < s->space->n_dims; i++) {
        const struct dimension *d = &s->space->dims[i];
        const struct plugin_param *p = param_of(s, d);

        if (!p)
            values[i] = d->values[0];
        else if (!read_value(p, json_object_get(json, d->name), mem, &values[i], &again))
            return err_set(err, ERR_INTERNAL, "the stored suggestion %.200s cannot be read", vals);
    }
    *ret = values;
    return 0;
}
