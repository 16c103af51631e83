// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "tasks/insight_dicts.h"
#include "tasks/insight_files.h"
#include "tasks/insight_parse.h"

#include <math.h>
#include <string.h>

enum { NAMES_SHOWN = 12 /* metrics listed in a refusal */ };

struct tally {                  /* one metric that was met */
    struct insight_metric metric;
    struct tally *next;
};

struct tallies {
    struct mem *mem;
    struct tally *first, **last;    /* in the order met */
    struct tally *recent;           /* files repeat the same names in the same order */
    int n;
};

enum { TALLIES_MAX = 1024 };    /* different names; a program that invents more gets the first */

void insight_metric_clear(struct insight_metric *m) { m->min = m->max = m->latest = NAN; }

void insight_metric_add(struct insight_metric *m, double value)
{
    if (!isfinite(value))
        return;
    m->min = fmin(m->min, value);       /* of a NaN and a number, the number */
    m->max = fmax(m->max, value);
    m->latest = value;
}

static struct tally *tally_find(struct tallies *t, const char *name)
{
    struct tally *guess = t->recent && t->recent->next ? t->recent->next : t->first;

    if (guess && strcmp(guess->metric.name, name) == 0)
        return t->recent = guess;
    for (struct tally *m = t->first; m; m = m->next) {
        if (strcmp(m->metric.name, name) == 0)
            return t->recent = m;
    }
    if (t->n == TALLIES_MAX)
        return NULL;
    t->n++;
    t->recent = *t->last = mem_alloc(t->mem, sizeof *t->recent);
    t->recent->metric.name = mem_strdup(t->mem, name);
    insight_metric_clear(&t->recent->metric);
    t->last = &t->recent->next;
    return t->recent;
}

static void tally_add(struct tallies *t, const char *name, double value)
{
    struct tally *m = tally_find(t, name);

    if (m)
        insight_metric_add(&m->metric, value);
}

static void tally_entry(void *arg, const struct dict_entry *entry)
{
    for (int i = 0; i < entry->n_values; i++)
        tally_add(arg, entry->values[i].name, entry->values[i].value);
}

struct groups {
    struct tallies test, train;
};

static void tally_point(void *arg, const struct point *p)
{
    struct groups *g = arg;
    const char *name = strchr(p->series, '/') + 1;

    tally_add(text_starts(p->series, "train/") ? &g->train : &g->test, name, p->value);
}

static void read_records(void *arg, const char *folder, const char *label)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    char *path = mem_printf(mem, "%s/evaluation-metrics.txt", folder);
    struct point_sink sink = { tally_point, arg };
    struct err err = {0};
    struct parser p;

    (void)label;
    if (insight_file_read(path, INSIGHT_FILE_MAX, &text, &err) < 0)
        return;
    parser_init(&p, PARSE_RECORDS);
    parser_feed(&p, text.data, text.len, &sink);
    parser_end(&p, &sink);
    parser_done(&p);
}

static const struct tally *find(const struct tallies *t, const char *name)
{
    const struct tally *m = t->first;

    while (m && strcmp(m->metric.name, name) != 0)
        m = m->next;
    return m;
}

static int refuse_absent(const struct tallies *t, const char *file, const char *metric,
                         struct err *err)
{
    CLEANUP(text_done) struct text names = {0};
    int i = 0;

    for (const struct tally *m = t->first; m && i < NAMES_SHOWN; m = m->next, i++)
        text_addf(&names, "%s%.40s", i ? ", " : "", m->metric.name);
    if (!i)
        return err_set(err, ERR_BAD_INPUT, "%s has no metric \"%.80s\", nor any other number", file,
                       metric);
    return err_set(err, ERR_BAD_INPUT, "%s has no metric \"%.80s\"; it has %s%s", file, metric,
                   names.data, t->n > i ? ", ..." : "");
}

static int pick(const struct tallies *t, const char *file, const char *metric, bool maximize,
                double *ret_best, struct list *metrics, struct err *err)
{
    struct insight_metric *more = metrics ? metrics->items : NULL;
    const struct tally *m = find(t, metric);

    for (size_t i = 0; more && i < metrics->n; i++) {
        const struct tally *found = find(t, more[i].name);

        if (found) {
            more[i].min = found->metric.min;
            more[i].max = found->metric.max;
            more[i].latest = found->metric.latest;
        }
    }
    if (!m)
        return refuse_absent(t, file, metric, err);
    if (isnan(m->metric.min))
        return err_set(err, ERR_BAD_INPUT, "\"%.80s\" is never a finite number in %s", metric,
                       file);
    *ret_best = maximize ? m->metric.max : m->metric.min;
    return 0;
}

static struct tallies tallies(struct mem *mem) { return (struct tallies){ .mem = mem }; }

/* The program wrote no val_dict_list.json: its EMetrics records will do. */
static int from_records(const char *result_dir, const char *metric, bool maximize, double *ret_best,
                        struct list *metrics, struct mem *mem, struct err *err)
{
    struct groups g = { tallies(mem), tallies(mem) };

    g.test.last = &g.test.first;
    g.train.last = &g.train.first;
    insight_each_log_folder(result_dir, read_records, &g);
    if (!g.test.n && !g.train.n)
        return err_set(err, ERR_NOT_FOUND,
                       "the program left no val_dict_list.json in its result folder (RESULT_DIR)");
    return pick(find(&g.test, metric) || !find(&g.train, metric) ? &g.test : &g.train,
                "evaluation-metrics.txt", metric, maximize, ret_best, metrics, err);
}

int insight_objective(const char *result_dir, const char *metric, bool maximize, double *ret_best,
                      struct list *metrics, struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    struct tallies t = tallies(mem);
    char *path = mem_printf(mem, "%s/val_dict_list.json", result_dir);

    t.last = &t.first;
    for (size_t i = 0; metrics && i < metrics->n; i++)
        insight_metric_clear((struct insight_metric *)metrics->items + i);
    if (insight_file_read(path, INSIGHT_FILE_MAX, &text, err) < 0) {
        if (err->kind != ERR_NOT_FOUND)
            return err_wrap(err, "val_dict_list.json");
        *err = (struct err){0};
        return from_records(result_dir, metric, maximize, ret_best, metrics, mem, err);
    }
    if (dicts_read(text.data, text.len, tally_entry, &t, err) < 0)
        return err_wrap(err, "val_dict_list.json cannot be read");
    return pick(&t, "val_dict_list.json", metric, maximize, ret_best, metrics, err);
}
