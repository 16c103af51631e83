// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_parse.h"

#include "base/field.h"
#include "tasks/insight_dicts.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERIES_MAX = 160 /* bytes: a group and a name of DICTS_NAME_MAX */ };

struct span {               /* a piece of the line being read */
    const char *at, *end;
};

void parser_init(struct parser *p, enum parse_source source)
{
    *p = (struct parser){
        .source = source,
        .train_step = NAN,
        .stamp_step = NAN,
        .done = INT_UNSET,
        .total = INT_UNSET,
    };
}

void parser_done(struct parser *p) { text_done(&p->line); }

static void emit(const struct point_sink *sink, const char *group, const char *name,
                 size_t name_len, double step, int64_t time_ms, double value)
{
    char series[SERIES_MAX];

    if (!isfinite(value) || !name_len || name_len > DICTS_NAME_MAX ||
        memchr(name, '\0', name_len) || !text_is_utf8(name, name_len))
        return;
    snprintf(series, sizeof series, "%s/%.*s", group, (int)name_len, name);
    sink->point(sink->arg, &(struct point){ series, step, time_ms, value });
}

/* Whether `word` stands somewhere in the span; then the span goes on behind it. */
static bool after(struct span *s, const char *word)
{
    size_t len = strlen(word);
    const char *found = memmem(s->at, (size_t)(s->end - s->at), word, len);

    if (!found)
        return false;
    s->at = found + len;
    return true;
}

/* The number that the span starts with, blanks before it allowed; the span goes on behind it. */
static bool number(struct span *s, double *ret)
{
    const char *from;

    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
    for (from = s->at; s->at < s->end && !memchr(" \t,:;)", *s->at, 6);)
        s->at++;
    return number_read(from, (size_t)(s->at - from), ret);
}

static bool whole(double v) { return v >= 0 && v < 9e15 && v == floor(v); }

static void progress(struct parser *p, double iteration)
{
    if (whole(iteration) && (int64_t)iteration > p->done)
        p->done = (int64_t)iteration;
}

/* Iteration 40: tag train_loss, simple_value 0.345 */
static void read_tag(struct parser *p, struct span s, const struct point_sink *sink)
{
    static const char *const groups[] = { "train", "test" };
    const char *tag, *group = "train";
    double step, value;
    size_t len;

    if (!after(&s, "Iteration ") || !number(&s, &step) || !after(&s, "tag "))
        return;
    for (tag = s.at; s.at < s.end && *s.at != ',' && *s.at != ' ';)
        s.at++;
    len = (size_t)(s.at - tag);
    if (!after(&s, "simple_value ") || !number(&s, &value))
        return;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        size_t n = strlen(groups[i]);

        if (len > n + 1 && memcmp(tag, groups[i], n) == 0 && tag[n] == '_') {
            group = groups[i];
            tag += n + 1;
            len -= n + 1;
            break;
        }
    }
    progress(p, step);
    emit(sink, group, tag, len, step, step == p->stamp_step ? p->stamp_ms : INT_UNSET, value);
}

/* Timestamp 1583855678912, Iteration 40 */
static void read_stamp(struct parser *p, struct span s)
{
    double ms, step;

    if (!number(&s, &ms) || !whole(ms) || !(after(&s, "Iteration ") || after(&s, "batchIdx ")) ||
        !number(&s, &step))
        return;
    p->stamp_ms = (int64_t)ms;
    p->stamp_step = step;
    progress(p, step);
}

/* batches :7 0.25 */
static void read_batch(struct span s, const struct point_sink *sink)
{
    double step, value;

    if (number(&s, &step) && number(&s, &value))
        emit(sink, "train", "batch_loss", 10, step, INT_UNSET, value);
}

struct elog {               /* one line of an ELog */
    const char *group;
    double step, iteration;
    int64_t time_ms;
};

/* One "name: value" of an ELog line. The first round takes what describes the line, the second the
 * metrics, because the order of members is not promised. */
static void elog_member(struct elog *line, struct span s, const struct point_sink *sink)
{
    const char *name = s.at, *colon;
    size_t len;
    double v;

    colon = memrchr(s.at, ':', (size_t)(s.end - s.at));
    if (!colon)
        return;
    len = (size_t)(colon - name);
    if (!number_read(colon + 1, (size_t)(s.end - colon - 1), &v))
        return;
    if (len == 9 && memcmp(name, "Timestamp", 9) == 0) {
        line->time_ms = whole(v) ? (int64_t)v : INT_UNSET;
    } else if (len == 12 && memcmp(name, "Global steps", 12) == 0) {
        line->step = v;
    } else if (len == 9 && memcmp(name, "Iteration", 9) == 0) {
        line->iteration = v;
    } else if (sink && ((len == 4 && memcmp(name, "Loss", 4) == 0) ||
                        (len == 8 && memcmp(name, "Accuracy", 8) == 0))) {
        emit(sink, line->group, len == 4 ? "loss" : "accuracy", len, line->step, line->time_ms, v);
    } else if (sink) {
        emit(sink, line->group, name, len, line->step, line->time_ms, v);
    }
}

