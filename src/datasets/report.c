// SPDX-License-Identifier: Apache-2.0
#include "datasets/report.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

/* Counts stay, names go. */
static void cut_list(json_t *report, const char *member, const char *list)
{
    json_object_del(json_object_get(report, member), list);
}

int report_read(const char *text, size_t len, struct mem *mem, struct report_outcome *ret, struct err *err)
{
    CLEANUP(text_done) struct text summary = {0};
    json_auto_t *report = json_loadb(text, len, 0, NULL);
    const json_t *ok = json_object_get(report, "ok"), *bytes = json_object_get(report, "bytes");
    const char *error = json_string_value(json_object_get(report, "error"));

    if (!json_is_boolean(ok) || !json_is_array(json_object_get(report, "splits")))
        return err_set(err, ERR_BAD_INPUT, "report.json is not a report of trainyard-dataset");
    cut_list(report, "broken", "list");
    cut_list(report, "duplicates", "between");
    json_to_text(report, &summary);
    *ret = (struct report_outcome){
        .ok = json_is_true(ok), .error = mem_strdup(mem, error), .summary = mem_strdup(mem, summary.data),
        .bytes = json_is_integer(bytes) && json_integer_value(bytes) > 0 ? json_integer_value(bytes) : 0,
    };
    return 0;
}

static const json_t *find_part(const json_t *summary, const char *part)
{
    const json_t *found = NULL, *split;
    size_t i;

    json_array_foreach(json_object_get(summary, "splits"), i, split)
        if (!found && json_is_string(json_object_get(split, "name")) &&
            strcmp(json_string_value(json_object_get(split, "name")), part) == 0)
            found = split;
    return found;
}

/* NULL when `path` is neither absolute nor stays below `dir`. */
static const char *place(const char *dir, const char *path, struct mem *mem)
{
    if (!path)
        return NULL;
    if (path[0] == '/')
        return path;
    if (!*path || strcmp(path, ".") == 0)
        return dir;
    return path_inside(path) ? mem_printf(mem, "%s/%s", dir, path) : NULL;
}

static const char *text_of(const json_t *object, const char *member, struct mem *mem)
{
    return mem_strdup(mem, json_string_value(json_object_get(object, member)));
}

struct list report_files(const json_t *summary, const char *part, const char *dir, struct mem *mem)
{
    const json_t *split = find_part(summary, part), *names = json_object_get(split, "files"), *name;
    const char *base = place(dir, text_of(split, "path", mem), mem);
    const char **files = mem_alloc(mem, (json_array_size(names) + 2) * sizeof *files);
    size_t n = 0, i;

    json_array_foreach(names, i, name) {
        const char *file = base ? place(base, mem_strdup(mem, json_string_value(name)), mem) : NULL;

        if (file)
            files[n++] = file;
    }
    if (base && json_array_size(names) == 0)
        files[n++] = base;
    return (struct list){ files, n };
}

static const char *join(const struct list *files, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};
    const char *const *names = files->items;

    for (size_t i = 0; i < files->n; i++)
        text_addf(&t, "%s%s", i ? "," : "", names[i]);
    return mem_strdup(mem, t.data);
}

static void input_part(const json_t *summary, const char *part, const char *dir, struct mem *mem, const char **ret,
                       const char **ret_dir)
{
    const struct list files = report_files(summary, part, dir, mem);

    *ret_dir = place(dir, text_of(find_part(summary, part), "path", mem), mem);
    *ret = files.n ? join(&files, mem) : NULL;
}

void report_input(const json_t *summary, const char *dir, struct mem *mem, struct dataset_input *ret)
{
    fields_init(dataset_input_fields, ret);
    ret->dir = dir;
    input_part(summary, "train", dir, mem, &ret->train, &ret->train_dir);
    input_part(summary, "val", dir, mem, &ret->val, &ret->val_dir);
    input_part(summary, "test", dir, mem, &ret->test, &ret->test_dir);
    ret->mean_file = place(dir, text_of(summary, "meanfile", mem), mem);
    if (json_array_size(json_object_get(summary, "labels")) > 0)
        ret->labels = place(dir, "labels.txt", mem);
}

void report_labels(const json_t *summary, const char *part, struct mem *mem, struct list *ret)
{
    const json_t *labels = json_object_get(find_part(summary, part), "labels"), *label;
    struct list *rows;
    size_t i;

    *ret = (struct list){0};
    if (!json_is_array(labels))
        return;
    rows = mem_alloc(mem, (json_array_size(labels) + 1) * sizeof *rows);
    json_array_foreach(labels, i, label) {
        const char **pair = mem_alloc(mem, 2 * sizeof *pair);
        const char *name = json_string_value(json_array_get(label, 0));

        pair[0] = mem_strdup(mem, name ? name : "");
        pair[1] = mem_printf(mem, "%lld", (long long)json_integer_value(json_array_get(label, 1)));
        rows[i] = (struct list){ pair, 2 };
    }
    *ret = (struct list){ rows, json_array_size(labels) };
}
