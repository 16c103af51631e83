// SPDX-License-Identifier: Apache-2.0
/* What is in a dataset: rows, pictures, samples and the whole report. */
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "datasets/build.h"
#include "datasets/csv_page.h"
#include "datasets/dataset_own.h"
#include "datasets/objects_page.h"
#include "datasets/report.h"
#include "datasets/roots.h"
#include "datasets/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_DEFAULT = 100, SAMPLES_DEFAULT = 24, SAMPLES_MAX = 1000, SIZE_DEFAULT = 256, SIZE_MAX_PX = 2048,
       CHUNK = 64 << 10 };

struct look {                   /* a request on its way */
    struct dataset dataset;
    const char *dir;            /* of the dataset */
    const char *split;          /* "train", "val", "test"; NULL when the call needs none */
    int64_t start, length;
    const char *label;
    struct show_sample sample;
    struct csv_page page;
    struct list pictures;
    struct text out;
};

static struct datasets *room(const struct call *c) { return c->room; }
static const struct settings *settings_of(const struct call *c) { return room(c)->tasks->config.settings; }

/* --- what was asked --- */

static int read_type(struct call *c, struct look *l, struct err *err)
{
    static const char *const names[] = { "train", "val", "test" };
    const char *type = call_query(c, "type");

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (type && text_same(type, names[i]))
            l->split = names[i];
    if (l->split)
        return 0;
    return err_field(err, "type", "Train, Val or Test", type ? "\"%.40s\" is no part of a dataset" : "type is missing", type);
}

static void out_done(void *out) { text_done(out); }

/* The dataset, which must be built. */
static struct look *begin(struct call *c, struct err *err)
{
    struct look *l = mem_alloc(c->mem, sizeof *l);

    mem_on_free(c->mem, out_done, &l->out);
    if (dataset_seen(c, &l->dataset, err) < 0)
        return NULL;
    if (strcmp(l->dataset.status, "FINISHED") != 0) {
        err_set(err, ERR_BAD_INPUT, "the dataset \"%.100s\" is %s: there is nothing to look at", l->dataset.spec.name,
                l->dataset.status);
        return NULL;
    }
    l->dir = dataset_dir(room(c), l->dataset.spec.name, c->mem);
    c->state = l;
    return l;
}

static struct look *begin_page(struct call *c, const char *kind, struct err *err)
{
    struct look *l = begin(c, err);

    if (!l)
        return NULL;
    if (strcmp(l->dataset.spec.kind, kind) != 0) {
        err_set(err, ERR_BAD_INPUT, "the dataset \"%.100s\" is of kind %s, not %s", l->dataset.spec.name,
                l->dataset.spec.kind, kind);
        return NULL;
    }
    l->length = LENGTH_DEFAULT;
    if (read_type(c, l, err) < 0 || call_query_int(c, "start", 0, INT64_MAX - CSV_LENGTH_MAX, &l->start, err) < 0 ||
        call_query_int(c, "length", 0, INT64_MAX, &l->length, err) < 0)
        return NULL;
    if (l->length > CSV_LENGTH_MAX)
        l->length = CSV_LENGTH_MAX;
    return l;
}

static int open_file(struct call *c, const struct look *l, const char *path, struct err *err)
{
    return roots_open(settings_of(c), l->dir, path, err);
}

/* --- csvs --- */

/* On a worker. */
static int read_rows(struct call *c, struct err *err)
{
    struct look *l = c->state;
    const struct list files = report_files(l->dataset.report, l->split, l->dir, c->mem);
    CLEANUP(fd_closep) int csv = -1;
    CLEANUP(fd_closep) int index = -1;
    struct err ignored = {0};
    const char *path;

    if (files.n == 0) {         /* it has no such part */
        l->page = (struct csv_page){ .columns = files, .index = files, .data = files,
                                     .json = "{\"columns\":[],\"index\":[],\"data\":[]}" };
        return 0;
    }
    path = *(const char *const *)files.items;
    csv = open_file(c, l, path, err);
    if (csv < 0)
        return -1;
    index = open_file(c, l, mem_printf(c->mem, "%s/%s.index", l->dir, path_base(path)), &ignored);
    return csv_page_read(csv, index, l->start, l->length, c->mem, &l->page, err);
}

static int rows_read(struct call *c, struct err *err)
{
    struct look *l = c->state;

    (void)err;
    return reply_fields(c, 200, csv_page_fields, &l->page);
}

static int show_csvs(struct call *c, struct err *err)
{
    return begin_page(c, "CSV", err) ? call_work(c, read_rows, rows_read) : -1;
}

/* --- objectimages --- */

/* On a worker. */
static int read_pictures(struct call *c, struct err *err)
{
    struct look *l = c->state;
    CLEANUP(fd_closep) int fd = open_file(c, l, mem_printf(c->mem, "%s/objects.index", l->dir), err);
    const struct picture *p;

    if (fd < 0 || objects_page_read(fd, l->dir, l->split, l->start, l->length, c->mem, &l->pictures, err) < 0)
        return -1;
    p = l->pictures.items;
    for (size_t i = 0; i < l->pictures.n; i++) {
        text_add_char(&l->out, i ? ',' : '[');
        fields_to_text(picture_fields, &p[i], &l->out);
    }
    text_add(&l->out, l->pictures.n ? "]" : "[]");
    return 0;
}

static int json_made(struct call *c, struct err *err)
{
    struct look *l = c->state;

    (void)err;
    return reply_json(c, 200, &l->out);
}

