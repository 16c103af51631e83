// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/report.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

#include <stdarg.h>
#include <string.h>

void report_init(struct report *r, struct mem *mem)
{
    *r = (struct report){ .mem = mem, .height = INT_UNSET, .width = INT_UNSET, .channels = INT_UNSET };
}

void report_done(struct report *r)
{
    for (int i = 0; i < N_SPLITS; i++)
        text_done(&r->splits[i].files);
    text_done(&r->broken);
    text_done(&r->duplicates);
    text_done(&r->sizes);
    text_done(&r->warnings);
}

static void comma(struct text *list)
{
    if (list->len)
        text_add_char(list, ',');
}

static void add_int(struct text *t, int64_t v)
{
    if (v == INT_UNSET)
        text_add(t, "null");
    else
        text_add_int(t, v);
}

struct report_split *report_split(struct report *r, enum split split, const char *path)
{
    struct report_split *s = &r->splits[split];

    s->there = true;
    s->path = mem_strdup(r->mem, path);
    if (r->labels)
        s->per_label = mem_alloc(r->mem, r->n_labels * sizeof *s->per_label);
    return s;
}

void report_file(struct report_split *s, const char *name)
{
    comma(&s->files);
    text_add_json(&s->files, name);
}

void report_broken(struct report *r, const char *path, const char *reason)
{
    if (r->n_broken++ >= REPORT_LIST_MAX)
        return;
    comma(&r->broken);
    text_add(&r->broken, "{\"path\":");
    text_add_json(&r->broken, path);
    text_add(&r->broken, ",\"reason\":");
    text_add_json(&r->broken, reason);
    text_add_char(&r->broken, '}');
}

void report_duplicate(struct report *r, const char *a, const char *b)
{
    if (r->n_duplicates++ >= REPORT_LIST_MAX)
        return;
    comma(&r->duplicates);
    text_add(&r->duplicates, "{\"a\":");
    text_add_json(&r->duplicates, a);
    text_add(&r->duplicates, ",\"b\":");
    text_add_json(&r->duplicates, b);
    text_add_char(&r->duplicates, '}');
}

void report_size(struct report *r, int64_t width, int64_t height, int64_t count)
{
    comma(&r->sizes);
    text_addf(&r->sizes, "{\"width\":%lld,\"height\":%lld,\"count\":%lld}", (long long)width, (long long)height,
              (long long)count);
}

void report_warn(struct report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    comma(&r->warnings);
    text_add_json(&r->warnings, mem_vprintf(r->mem, fmt, ap));
    va_end(ap);
}

static void add_split(struct text *out, const struct report *r, enum split split)
{
    const struct report_split *s = &r->splits[split];

    text_addf(out, "{\"name\":\"%s\",\"path\":", split_names[split]);
    text_add_json(out, s->path);
    text_addf(out, ",\"files\":[%s],\"records\":%lld,\"bytes\":%lld,\"labels\":[", s->files.data ? s->files.data : "",
              (long long)s->records, (long long)s->bytes);
    for (size_t i = 0; s->per_label && i < r->n_labels; i++) {
        text_add(out, i ? ",[" : "[");
        text_add_json(out, r->labels[i]);
        text_addf(out, ",%lld]", (long long)s->per_label[i]);
    }
    text_add(out, "]}");
}

static void add_reals(struct text *out, const char *name, const double *values, int n)
{
    text_addf(out, ",\"%s\":[", name);
    for (int i = 0; i < n; i++) {
        if (i)
            text_add_char(out, ',');
        text_add_real(out, values[i]);
    }
    text_add_char(out, ']');
}

static void add_numbers(struct text *out, const struct report *r)
{
    int64_t bytes = 0;

    text_add(out, ",\"height\":");
    add_int(out, r->height);
    text_add(out, ",\"width\":");
    add_int(out, r->width);
    text_add(out, ",\"channels\":");
    add_int(out, r->channels);
    add_reals(out, "mean", r->mean, r->n_means);
    add_reals(out, "std", r->std, r->n_means);
    text_add(out, ",\"meanfile\":");
    text_add_json(out, r->meanfile);
    for (int i = 0; i < N_SPLITS; i++)
        bytes += r->splits[i].bytes;
    text_addf(out, ",\"bytes\":%lld,\"seconds\":", (long long)bytes);
    text_add_real(out, r->seconds);
    text_add(out, ",\"images_per_s\":");
    if (r->images && r->seconds > 0)
        text_add_real(out, (double)r->images / r->seconds);
    else
        text_add(out, "null");
}

static void add_list(struct text *out, const char *before, const struct text *list, const char *after)
{
    text_add(out, before);
    if (list->len)
        text_add_n(out, list->data, list->len);
    text_add(out, after);
}

static void add_failure(struct text *out, const struct err *failure)
{
    text_addf(out, ",\"ok\":%s,\"error\":", failure ? "false" : "true");
    text_add_json(out, failure ? failure->text : NULL);
    text_add(out, ",\"field\":");
    text_add_json(out, failure && failure->field[0] ? failure->field : NULL);
    text_add(out, ",\"accepted\":");
    text_add_json(out, failure && failure->accepted[0] ? failure->accepted : NULL);
}

void report_text(const struct report *r, const struct orders *o, const struct err *failure, struct text *out)
{
    const char *separator = "";

    text_add(out, "{\"version\":1");
    add_failure(out, failure);
    text_add(out, ",\"kind\":");
    text_add_json(out, o->kind);
    text_add(out, ",\"backend\":");
    text_add_json(out, o->backend);
    text_add(out, ",\"splits\":[");
    for (int i = 0; i < N_SPLITS; i++) {
        if (!r->splits[i].there)
            continue;
        text_add(out, separator);
        add_split(out, r, i);
        separator = ",";
    }
    text_add(out, "],\"labels\":[");
    for (size_t i = 0; i < r->n_labels; i++) {
        if (i)
            text_add_char(out, ',');
        text_add_json(out, r->labels[i]);
    }
    text_add_char(out, ']');
    add_numbers(out, r);
    text_addf(out, ",\"broken\":{\"count\":%lld", (long long)r->n_broken);
    add_list(out, ",\"list\":[", &r->broken, "]}");
    text_addf(out, ",\"duplicates\":{\"count\":%lld,\"same_split\":%lld", (long long)r->n_duplicates,
              (long long)r->n_same_split);
    add_list(out, ",\"between\":[", &r->duplicates, "]}");
    add_list(out, ",\"sizes\":[", &r->sizes, "]");
    add_list(out, ",\"warnings\":[", &r->warnings, "]}\n");
}

int report_write(const struct report *r, const struct orders *o, const struct err *failure, struct err *err)
{
    struct text out = {0};
    char *path;
    int result;

    report_text(r, o, failure, &out);
    path = mem_printf(r->mem, "%s/" REPORT_FILE, o->target);
    result = file_write(path, out.data, out.len, 0644, err);
    text_done(&out);
    return result;
}
