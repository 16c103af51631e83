// SPDX-License-Identifier: Apache-2.0
#include "cli/dataset.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *dataset_get(struct client *client, const char *name, const char *suffix, struct err *err)
{
    CLEANUP(freep) char *escaped = client_escape(name);
    CLEANUP(text_done) struct text path = {0};

    text_addf(&path, "/datasets/%s%s", escaped, suffix);
    return client_get(client, path.data, err);
}

static int64_t integer(const json_t *record, const char *key) { return json_integer_value(json_object_get(record, key)); }

static int about_one(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags, char **ret_name)
{
    return cli_one(cli, argc, argv, flags, n_flags, "dataset", cli_find_dataset, ret_name);
}

/* --- ls --- */

int dataset_ls_command(struct cli *cli, int argc, char **argv)
{
    static const struct cli_listing datasets = {
        .path = "/datasets", .none = "No datasets yet; `trainyard dataset add --help` shows how to make one.",
        .columns = { { "NAME", "name" }, { "STATE", "status" }, { "KIND", "datasourcetype" }, { "FORMAT", "dbbackend" },
                     { "SIZE", "size", "MB" }, { "USER", "createUser" }, { "CREATED", "submittedtime" } },
    };

    return cli_list(cli, argc, argv, &datasets);
}

/* --- show --- */

static void print_line(const char *name, const char *value)
{
    if (*value)
        printf("%s%-12s%s %s%s%s\n", term_on(DIM), name, term_off(),
               term_on(strcmp(name, "state") == 0 ? term_state_colour(value) : PLAIN), value, term_off());
}

static void print_labels(const json_t *labels, struct text *out)
{
    json_t *label;
    size_t i;

    json_array_foreach(labels, i, label) {
        if (i == 6) {
            text_addf(out, ", and %zu more", json_array_size(labels) - i);
            break;
        }
        text_addf(out, "%s%s %s", i ? ", " : "", json_string_value(json_array_get(label, 0)),
                  json_string_value(json_array_get(label, 1)));
    }
}

static void print_parts(const json_t *record)
{
    const json_t *splits = json_object_get(json_object_get(record, "report"), "splits"), *split;
    struct table *table;
    size_t i;

    if (json_array_size(splits) == 0)
        return;
    table = table_new(4);
    table_cell(table, "PART");
    table_cell(table, "RECORDS");
    table_cell(table, "MB");
    table_cell(table, "CLASSES");
    json_array_foreach(splits, i, split) {
        CLEANUP(text_done) struct text key = {0};
        CLEANUP(text_done) struct text labels = {0};
        char number[32];

        table_cell(table, cli_str(split, "name"));
        snprintf(number, sizeof number, "%" PRId64, integer(split, "records"));
        table_cell(table, number);
        snprintf(number, sizeof number, "%.1f", (double)integer(split, "bytes") / 1e6);
        table_cell(table, number);
        text_addf(&key, "%slabels", cli_str(split, "name"));
        print_labels(json_object_get(record, key.data), &labels);
        table_cell(table, labels.data);
    }
    putchar('\n');
    table_print(table);
}

static void print_quality(const json_t *report)
{
    const json_t *twice = json_object_get(report, "duplicates"), *warning;
    int64_t n_broken = integer(json_object_get(report, "broken"), "count");
    size_t i;

    if (n_broken > 0)
        printf("\n%sbroken%s files that were left out: %" PRId64 "; --report names them\n", term_on(YELLOW), term_off(), n_broken);
    if (integer(twice, "count") > 0)
        printf("\n%sduplicates%s that stand in two parts: %" PRId64 "; --report names them\n", term_on(YELLOW), term_off(),
               integer(twice, "count"));
    json_array_foreach(json_object_get(report, "warnings"), i, warning)
        printf("\n%swarning%s %s\n", term_on(YELLOW), term_off(), json_string_value(warning));
}

static void print_record(const json_t *record)
{
    static const char *const lines[][2] = {
        { "name", "name" },         { "state", "status" },      { "kind", "datasourcetype" }, { "format", "dbbackend" },
        { "message", "message" },   { "progress", "progress" }, { "user", "createUser" },     { "created", "submittedtime" },
        { "group", "signame" },     { "task", "sparkappid" },
    };
    const json_t *paths = json_object_get(record, "paths"), *value;
    const char *key;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        print_line(lines[i][0], cli_str(record, lines[i][1]));
    json_object_foreach((json_t *)paths, key, value)
        print_line(key, json_string_value(value));
    print_parts(record);
    print_quality(json_object_get(record, "report"));
}

static void print_report(const json_t *report)
{
    const json_t *broken = json_object_get(json_object_get(report, "broken"), "list"), *item;
    const json_t *twice = json_object_get(json_object_get(report, "duplicates"), "between");
    size_t i;

    json_array_foreach(broken, i, item)
        printf("broken     %s: %s\n", cli_str(item, "path"), cli_str(item, "reason"));
    json_array_foreach(twice, i, item)
        printf("duplicate  %s = %s\n", cli_str(item, "a"), cli_str(item, "b"));
    if (json_array_size(broken) + json_array_size(twice) == 0)
        puts("nothing is broken, and nothing stands in two parts");
}

