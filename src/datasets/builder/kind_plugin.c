// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/kind_plugin.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/look.h"
#include "datasets/builder/plugin_result.h"
#include "datasets/builder/script.h"
#include "datasets/formats/names.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define TALK_FOLDER ".plugin"       /* in the target, while the plug-in runs */
#define REQUEST_FILE TALK_FOLDER "/request.json"
#define RESULT_FILE TALK_FOLDER "/result.json"

enum { RESULT_SIZE_MAX = 16 << 20 };        /* bytes */

/* --- the request --- */

static void add_text(struct text *t, const char *name, const char *value)
{
    text_addf(t, ",\"%s\":", name);
    text_add_json(t, value);
}

static void add_int(struct text *t, const char *name, int64_t value)
{
    if (value == INT_UNSET)
        text_addf(t, ",\"%s\":null", name);
    else
        text_addf(t, ",\"%s\":%lld", name, (long long)value);
}

static int add_source(const struct build *b, struct text *t, const char *field, const char *path, struct err *err)
{
    const char *plain = path ? build_source(b, field, path, err) : NULL;

    if (path && !plain)
        return -1;
    add_text(t, field, plain);
    return 0;
}

static void add_image_options(const struct image_orders *o, struct text *t)
{
    text_add(t, ",\"image\":{\"type\":");
    text_add_json(t, o->type);
    add_text(t, "resize", o->resize);
    add_text(t, "split", o->split);
    add_int(t, "height", o->height);
    add_int(t, "width", o->width);
    add_int(t, "valPercentage", o->val_percentage);
    add_int(t, "testPercentage", o->test_percentage);
    text_add_char(t, '}');
}

static int write_request(struct build *b, struct err *err)
{
    const struct orders *o = b->orders;
    CLEANUP(text_done) struct text t = {0};

    text_add(&t, "{\"version\":1");
    add_text(&t, "name", o->name);
    add_text(&t, "target", o->target);
    add_text(&t, "result", build_target(b, RESULT_FILE));
    for (int i = 0; i < N_SPLITS; i++)
        if (add_source(b, &t, split_names[i], orders_source(o, i), err) < 0)
            return -1;
    if (add_source(b, &t, "labels", o->labels, err) < 0)
        return -1;
    add_image_options(&o->image, &t);
    add_int(&t, "shards", o->shards);
    add_int(&t, "seed", o->seed);
    add_int(&t, "threads", o->threads);
    text_addf(&t, ",\"byclass\":%s,\"encoded\":%s}\n", o->byclass ? "true" : "false", o->encoded ? "true" : "false");
    return file_write(build_target(b, REQUEST_FILE), t.data, t.len, 0644, err);
}

/* --- what it left --- */

static int read_result(struct build *b, struct plugin_result *ret, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *path = build_target(b, RESULT_FILE);

    plugin_result_init(ret);
    if (!file_exists(path))
        return 0;
    if (file_read(path, RESULT_SIZE_MAX, &text, err) < 0)
        return -1;
    if (plugin_result_read(text.data, text.len, b->mem, ret, err) < 0)
        return err_wrap(err, "the plug-in's result");
    return 0;
}

/* Runs it. Its own sentence about what went wrong goes before ours. */
static int run(struct build *b, struct plugin_result *ret, struct err *err)
{
    const char *const args[] = { build_target(b, REQUEST_FILE), NULL };
    int result = script_run(b, args, b->orders->target, err);
    struct err unread = {0};

    if (read_result(b, ret, result < 0 ? &unread : err) < 0)
        return -1;
    if (ret->error)
        return err_field(err, "plugin", "", "%s", ret->error);
    return result;
}

struct counting {
    int64_t files, bytes;
};

static int count_file(void *arg, const struct found *f, struct err *err)
{
    struct counting *c = arg;

    if (f->refused)
        return err_field(err, "plugin", "links that stay within the data folders", "the plug-in left %s, which %s", f->path, f->refused);
    c->files++;
    c->bytes += f->bytes;
    return 0;
}