static int show_pictures(struct call *c, struct err *err)
{
    return begin_page(c, "IMAGEFOROBJECTDETECTION", err) ? call_work(c, read_pictures, json_made) : -1;
}

/* --- the report --- */

/* On a worker. */
static int read_report(struct call *c, struct err *err)
{
    struct look *l = c->state;
    CLEANUP(fd_closep) int fd = open_file(c, l, mem_printf(c->mem, "%s/report.json", l->dir), err);
    char *chunk = mem_alloc(c->mem, CHUNK);
    json_t *json;
    ssize_t n;

    while (fd >= 0 && l->out.len <= REPORT_MAX && (n = read(fd, chunk, CHUNK)) > 0)
        text_add_n(&l->out, chunk, (size_t)n);
    if (fd < 0)
        return -1;
    json = json_loadb(l->out.data ? l->out.data : "", l->out.len, 0, NULL);
    if (!json || l->out.len > REPORT_MAX)
        return err_set(err, ERR_NOT_FOUND, "the report of the dataset is damaged");
    json_decref(json);
    return 0;
}

static int show_report(struct call *c, struct err *err)
{
    return begin(c, err) ? call_work(c, read_report, json_made) : -1;
}

/* --- samples --- */

/* On a worker. */
static int list_samples(struct call *c, struct err *err)
{
    struct look *l = c->state;
    json_t *json;

    if (show_samples(room(c)->tasks, &l->dataset, l->dir, l->split, l->label, l->length, c->mem, &l->out, err) < 0)
        return -1;
    json = json_loadb(l->out.data ? l->out.data : "", l->out.len, 0, NULL);
    if (!json_is_array(json)) {
        json_decref(json);
        return err_set(err, ERR_INTERNAL, "trainyard-dataset has listed no samples");
    }
    json_decref(json);
    return 0;
}

static int show_sample_list(struct call *c, struct err *err)
{
    struct look *l = begin(c, err);

    if (!l)
        return -1;
    l->length = SAMPLES_DEFAULT;
    l->label = call_query(c, "label");
    if (read_type(c, l, err) < 0 || call_query_int(c, "length", 1, SAMPLES_MAX, &l->length, err) < 0)
        return -1;
    return call_work(c, list_samples, json_made);
}

/* On a worker. */
static int draw_sample(struct call *c, struct err *err)
{
    struct look *l = c->state;

    return show_sample(room(c)->tasks, &l->dataset, l->dir, &l->sample, c->mem, &l->out, err);
}

static int sample_drawn(struct call *c, struct err *err)
{
    struct look *l = c->state;

    (void)err;
    reply_header(c, "Cache-Control", "private, max-age=3600");
    return reply_text(c, 200, "image/jpeg", &l->out);
}

static int show_one_sample(struct call *c, struct err *err)
{
    const char *number = call_param(c, "index");
    struct look *l = begin(c, err);
    char *end;

    if (!l || read_type(c, l, err) < 0)
        return -1;
    l->sample = (struct show_sample){ .split = l->split, .size = SIZE_DEFAULT, .boxes = call_query_bool(c, "boxes") };
    errno = 0;
    l->sample.index = strtoll(number, &end, 10);
    if (errno || end == number || *end || l->sample.index < 0)
        return err_field(err, "index", "a whole number from 0", "\"%.40s\" is no number of a sample", number);
    if (call_query_int(c, "size", 16, SIZE_MAX_PX, &l->sample.size, err) < 0)
        return -1;
    return call_work(c, draw_sample, sample_drawn);
}

/* --- routes --- */

#define TAG .tag = "Datasets"
#define TYPE { "type", "string", true, "Train, Val or Test, in any case" }
#define PAGE PARAMS(TYPE, { "start", "string", false, "number of the first, from 0; default 0" }, \
                    { "length", "string", false, "how many, at most 10000; default 100" })

const struct route dataset_look_routes[] = {
    { GET, "/datasets/{datasetname}/csvs", USER, show_csvs, "csvList", TAG, .summary = "Rows of a CSV dataset", .query = PAGE,
      .reply = { 200, "csvDetail", csv_page_fields }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { GET, "/datasets/{datasetname}/objectimages", USER, show_pictures, "objectimageList", TAG,
      .summary = "Pictures of an object-detection dataset", .query = PAGE, .reply = { 200, "[Pictures]", picture_fields },
      .failures = FAILURES(400, 401, 403, 404, 500) },
    { GET, "/datasets/{datasetname}/report", USER, show_report, "datasetReport", TAG, .summary = "What was found in a dataset",
      .reply = { 200, "object" }, .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/datasets/{datasetname}/samples", USER, show_sample_list, "datasetSamples", TAG, .summary = "Samples of a dataset",
      .query = PARAMS(TYPE, { "label", "string", false, "of this class only" },
                      { "length", "integer", false, "how many, at most 1000; default 24" }),
      .reply = { 200, "[object]" }, .failures = FAILURES(400, 401, 404, 500) },
    { GET, "/datasets/{datasetname}/samples/{index}", USER, show_one_sample, "datasetSample", TAG,
      .summary = "A sample of a dataset, as a JPEG picture",
      .query = PARAMS(TYPE, { "size", "integer", false, "longer side, 16 to 2048 pixels; default 256" },
                      { "boxes", "boolean", false, "draw the boxes of an object-detection dataset" }),
      .reply = { 200, "string" }, .failures = FAILURES(400, 401, 404, 500) },
    { .path = NULL },
};