static void elog_members(struct elog *line, struct span s, const struct point_sink *sink)
{
    while (s.at < s.end) {
        const char *comma = memchr(s.at, ',', (size_t)(s.end - s.at));
        struct span member = { s.at, comma ? comma : s.end };

        while (member.at < member.end && (*member.at == '\t' || *member.at == ' '))
            member.at++;
        elog_member(line, member, sink);
        s.at = comma ? comma + 1 : s.end;
    }
}

/* [2020-03-10 15:54:38] Train,\t... ; false when the line is none of these. */
static bool read_elog(struct parser *p, struct span s, const struct point_sink *sink)
{
    struct elog line = { .step = NAN, .iteration = NAN, .time_ms = INT_UNSET };

    if (*s.at != '[' || !after(&s, "] ") || s.end - s.at < 6)
        return false;
    if (memcmp(s.at, "Train,", 6) == 0)
        line.group = "train";
    else if (memcmp(s.at, "Test,", 5) == 0)
        line.group = "test";
    else
        return false;
    elog_members(&line, s, NULL);
    if (!isfinite(line.step))
        line.step = isfinite(line.iteration) ? line.iteration : p->train_step;
    if (line.group[1] == 'r')
        p->train_step = line.step;
    elog_members(&line, s, sink);
    return true;
}

static void read_text(struct parser *p, struct span s, const struct point_sink *sink)
{
    struct span rest = s;
    double total;

    if (read_elog(p, s, sink))
        return;
    if (after(&rest, "simple_value "))
        read_tag(p, s, sink);
    else if (after(&rest, "Timestamp "))
        read_stamp(p, rest);
    else if (after(&rest, "batches :"))
        read_batch(rest, sink);
    else if (after(&rest, "Total iterations:") && number(&rest, &total) && whole(total))
        p->total = (int64_t)total;
}

/* {"type": 3, "value": "0.345"}, or the bare number. */
static bool record_number(const json_t *v, double *ret)
{
    if (json_is_object(v))
        v = json_object_get(v, "value");
    if (json_is_string(v))
        return number_read(json_string_value(v), json_string_length(v), ret);
    if (!json_is_number(v))
        return false;
    *ret = json_number_value(v);
    return true;
}

/* The iteration, or whatever else counts: `epoch`, `batch`. */
static double record_step(json_t *times)
{
    const char *name;
    json_t *v;
    double step;

    if (record_number(json_object_get(times, "iteration"), &step) && isfinite(step))
        return step;
    json_object_foreach(times, name, v) {
        if (strcmp(name, "time_stamp") != 0 && record_number(v, &step) && isfinite(step))
            return step;
    }
    return NAN;
}

static void read_record(struct span s, const struct point_sink *sink)
{
    json_t *record = json_loadb(s.at, (size_t)(s.end - s.at), JSON_REJECT_DUPLICATES, NULL);
    const char *group = json_string_value(json_object_get(record, "grouplabel"));
    double step = record_step(json_object_get(record, "etimes")), time, value;
    const char *name;
    json_t *v;

    if (!record_number(json_object_get(json_object_get(record, "meta"), "time"), &time) ||
        !whole(time))
        time = -1;
    if (!group || strcmp(group, "train") != 0)
        group = "test";
    json_object_foreach(json_object_get(record, "values"), name, v) {
        if (record_number(v, &value))
            emit(sink, group, name, strlen(name), step, time < 0 ? INT_UNSET : (int64_t)time,
                 value);
    }
    json_decref(record);
}

static void read_line(struct parser *p, const char *line, size_t len, const struct point_sink *sink)
{
    if (!len || len > PARSE_LINE_MAX)
        return;

    struct span s = { line, line + len };
    if (p->source == PARSE_RECORDS)
        read_record(s, sink);
    else
        read_text(p, s, sink);
}

static void keep(struct parser *p, const char *data, size_t len)
{
    if (p->skipping || p->line.len + len > PARSE_LINE_MAX) {
        p->skipping = true;
        text_clear(&p->line);
        return;
    }
    text_add_n(&p->line, data, len);
}

static const char *line_end(const char *data, size_t len)
{
    const char *lf = memchr(data, '\n', len);
    const char *cr = memchr(data, '\r', lf ? (size_t)(lf - data) : len);

    return cr ? cr : lf;
}

void parser_feed(struct parser *p, const char *data, size_t len, const struct point_sink *sink)
{
    const char *end;

    while (len && (end = line_end(data, len))) {
        size_t n = (size_t)(end - data);

        if (p->line.len || p->skipping) {
            keep(p, data, n);
            parser_end(p, sink);
        } else {
            read_line(p, data, n, sink);
        }
        data += n + 1;
        len -= n + 1;
    }
    if (len)
        keep(p, data, len);
}

void parser_end(struct parser *p, const struct point_sink *sink)
{
    if (!p->skipping)
        read_line(p, p->line.data, p->line.len, sink);
    p->skipping = false;
    text_clear(&p->line);
}
