// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/record_sink.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "datasets/formats/lmdb_writer.h"
#include "datasets/formats/tfrecord.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 256 };                 /* bytes of an LMDB key; the library allows 511 */

struct record_sink {
    struct build *b;
    struct record_sink_plan plan;
    struct report_split *report;
    const char *folder;
    struct lmdb_writer *lmdb;
    struct tfrecord_writer *file;       /* the one that is being written */
    int64_t number;                     /* of that file: shard or class; -1: none */
};

struct record_sink *record_sink_open(struct build *b, const struct record_sink_plan *plan, struct err *err)
{
    char name[16];
    struct record_sink *s;

    snprintf(name, sizeof name, "%s_db", split_names[plan->split]);
    s = mem_alloc(b->mem, sizeof *s);
    *s = (struct record_sink){ .b = b, .plan = *plan, .folder = build_target(b, name), .number = -1 };
    if (s->plan.shards > plan->n)
        s->plan.shards = plan->n > 0 ? plan->n : 1;
    if (plan->lmdb)
        s->lmdb = lmdb_create(s->folder, err);
    if (plan->lmdb ? !s->lmdb : file_mkdirs(s->folder, 0755, err) < 0)
        return NULL;
    s->report = report_split(&b->report, plan->split, name);
    return s;
}

/* A class name as a part of a file's name; changed ones get their number, so that no two are the same. */
static const char *safe_name(struct record_sink *s, int32_t label)
{
    char *name = mem_strdup(s->b->mem, s->plan.labels[label]);
    bool changed = strlen(name) > 100;

    if (changed)
        name[100] = '\0';
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && *c != '.') {
            *c = '_';
            changed = true;
        }
    return changed ? mem_printf(s->b->mem, "%s+%d", name, label) : name;
}

static int open_file(struct record_sink *s, int64_t number, struct err *err)
{
    const char *split = split_names[s->plan.split], *name;

    if (s->file) {
        struct tfrecord_writer *file = s->file;

        s->file = NULL;
        if (tfrecord_close(file, err) < 0)
            return -1;
    }
    if (s->plan.by_class)
        name = mem_printf(s->b->mem, "%s-%s.tfrecords", split, safe_name(s, (int32_t)number));
    else
        name = mem_printf(s->b->mem, "%s-%05" PRId64 "-of-%05" PRId64 ".tfrecords", split, number, s->plan.shards);
    s->file = tfrecord_create(mem_printf(s->b->mem, "%s/%s", s->folder, name), err);
    if (!s->file)
        return -1;
    s->number = number;
    report_file(s->report, name);
    return 0;
}

/* Every shard is written, even one whose images are all broken: readers look for all that the names promise. */
static int open_up_to(struct record_sink *s, int64_t number, struct err *err)
{
    if (s->plan.by_class)
        return number == s->number ? 0 : open_file(s, number, err);
    while (s->number < number)
        if (open_file(s, s->number + 1, err) < 0)
            return -1;
    return 0;
}

int record_sink_write(struct record_sink *s, int64_t i, int32_t label, const char *name, const uint8_t *framed, size_t len,
                      struct err *err)
{
    int result;

    if (s->plan.lmdb) {
        char key[KEY_MAX];
        int n = snprintf(key, sizeof key, "%08" PRId64 "_%s", s->report->records, name);

        result = lmdb_write(s->lmdb, key, n < KEY_MAX ? (size_t)n : KEY_MAX - 1, framed + TFRECORD_BEFORE, len, err);
    } else {
        result = open_up_to(s, s->plan.by_class ? label : i * s->plan.shards / s->plan.n, err);
        len += TFRECORD_BEFORE + TFRECORD_AFTER;
        if (result == 0)
            result = tfrecord_write(s->file, framed, len, err);
    }
    if (result < 0)
        return -1;
    s->report->records++;
    s->report->bytes += (int64_t)len;
    s->report->per_label[label]++;
    return 0;
}

void record_sink_abandon(struct record_sink *s)
{
    if (!s)
        return;
    lmdb_abandon(s->lmdb);
    tfrecord_abandon(s->file);
}

int record_sink_close(struct record_sink *s, struct err *err)
{
    if (s->plan.lmdb)
        return lmdb_close(s->lmdb, err);
    if (!s->plan.by_class && open_up_to(s, s->plan.shards - 1, err) < 0) {
        record_sink_abandon(s);
        return -1;
    }
    return s->file ? tfrecord_close(s->file, err) : 0;
}
