// SPDX-License-Identifier: Apache-2.0
#include "tasks/tasks.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "tasks/exec.h"
#include "tasks/exec_own.h"
#include "tasks/metrics_sample.h"
#include "tasks/metrics_store.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS_DEFAULT = 1000,      /* of a series: more than a chart has columns of pixels, on most screens */
    POINTS_MAX = 100000,
};

struct metric_series_doc {      /* what the API page says of a series; written by hand below */
    struct metric_series series;
    json_t *points;
};

static const struct field series_fields[] = {
    { "name",   TEXT(struct metric_series_doc, series.name),   .doc = "group and metric: train/loss, val/accuracy" },
    { "points", JSON(struct metric_series_doc, points),        .doc = "lists of step (null: unknown), time_ms and value" },
    { "min",    REAL(struct metric_series_doc, series.min),    .format = "double", .doc = "of all points" },
    { "max",    REAL(struct metric_series_doc, series.max),    .format = "double", .doc = "of all points" },
    { "latest", REAL(struct metric_series_doc, series.latest), .format = "double", .doc = "the newest value" },
    { "n",      INT(struct metric_series_doc, series.n),       .doc = "points stored" },
    { .type = FIELD_END },
};

struct metrics_doc {
    const char *id;
    struct list series;
};

static const struct field metrics_fields[] = {
    { "id",     TEXT(struct metrics_doc, id), .doc = "the task" },
    { "series", LIST(struct metrics_doc, series, struct metric_series_doc, series_fields), .doc = "by name" },
    { .type = FIELD_END },
};

struct wish {                   /* what the query asks for */
    const char *names;          /* "train/loss,test/loss"; NULL: all */
    int64_t n_points;
    double since;               /* NaN: from the start */
};

static int read_wish(const struct call *c, struct wish *ret, struct err *err)
{
    const char *since = call_query(c, "since");
    char *end;

    *ret = (struct wish){ call_query(c, "series"), POINTS_DEFAULT, NAN };
    if (call_query_int(c, "points", /* min= */ 4, POINTS_MAX, &ret->n_points, err) < 0)
        return -1;
    if (!since || !*since)
        return 0;
    ret->since = strtod(since, &end);
    if (*end || !isfinite(ret->since))
        return err_field(err, "since", "a number",
                         "query parameter since must be a step, a number, not \"%.60s\"", since);
    return 0;
}

/* Whether `name` is one of the comma-separated `names`. */
static bool listed(const char *names, const char *name)
{
    size_t len = strlen(name);

    if (!names || !*names)
        return true;
    for (; names; names = strchr(names, ',') ? strchr(names, ',') + 1 : NULL) {
        if (strncmp(names, name, len) == 0 && (names[len] == ',' || names[len] == '\0'))
            return true;
    }
    return false;
}

struct points_out {
    struct text *json;
    bool any;
    struct sampler sampler;
};

static void write_point(void *arg, const struct metric_row *row)
{
    struct points_out *out = arg;

    text_add(out->json, out->any ? ",[" : "[");
    text_add_real(out->json, row->step);
    text_addf(out->json, ",%" PRId64 ",", row->time_ms);
    text_add_real(out->json, row->value);
    text_add_char(out->json, ']');
    out->any = true;
}

static void sample_point(void *arg, const struct metric_row *row)
{
    struct points_out *out = arg;

    sampler_add(&out->sampler, row);
}

static int write_series(struct call *c, const char *id, const struct metric_series *s,
                        const struct wish *wish, struct text *json, struct err *err)
{
    struct points_out out = { .json = json };
    int64_t n;

    if (metrics_count(c->db, id, s->name, wish->since, &n, err) < 0)
        return -1;
    sampler_start(&out.sampler, n, wish->n_points, write_point, &out);
    text_add(json, "{\"name\":");
    text_add_json(json, s->name);
    text_add(json, ",\"points\":[");
    if (metrics_each(c->db, id, s->name, wish->since, sample_point, &out, err) < 0)
        return -1;
    text_add(json, "],\"min\":");
    text_add_real(json, s->min);
    text_add(json, ",\"max\":");
    text_add_real(json, s->max);
    text_add(json, ",\"latest\":");
    text_add_real(json, s->latest);
    text_addf(json, ",\"n\":%" PRId64 "}", s->n);
    return 0;
}

static int show_metrics(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};
    const struct metric_series *s;
    const char *separator = "";
    struct exec exec;
    struct wish wish;
    struct list all;

    if (exec_own(c, &exec, err) < 0)
        return -1;
    if (read_wish(c, &wish, err) < 0 || metrics_series(c->db, exec.id, c->mem, &all, err) < 0)
        return -1;

    text_add(&json, "{\"id\":");
    text_add_json(&json, exec.id);
    text_add(&json, ",\"series\":[");
    s = all.items;
    for (size_t i = 0; i < all.n; i++) {
        if (!listed(wish.names, s[i].name))
            continue;
        text_add(&json, separator);
        if (write_series(c, exec.id, &s[i], &wish, &json, err) < 0)
            return -1;
        separator = ",";
    }
    text_add(&json, "]}");
    return reply_json(c, 200, &json);
}

const struct route metrics_routes[] = {
    { GET, "/execs/{execId}/metrics", USER, show_metrics, "getExecMetrics", "Execs",
      "The metric series that a task's output and files contain",
      .query = PARAMS({ "series", "string", false, "names, separated by commas; all when absent" },
                      { "points", "integer", false, "at most so many points of each series, from 4; default 1000. "
                                                    "Lows and highs are kept" },
                      { "since", "number", false, "only points whose step is known and at least this" }),
      .reply = { 200, "Metrics", metrics_fields },
      .missing = 400, .failures = FAILURES(400, 401, 500) },
    { .path = NULL },
};