int dataset_show_command(struct cli *cli, int argc, char **argv)
{
    bool whole = false;
    const struct flag flags[] = { { "report", 0, NULL, &whole } };
    CLEANUP(freep) char *name = NULL;
    json_auto_t *record = NULL;
    struct err err = {0};
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &name);

    if (code >= 0)
        return code;
    record = dataset_get(cli->client, name, whole ? "/report" : "", &err);
    if (!record)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(record);
    else if (whole)
        print_report(record);
    else
        print_record(record);
    return EXIT_DONE;
}

/* --- head --- */

struct head {
    const char *name, *part, *lines, *label, *sample, *output;
    bool boxes;
};

/* Numbers with the digits that people wrote; --json has them exactly. */
static void cell_json(struct table *table, const json_t *value)
{
    CLEANUP(freep) char *text = json_is_string(value) ? xstrdup(json_string_value(value))
                                                      : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    table_cell(table, text && !json_is_null(value) ? text : NULL);
}

static void print_rows(const json_t *page)
{
    const json_t *columns = json_object_get(page, "columns"), *row, *cell;
    size_t n = json_array_size(columns), i, k;
    struct table *table;

    if (n == 0)
        return;
    table = table_new((int)n);
    json_array_foreach(columns, k, cell)
        cell_json(table, cell);
    json_array_foreach(json_object_get(page, "data"), i, row)
        for (k = 0; k < n; k++)
            cell_json(table, json_array_get(row, k));
    table_print(table);
}

static void print_list(const json_t *list, const char *const *keys, const char *const *heads, int n)
{
    struct table *table = table_new(n);
    json_t *item;
    size_t i;

    for (int k = 0; k < n; k++)
        table_cell(table, heads[k]);
    json_array_foreach(list, i, item)
        for (int k = 0; k < n; k++)
            cell_json(table, json_object_get(item, keys[k]));
    table_print(table);
}

/* GET of a page; the text of a CSV page holds the rows as they are. */
static json_t *get_page(struct cli *cli, const struct head *h, const char *what, struct err *err)
{
    CLEANUP(text_done) struct text suffix = {0};
    CLEANUP(freep) char *part = client_escape(h->part), *lines = client_escape(h->lines);
    CLEANUP(freep) char *label = client_escape(h->label ? h->label : "");
    json_t *page;

    text_addf(&suffix, "/%s?type=%s&length=%s%s%s", what, part, lines, h->label ? "&label=" : "", label);
    page = dataset_get(cli->client, h->name, suffix.data, err);
    if (page && strcmp(what, "csvs") == 0) {
        json_t *rows = json_loads(cli_str(page, "JSONString"), 0, NULL);

        json_decref(page);
        page = rows;
    }
    return page;
}

static int save_sample(struct cli *cli, const struct head *h)
{
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(text_done) struct text to = {0};
    CLEANUP(freep) char *escaped = client_escape(h->name), *part = client_escape(h->part), *number = client_escape(h->sample);

    text_addf(&path, "/datasets/%s/samples/%s?type=%s&size=1024%s", escaped, number, part, h->boxes ? "&boxes=true" : "");
    text_add(&to, h->output ? h->output : h->name);
    if (!h->output)
        text_addf(&to, "-%s.jpg", h->sample);
    return cli_save(cli, path.data, to.data, NULL);
}

static int print_head(struct cli *cli, const struct head *h)
{
    static const char *const picture_keys[] = { "name", "labels", "path" }, *const picture_heads[] = { "NAME", "LABELS", "PATH" };
    static const char *const sample_keys[] = { "index", "label", "path" }, *const sample_heads[] = { "NUMBER", "LABEL", "PATH" };
    struct err err = {0};
    json_auto_t *record = dataset_get(cli->client, h->name, "", &err), *page = NULL;
    const char *kind = cli_str(record, "datasourcetype");
    bool csv = strcmp(kind, "CSV") == 0, objects = strcmp(kind, "IMAGEFOROBJECTDETECTION") == 0 && !h->label;

    if (record)
        page = get_page(cli, h, csv ? "csvs" : objects ? "objectimages" : "samples", &err);
    if (!page)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(page);
    else if (csv)
        print_rows(page);
    else if (objects)
        print_list(page, picture_keys, picture_heads, 3);
    else
        print_list(page, sample_keys, sample_heads, 3);
    return EXIT_DONE;
}

int dataset_head_command(struct cli *cli, int argc, char **argv)
{
    struct head h = { .part = "train", .lines = "10" };
    const struct flag flags[] = {
        { "part", 0, "PART", &h.part }, { "lines", 'n', "N", &h.lines }, { "label", 0, "LABEL", &h.label },
        { "sample", 0, "N", &h.sample }, { "boxes", 0, NULL, &h.boxes }, { "output", 'o', "FILE", &h.output },
    };
    CLEANUP(freep) char *name = NULL;
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &name);

    if (code >= 0)
        return code;
    h.name = name;
    return h.sample ? save_sample(cli, &h) : print_head(cli, &h);
}

/* --- stop, rm --- */

/* What is stopped or removed is named in full. */
static char *whole_name(struct cli *cli, const char *name, struct err *err)
{
    (void)cli, (void)err;
    return xstrdup(name);
}

int dataset_stop_command(struct cli *cli, int argc, char **argv)
{
    return cli_each(cli, argc, argv, &(struct cli_request){ "dataset", whole_name, "PUT", "/datasets/", "/stop", "stopping" });
}

int dataset_rm_command(struct cli *cli, int argc, char **argv)
{
    return cli_each(cli, argc, argv, &(struct cli_request){ "dataset", whole_name, "DELETE", "/datasets/", "", "removed" });
}
