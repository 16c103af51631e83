// SPDX-License-Identifier: Apache-2.0
#include "search/insight/chart.h"

#include "base/text.h"

#include <math.h>

/* --- the forms --- */

struct point_echo {
    int64_t n, id;
    double seconds, metric, best;
};

struct curve_echo {
    const char *name, *metric, *objective;
    struct list points;
};

static const struct field point_fields[] = {
    { "n",         INT(struct point_echo, n), .doc = "experiments that had ended well by then" },
    { "id",        INT(struct point_echo, id), .doc = "the experiment" },
    { "seconds",   REAL(struct point_echo, seconds), .format = "double", .unit = "s",
      .doc = "from the submission of the search to its end" },
    { "metricVal", REAL(struct point_echo, metric), .format = "double", .doc = "its metric" },
    { "best",      REAL(struct point_echo, best), .format = "double", .doc = "the best metric so far" },
    { .type = FIELD_END },
};

const struct field curve_fields[] = {
    { "hpoName",         TEXT(struct curve_echo, name), .doc = "name of the search" },
    { "objectiveMetric", TEXT(struct curve_echo, metric), .doc = "the metric" },
    { "objective",       TEXT(struct curve_echo, objective), .doc = "minimize or maximize" },
    { "points",          LIST(struct curve_echo, points, struct point_echo, point_fields),
      .doc = "in the order experiments ended" },
    { .type = FIELD_END },
};

struct axis_echo {
    const char *name, *data_type, *kind;
    double min, max;
    bool log;
    json_t *choices;
};

struct line_echo {
    int64_t id;
    double metric;
    json_t *values;
};

struct coordinates_echo {
    const char *name, *metric, *objective;
    int64_t experiments;
    struct list axes, rows;
};

static const struct field axis_fields[] = {
    { "name",     TEXT(struct axis_echo, name), .doc = "the hyperparameter" },
    { "dataType", TEXT(struct axis_echo, data_type), .doc = "double, int or str" },
    { "kind",     TEXT(struct axis_echo, kind), .doc = "range or choices" },
    { "min",      REAL(struct axis_echo, min), .format = "double", .doc = "range: the lower end" },
    { "max",      REAL(struct axis_echo, max), .format = "double", .doc = "range: the upper end" },
    { "log",      BOOLEAN(struct axis_echo, log), .doc = "range: to be drawn with a logarithmic scale" },
    { "choices",  JSON(struct axis_echo, choices), .doc = "choices: the list, in order" },
    { .type = FIELD_END },
};

static const struct field line_fields[] = {
    { "id",        INT(struct line_echo, id), .doc = "the experiment" },
    { "metricVal", REAL(struct line_echo, metric), .format = "double", .doc = "its metric" },
    { "values",    JSON(struct line_echo, values), .doc = "one for each axis, in their order; null when it has none" },
    { .type = FIELD_END },
};

const struct field coordinates_fields[] = {
    { "hpoName",         TEXT(struct coordinates_echo, name), .doc = "name of the search" },
    { "objectiveMetric", TEXT(struct coordinates_echo, metric), .doc = "the metric" },
    { "objective",       TEXT(struct coordinates_echo, objective), .doc = "minimize or maximize" },
    { "experiments",     INT(struct coordinates_echo, experiments), .doc = "how many have ended well" },
    { "axes",            LIST(struct coordinates_echo, axes, struct axis_echo, axis_fields),
      .doc = "parameters that vary, in the order of the space" },
    { "rows",            LIST(struct coordinates_echo, rows, struct line_echo, line_fields),
      .doc = "experiments, the best first" },
    { .type = FIELD_END },
};

/* --- the curve --- */

static bool better(const struct tried *t, double metric, double best)
{
    return t->maximize ? metric > best : metric < best;
}

static void add_real(struct text *out, const char *key, double value)
{
    text_addf(out, ",\"%s\":", key);
    text_add_real(out, value);
}

void curve_write(struct tried *t, int64_t created_ms, bool all, struct text *out)
{
    double best = t->maximize ? -INFINITY : INFINITY;
    bool any = false;

    tried_by_end(t);
    text_add(out, ",\"points\":[");
    for (size_t i = 0; i < t->n; i++) {
        const struct tried_row *row = &t->rows[i];
        bool improves = better(t, row->objective, best);

        if (improves)
            best = row->objective;
        if (!improves && !all && i + 1 < t->n)
            continue;
        text_addf(out, "%s{\"n\":%zu,\"id\":", any ? "," : "", i + 1);
        text_add_int(out, row->id);
        add_real(out, "seconds", (double)(row->ended_ms - created_ms) / 1000);
        add_real(out, "metricVal", row->objective);
        add_real(out, "best", best);
        text_add_char(out, '}');
        any = true;
    }
    text_add_char(out, ']');
}

/* --- parallel coordinates --- */

static bool has_axis(const struct column *c)
{
    return c->kind == COLUMN_CHOICES || (c->kind == COLUMN_RANGE && c->lo < c->hi);
}

static void write_axis(const struct column *c, struct text *out)
{
    text_add(out, "{\"name\":");
    text_add_json(out, c->name);
    text_add(out, ",\"dataType\":");
    text_add_json(out, c->data_name);
    if (c->kind == COLUMN_RANGE) {
        text_add(out, ",\"kind\":\"range\"");
        add_real(out, "min", c->lo);
        add_real(out, "max", c->hi);
        text_add(out, c->log ? ",\"log\":true}" : ",\"log\":false}");
        return;
    }
    text_add(out, ",\"kind\":\"choices\",\"log\":false,\"choices\":[");
    for (int i = 0; i < c->n_choices; i++) {
        text_add(out, i ? "," : "");
        column_write(c, i, out);
    }
    text_add(out, "]}");
}

static void write_row(const struct tried *t, const struct tried_row *row, struct text *out)
{
    const char *separator = "";

    text_add(out, "{\"id\":");
    text_add_int(out, row->id);
    add_real(out, "metricVal", row->objective);
    text_add(out, ",\"values\":[");
    for (int i = 0; i < t->n_columns; i++) {
        if (!has_axis(&t->columns[i]))
            continue;
        text_add(out, separator);
        column_write(&t->columns[i], row->x[i], out);
        separator = ",";
    }
    text_add(out, "]}");
}

/* Whether the row of this rank is among `most`. */
static bool is_chosen(size_t rank, size_t n, size_t most)
{
    size_t best = most / 2, spread = most - best, others = n - best, i = rank - best;

    if (n <= most || rank < best)
        return true;
    return (i + 1) * spread / others > i * spread / others;
}

void coordinates_write(struct tried *t, size_t most, struct text *out)
{
    const char *separator = "";

    tried_rank(t);
    text_addf(out, ",\"experiments\":%zu,\"axes\":[", t->seen);
    for (int i = 0; i < t->n_columns; i++) {
        if (!has_axis(&t->columns[i]))
            continue;
        text_add(out, separator);
        write_axis(&t->columns[i], out);
        separator = ",";
    }
    text_add(out, "],\"rows\":[");
    separator = "";
    for (size_t i = 0; i < t->n; i++) {
        if (!is_chosen(i, t->n, most))
            continue;
        text_add(out, separator);
        write_row(t, &t->rows[i], out);
        separator = ",";
    }
    text_add_char(out, ']');
}