static int count_part(struct build *b, const char *path, struct counting *ret, struct err *err)
{
    struct stat st;

    *ret = (struct counting){0};
    if (file_is_dir(path))
        return build_walk(b, path, count_file, ret, err);
    if (stat(path, &st) < 0)
        return err_field(err, "plugin", "a program that writes what it says", "the plug-in left no %s", path);
    ret->files = 1;
    ret->bytes = st.st_size;
    return 0;
}

/* Classes as the plug-in orders them, else those of the parts in the order of their bytes. */
static void set_labels(struct build *b, const struct plugin_result *r, struct names *names)
{
    const char **labels;

    for (size_t i = 0; i < r->labels.n; i++)
        names_add(names, ((const char **)r->labels.items)[i], strlen(((const char **)r->labels.items)[i]));
    for (int i = 0; i < N_SPLITS; i++) {
        const struct plugin_label *counts = r->splits[i].labels.items;

        for (size_t k = 0; k < r->splits[i].labels.n; k++)
            names_add(names, counts[k].label, strlen(counts[k].label));
    }
    if (!r->labels.n)
        names_sort(names);
    if (names_count(names) == 0)
        return;
    labels = mem_alloc(b->mem, names_count(names) * sizeof *labels);
    for (size_t i = 0; i < names_count(names); i++)
        labels[i] = mem_strdup(b->mem, names_text(names, i));
    b->report.labels = labels;
    b->report.n_labels = names_count(names);
}

static int write_labels(struct build *b, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const char *path = build_target(b, "labels.txt");

    if (!b->report.labels || file_exists(path))
        return 0;
    for (size_t i = 0; i < b->report.n_labels; i++)
        text_addf(&text, "%s\n", b->report.labels[i]);
    return file_write(path, text.data, text.len, 0644, err);
}

static int take_part(struct build *b, const struct plugin_result *r, const struct names *names, enum split split,
                     struct err *err)
{
    const struct plugin_split *made = &r->splits[split];
    const struct plugin_label *counts = made->labels.items;
    const char *name = made->path ? made->path : split_names[split];
    bool said = made->path || made->records != INT_UNSET || made->labels.items;
    struct report_split *s;
    struct counting c;

    if (!said && !file_exists(build_target(b, name)))
        return 0;
    if (count_part(b, build_target(b, name), &c, err) < 0)
        return -1;
    s = report_split(&b->report, split, name);
    s->records = made->records != INT_UNSET ? made->records : c.files;
    s->bytes = c.bytes;
    for (size_t i = 0; i < made->labels.n; i++)
        s->per_label[names_find(names, counts[i].label, strlen(counts[i].label))] += counts[i].count;
    return 0;
}

static void take_remarks(struct build *b, const struct plugin_result *r)
{
    const struct plugin_broken *broken = r->broken.items;

    for (size_t i = 0; i < r->warnings.n; i++)
        report_warn(&b->report, "%s", ((const char **)r->warnings.items)[i]);
    for (size_t i = 0; i < r->broken.n; i++)
        report_broken(&b->report, broken[i].path, broken[i].reason);
}

static int build_by_plugin(struct build *b, struct err *err)
{
    CLEANUP(names_freep) struct names *names = names_new();
    struct plugin_result r;

    if (!b->orders->plugin)
        return err_field(err, "plugin", "a program, or a Python script", "the plug-in that builds the dataset is missing");
    if (file_mkdirs(build_target(b, TALK_FOLDER), 0755, err) < 0 || write_request(b, err) < 0 || run(b, &r, err) < 0)
        return -1;
    take_remarks(b, &r);
    set_labels(b, &r, names);
    for (int i = 0; i < N_SPLITS; i++)
        if (take_part(b, &r, names, i, err) < 0)
            return -1;
    if (!b->report.splits[SPLIT_TRAIN].there)
        return err_field(err, "plugin", "a program that writes a folder or file named train", "the plug-in left no training data");
    if (write_labels(b, err) < 0)
        return -1;
    return file_remove_tree(build_target(b, TALK_FOLDER), err);
}

/* It may write what it likes. */
static const char *const plugin_backends[] = { "Other", "LMDB", "TFrecords", "CSV", "ObjectDetection", "ImageVector", NULL };

const struct kind plugin_kind = { .name = "PLUGIN", .backends = plugin_backends, .build = build_by_plugin,
                                   .each = look_folder };
