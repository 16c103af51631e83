// SPDX-License-Identifier: Apache-2.0
#include "tasks/metrics_sample.h"

void sampler_start(struct sampler *s, int64_t n_total, int64_t n_wanted, metric_each_fn *keep,
                   void *arg)
{
    *s = (struct sampler){ .n_total = n_total, .n_wanted = n_wanted, .keep = keep, .arg = arg };
}

static void close_run(struct sampler *s)
{
    bool rising = s->low.n <= s->high.n;

    if (!s->open)
        return;
    s->keep(s->arg, rising ? &s->low : &s->high);
    if (s->low.n != s->high.n)
        s->keep(s->arg, rising ? &s->high : &s->low);
    s->open = false;
}

static void add_to_run(struct sampler *s, int64_t run, const struct metric_row *row)
{
    if (run != s->run)
        close_run(s);
    s->run = run;
    if (!s->open || row->value < s->low.value)
        s->low = *row;
    if (!s->open || row->value > s->high.value)
        s->high = *row;
    s->open = true;
}

void sampler_add(struct sampler *s, const struct metric_row *row)
{
    int64_t i = s->i++, n_runs = (s->n_wanted - 2) / 2;

    if (s->n_total <= s->n_wanted) {
        s->keep(s->arg, row);
    } else if (i > 0 && i < s->n_total - 1) {
        add_to_run(s, (i - 1) * n_runs / (s->n_total - 2), row);
    } else {
        close_run(s);
        s->keep(s->arg, row);
    }
}
