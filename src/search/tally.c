// SPDX-License-Identifier: Apache-2.0
#include "search/tally.h"

#include "base/mem.h"
#include "base/text.h"
#include "search/document.h"
#include "tasks/insight.h"
#include "tasks/metrics_store.h"

#include <math.h>
#include <string.h>

const char *const metric_sources[METRIC_SOURCES] = {
    [SOURCE_TRAIN] = "train/",
    [SOURCE_TEST]  = "test/",
    [SOURCE_VAL]   = "val/",
};

/* --- a list of metrics --- */

struct list metrics_wanted(const struct algo_def *a, struct mem *mem)
{
    struct insight_metric *m;
    const char *name;
    json_t *strategy;
    size_t n = 0;

    if (!a->additional_metrics)
        return (struct list){0};
    m = mem_alloc(mem, (json_object_size(a->additional_metrics) + 1) * sizeof *m);
    m[n++].name = a->objective_metric;
    json_object_foreach(a->additional_metrics, name, strategy) {
        if (strcmp(name, a->objective_metric) != 0)
            m[n++].name = name;
    }
    for (size_t i = 0; i < n; i++)
        insight_metric_clear(&m[i]);
    return (struct list){ m, n };
}

static bool has_value(const struct insight_metric *m) { return !isnan(m->latest); }

const char *metrics_text(const struct list *metrics, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};
    const struct insight_metric *m = metrics->items;

    for (size_t i = 0; i < metrics->n; i++) {
        if (!has_value(&m[i]))
            continue;
        text_add(&t, t.len ? ",{\"name\":" : "[{\"name\":");
        text_add_json(&t, m[i].name);
        text_add(&t, ",\"min\":");
        text_add_real(&t, m[i].min);
        text_add(&t, ",\"max\":");
        text_add_real(&t, m[i].max);
        text_add(&t, ",\"latest\":");
        text_add_real(&t, m[i].latest);
        text_add_char(&t, '}');
    }
    if (!t.len)
        return NULL;
    text_add_char(&t, ']');
    return mem_strdup(mem, t.data);
}

/* --- what series say --- */

void tally_init(struct tally *t, const struct algo_def *a, struct mem *mem)
{
    const struct list wanted = metrics_wanted(a, mem);

    t->n = wanted.n;
    t->metrics = mem_alloc(mem, METRIC_SOURCES * wanted.n * sizeof *t->metrics);
    for (size_t i = 0; i < METRIC_SOURCES * wanted.n; i++)
        t->metrics[i] = ((const struct insight_metric *)wanted.items)[i % wanted.n];
}

static struct insight_metric *of_source(const struct tally *t, enum metric_source source)
{
    return t->metrics + source * t->n;
}

/* NULL: nobody wants this series. */
static struct insight_metric *find(const struct tally *t, const char *series)
{
    enum metric_source source = SOURCE_TRAIN;
    const char *name;

    while (source < METRIC_SOURCES && !text_starts(series, metric_sources[source]))
        source++;
    if (source == METRIC_SOURCES)
        return NULL;
    name = series + strlen(metric_sources[source]);
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(of_source(t, source)[i].name, name) == 0)
            return &of_source(t, source)[i];
    return NULL;
}

bool tally_add(struct tally *t, const struct metric_row *row)
{
    struct insight_metric *m = find(t, row->series);

    if (!m)
        return false;
    if (row->n == 0)
        insight_metric_clear(m);
    insight_metric_add(m, row->value);
    return true;
}

bool tally_drop(struct tally *t, const char *series)
{
    struct insight_metric *m = find(t, series);

    if (m)
        insight_metric_clear(m);
    return m != NULL;
}

static bool any_value(const struct tally *t, enum metric_source source)
{
    for (size_t i = 0; i < t->n; i++)
        if (has_value(&of_source(t, source)[i]))
            return true;
    return false;
}

/* Of records, those that have the objective, which is the first metric. */
static enum metric_source best_source(const struct tally *t)
{
    if (any_value(t, SOURCE_VAL))
        return SOURCE_VAL;
    return has_value(of_source(t, SOURCE_TRAIN)) && !has_value(of_source(t, SOURCE_TEST)) ? SOURCE_TRAIN : SOURCE_TEST;
}

struct list tally_metrics(const struct tally *t)
{
    return (struct list){ of_source(t, best_source(t)), t->n };
}
