// SPDX-License-Identifier: Apache-2.0
#include "search/insight/csv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_number(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    return end != text && !*end && isfinite(value) && !strpbrk(text, " \t\r\n");
}

/* What the OWASP page on CSV injection names, full-width forms aside: they start no formula in UTF-8 files. */
static bool is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r\n", *text) && !is_number(text);
}

void csv_text(const char *text, struct text *out)
{
    bool formula = is_formula(text);
    bool quoted = formula || strpbrk(text, ",\"\r\n") || *text == ' ';

    if (!quoted) {
        text_add(out, text);
        return;
    }
    text_add(out, formula ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            text_add_char(out, '"');
        text_add_char(out, *text);
    }
    text_add_char(out, '"');
}

static void add_text(const char *prefix, const char *text, struct text *out)
{
    CLEANUP(text_done) struct text cell = {0};

    text_add(&cell, prefix);
    text_add(&cell, text ? text : "");
    text_add_char(out, ',');
    csv_text(cell.data, out);
}

static void add_real(double value, struct text *out)
{
    text_add_char(out, ',');
    if (isfinite(value))
        text_add_real(out, value);
}

static void add_time(int64_t unix_ms, struct text *out)
{
    char buf[32];

    text_add_char(out, ',');
    if (unix_ms != INT_UNSET)
        text_add(out, clock_local_text(unix_ms, buf));
}

void csv_heading(const struct tried *t, const struct algo_def *algo, struct text *out)
{
    const char *name;
    json_t *strategy;

    text_add(out, "id,state,metricVal");
    for (int i = 0; i < t->n_columns; i++)
        add_text("params.", t->columns[i].name, out);
    json_object_foreach(algo->additional_metrics, name, strategy) {
        add_text("metrics.", name, out);
    }
    text_add(out, ",startTime,endTime,seconds,appId,message\r\n");
}

/* The texts of the values, in the order of the columns. */
static void add_values(const struct tried *t, const char *hyperparams, struct text *out)
{
    struct shown shown[SPACE_DIMS_MAX + 1];
    CLEANUP(freep) char *echo = xstrdup(hyperparams);
    int n = shown_split(echo, shown, (int)ARRAY_LEN(shown));

    for (int i = 0; i < t->n_columns; i++) {
        const char *value = NULL;

        if (i < n && strcmp(shown[i].name, t->columns[i].name) == 0)
            value = shown[i].text;
        for (int k = 0; k < n && !value; k++)
            if (strcmp(shown[k].name, t->columns[i].name) == 0)
                value = shown[k].text;
        add_text("", value, out);
    }
}

static double metric_of(const json_t *metrics, const char *name, const char *strategy)
{
    const char *key = text_same(strategy, "minimize") ? "min" : text_same(strategy, "maximize") ? "max" : "latest";
    size_t i;
    json_t *m;

    json_array_foreach((json_t *)metrics, i, m) {
        if (strcmp(json_string_value(json_object_get(m, "name")), name) == 0)
            return json_number_value(json_object_get(m, key));
    }
    return NAN;
}

static void add_metrics(const struct algo_def *algo, const char *metrics, struct text *out)
{
    json_t *list = metrics ? json_loads(metrics, 0, NULL) : NULL;
    const char *name;
    json_t *strategy;

    json_object_foreach(algo->additional_metrics, name, strategy) {
        add_real(metric_of(list, name, json_string_value(strategy)), out);
    }
    json_decref(list);
}

void csv_line(const struct tried *t, const struct algo_def *algo, const struct experiment *e, struct text *out)
{
    bool fine = strcmp(e->state, "FINISHED") == 0;
    bool timed = e->started_ms != INT_UNSET && e->ended_ms != INT_UNSET;

    text_add_int(out, e->id);
    add_text("", e->state, out);
    add_real(fine ? e->metric : NAN, out);
    add_values(t, e->hyperparams, out);
    add_metrics(algo, e->metrics, out);
    add_time(e->started_ms, out);
    add_time(e->ended_ms, out);
    add_real(timed ? (double)(e->ended_ms - e->started_ms) / 1000 : NAN, out);
    add_text("", e->exec, out);
    add_text("", e->message, out);
    text_add(out, "\r\n");
}
