// SPDX-License-Identifier: Apache-2.0
#include "datasets/dataset.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128, PATH_MAX_BYTES = 4095, SIDE_MAX = 65535, SHARDS_MAX = 10000, THREADS_MAX = 256 };

static const char *const kind_names[] = { "LMDB", "TFRECORDS", "OTHER", "IMAGEFORCLASSIFICATION", "CSV",
                                          "IMAGEFOROBJECTDETECTION", "IMGTOVECTOR", "PLUGIN", "NLP", "RAWDATA", NULL };
static const char *const backend_names[] = { "LMDB", "TFrecords", "CSV", "ObjectDetection", "ImageVector", "Other", NULL };

#define PATH .max = PATH_MAX_BYTES, .min = 0
#define I struct image_detail
static const struct field image_fields[] = {
    { "isusingtext",     BOOLEAN(I, using_text), .doc = "images are named in text files, not in a folder for each class" },
    { "traintextpath",   TEXT(I, train_text),    PATH, .doc = "lines `path label-number`" },
    { "valtextpath",     TEXT(I, val_text),      PATH, .doc = "the same of the validation part" },
    { "testtextpath",    TEXT(I, test_text),     PATH, .doc = "the same of the test part" },
    { "labeltextpath",   TEXT(I, label_text),    PATH, .doc = "a class name a line" },
    { "trainimagepath",  TEXT(I, train_images),  PATH, .doc = "folder of the images" },
    { "valimagepath",    TEXT(I, val_images),    PATH, .doc = "the same of the validation part" },
    { "testimagepath",   TEXT(I, test_images),   PATH, .doc = "the same of the test part" },
    { "imagetype",       TEXT(I, type),          ALLOWED("Color", "Grayscale"), .doc = "default Color" },
    { "height",          INT(I, height),         .min = 1, .max = SIDE_MAX, .unit = "pixels", .doc = "absent: as it is" },
    { "width",           INT(I, width),          .min = 1, .max = SIDE_MAX, .unit = "pixels", .doc = "absent: as it is" },
    { "resizetransformation", TEXT(I, resize),   ALLOWED("Squash", "Crop", "Fill", "HalfCropHalfFill"),
      .doc = "default Squash" },
    { "valpercentage",   INT(I, val_percentage), .min = 0, .max = 100, .doc = "of the training data, for a part without a path; default 0" },
    { "testpercentage",  INT(I, test_percentage), .min = 0, .max = 100, .doc = "the same of the test part" },
    { "splitalgorithm",  TEXT(I, split),         ALLOWED("hold-out", "random", "sequential", "stratified"),
      .doc = "default hold-out" },
    { .type = FIELD_END },
};
#undef I

/* The same members in a document and in a record: T is the struct, P the way from it to the spec. */
#define SPEC_FIELDS(T, P, must) \
    { "name",           TEXT(T, P name),      .required = must, .min = 1, .max = NAME_MAX_BYTES, .doc = "unique on the server" }, \
    { "dbbackend",      TEXT(T, P backend),   .required = must, .allowed = backend_names, .doc = "what is written" }, \
    { "trainpath",      TEXT(T, P train),     PATH, .doc = "below a data root, or in what was uploaded" }, \
    { "valpath",        TEXT(T, P val),       PATH, .doc = "the same of the validation part" }, \
    { "testpath",       TEXT(T, P test),      PATH, .doc = "the same of the test part" }, \
    { "meanfilepath",   TEXT(T, P mean_file), PATH, .doc = "mean.binaryproto of a Caffe LMDB" }, \
    { "sigid",          TEXT(T, P sig),       .max = 255, .doc = "instance group, by id or name; default the default group" }, \
    { "imagedetail",    OBJECT(T, P image, image_fields), .schema = "ImageDetail", .doc = "of the kinds with images" }, \
    { "shards",         INT(T, P shards),     .min = 1, .max = SHARDS_MAX, .doc = "TFrecords: files of a part; default 1" }, \
    { "byclass",        BOOLEAN(T, P by_class), .doc = "TFrecords: a file for each class" }, \
    { "plugin",         TEXT(T, P plugin),    PATH, .doc = "script of CSV, program of PLUGIN" }, \
    { "datasourcetype", TEXT(T, P kind),      .required = must, .allowed = kind_names, .doc = "what it is built from" }, \
    { "labels",         TEXT(T, P labels),    PATH, .doc = "file with a class name a line" }, \
    { "copy",           BOOLEAN(T, P copy),   .doc = "copy what could be read where it is" }, \
    { "encoded",        BOOLEAN(T, P encoded), .doc = "store images compressed as they are, not as pixels" }, \
    { "seed",           INT(T, P seed),       .min = 0, .max = 9007199254740992.0, .doc = "of the split; default 0" }, \
    { "maxBroken",      REAL(T, P max_broken), .min = 0, .max = 1, .doc = "part of the files that may be unreadable; default 0.05" }, \
    { "threads",        INT(T, P threads),    .min = 1, .max = THREADS_MAX, .doc = "slots to build with; default up to 4" }, \
    { "shared",         BOOLEAN(T, P shared), .doc = "readable by everyone" }

#define NOTHING
const struct field dataset_spec_fields[] = {
    SPEC_FIELDS(struct dataset_spec, NOTHING, true),
    { .type = FIELD_END },
};

#define D struct dataset
const struct field dataset_fields[] = {
    SPEC_FIELDS(D, spec., false),
    { "status",        TEXT(D, status),         .doc = "SUBMITTED, RUNNING, FINISHED, ERROR, KILLED" },
    { "runduration",   REAL(D, run_minutes),    .format = "double", .unit = "minutes", .doc = "of the build so far" },
    { "signame",       TEXT(D, sig_name),       .doc = "instance group" },
    { "masterUrl",     TEXT(D, master_url),     .doc = "address of this server" },
    { "driverid",      TEXT(D, driver_id),      .doc = "submissionId of the task that builds it" },
    { "sparkappid",    TEXT(D, exec),           .doc = "id of the task that builds it: log and stop under /execs" },
    { "trainlabels",   LIST_OF_LISTS(D, train_labels, FIELD_TEXT), .schema = "StringSet", .doc = "[label, count]" },
    { "vallabels",     LIST_OF_LISTS(D, val_labels, FIELD_TEXT),   .schema = "StringSet", .doc = "[label, count]" },
    { "testlabels",    LIST_OF_LISTS(D, test_labels, FIELD_TEXT),  .schema = "StringSet", .doc = "[label, count]" },
    { "submittedtime", TEXT(D, submitted_time), .doc = "2026-01-05 10:00:00, time of the server" },
    { "createUser",    TEXT(D, creator),        .doc = "who created it" },
    { "size",          REAL(D, size_mb),        .format = "double", .unit = "MB", .doc = "of what was built" },
    { "message",       TEXT(D, message),        .doc = "why it did not end well; a sentence" },
    { "progress",      TEXT(D, progress),       .doc = "while it is built: what the builder said last" },
    { "percent",       REAL(D, percent),        .format = "double", .doc = "while it is built: how far it is" },
    { "report",        JSON(D, report),         .doc = "what was found; the long lists are in /report" },
    { "paths",         OBJECT(D, input, dataset_input_fields), .doc = "where the parts are; once FINISHED" },
    { .type = FIELD_END },
};

const struct field dataset_row_fields[] = {
    { "seq",        INT(D, seq) },
    { "name",       TEXT(D, spec.name) },
    { "creator",    TEXT(D, creator) },
    { "shared",     BOOLEAN(D, shared) },
    { "status",     TEXT(D, status) },
    { "message",    TEXT(D, message) },
    { "spec",       TEXT(D, spec_text) },
    { "sig_name",   TEXT(D, sig_name) },
    { "sig_id",     TEXT(D, sig_id) },
    { "master_url", TEXT(D, master_url) },
    { "exec",       TEXT(D, exec) },
    { "driver_id",  TEXT(D, driver_id) },
    { "n_tries",    INT(D, n_tries) },
    { "target",     TEXT(D, target) },
    { "source",     TEXT(D, source) },
    { "created_ms", INT(D, created_ms) },
    { "started_ms", INT(D, started_ms) },
    { "ended_ms",   INT(D, ended_ms) },
    { "size_bytes", INT(D, size_bytes) },
    { "report",     TEXT(D, report_text) },
    { "input",      TEXT(D, input_text) },
    { "stop_asked", BOOLEAN(D, stop_asked) },
    { "deleted",    BOOLEAN(D, deleted) },
    { .type = FIELD_END },
};
#undef D

/* --- paths --- */

#define AT(m) offsetof(struct dataset_spec, m)
const struct dataset_path dataset_paths[] = {
    { "trainpath",                  AT(train) },
    { "valpath",                    AT(val) },
    { "testpath",                   AT(test) },
    { "meanfilepath",               AT(mean_file) },
    { "imagedetail.traintextpath",  AT(image.train_text) },
    { "imagedetail.valtextpath",    AT(image.val_text) },
    { "imagedetail.testtextpath",   AT(image.test_text) },
    { "imagedetail.labeltextpath",  AT(image.label_text) },
    { "imagedetail.trainimagepath", AT(image.train_images) },
    { "imagedetail.valimagepath",   AT(image.val_images) },
    { "imagedetail.testimagepath",  AT(image.test_images) },
    { "plugin",                     AT(plugin) },
    { "labels",                     AT(labels) },
    { .field = NULL },
};
#undef AT

const char **dataset_path_at(struct dataset_spec *s, const struct dataset_path *p)
{
    return (const char **)((char *)s + p->offset);
}

/* --- kinds --- */

/* The back ends a kind is written to (none: any), and where its training data may be named: in trainpath, in a text
 * file, in a folder of images, or nowhere. */
static const struct kind {
    const char *name;
    const char *backends[3];
    bool path, text, images, none;
} kinds[] = {
    { "LMDB",                    { "LMDB" },                  .path = true },
    { "TFRECORDS",               { "TFrecords" },             .path = true },
    { "OTHER",                   { "Other" },                 .path = true },
    { "IMAGEFORCLASSIFICATION",  { "LMDB", "TFrecords" },     .text = true, .images = true },
    { "CSV",                     { "CSV" },                   .path = true },
    { "IMAGEFOROBJECTDETECTION", { "ObjectDetection" },       .path = true, .images = true },
    { "IMGTOVECTOR",             { "ImageVector" },           .path = true, .text = true },
    { "PLUGIN",                  { NULL },                    .path = true, .none = true },
    { "NLP",                     { "Other", "CSV" },          .path = true },
    { "RAWDATA",                 { "Other" },                 .path = true },
};

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int check_name(const char *name, struct err *err)
{
    static const char accepted[] = "a file name of 1 to 128 bytes that does not begin with a dot";

    if (!path_name_ok(name) || name[0] == '.' || strchr(name, ','))
        return err_field(err, "name", accepted, "\"%.80s\" cannot be the name of a dataset", name);
    if (strcmp(name, "upload") == 0)
        return err_field(err, "name", accepted, "\"upload\" is a word of the API");
    return 0;
}

static int check_backend(const struct kind *kind, const char *backend, struct err *err)
{
    const char *first = kind->backends[0], *second = kind->backends[1];

    if (!first || strcmp(backend, first) == 0 || (second && strcmp(backend, second) == 0))
        return 0;
    return err_field(err, "dbbackend", first, "%s is built for %s%s%s, not for %s", kind->name, first,
                     second ? " or " : "", second ? second : "", backend);
}

static int check_source(const struct kind *kind, struct dataset_spec *s, bool upload, struct err *err)
{
    const struct image_detail *image = &s->image;
    const char *field = kind->path ? "trainpath" : image->using_text ? "imagedetail.traintextpath"
                                                                     : "imagedetail.trainimagepath";

    if (image->using_text && kind->text && !image->train_text)
        return err_field(err, "imagedetail.traintextpath", "a text file of lines `path label`",
                         "isusingtext is true and traintextpath is missing");
    if ((kind->path && (s->train || s->val || s->test)) || (kind->text && image->train_text) ||
        (kind->images && image->train_images) || (kind->none && !upload))
        return 0;
    if (!upload)
        return err_field(err, field, "a path below a data root", "%s needs %s", kind->name, field);
    *(kind->path ? &s->train : &s->image.train_images) = ".";
    return 0;
}

static int check_percentages(const struct dataset_spec *s, struct err *err)
{
    const struct image_detail *image = &s->image;
    int64_t val = image->val_percentage == INT_UNSET ? 0 : image->val_percentage;
    int64_t test = image->test_percentage == INT_UNSET ? 0 : image->test_percentage;

    if (val && (s->val || image->val_text || image->val_images))
        return err_field(err, "imagedetail.valpercentage", "0 where there are validation data",
                         "the validation data have a path of their own, and are %" PRId64 "%% of the training data too", val);
    if (test && (s->test || image->test_text || image->test_images))
        return err_field(err, "imagedetail.testpercentage", "0 where there are test data",
                         "the test data have a path of their own, and are %" PRId64 "%% of the training data too", test);
    if (val + test >= 100)
        return err_field(err, "imagedetail.valpercentage", "together with testpercentage less than 100",
                         "validation and test take all of the data: nothing is left to train with");
    return 0;
}

int dataset_spec_check(struct dataset_spec *s, bool upload, struct err *err)
{
    const struct kind *kind = find_kind(s->kind);

    for (const struct dataset_path *p = dataset_paths; p->field; p++)
        if (*dataset_path_at(s, p) && !**dataset_path_at(s, p))
            *dataset_path_at(s, p) = NULL;      /* forms send empty texts for what is not used */
    if (check_name(s->name, err) < 0 || check_backend(kind, s->backend, err) < 0 ||
        check_source(kind, s, upload, err) < 0 || check_percentages(s, err) < 0)
        return -1;
    if (strcmp(s->kind, "PLUGIN") == 0 && !s->plugin)
        return err_field(err, "plugin", "a program below a data root", "PLUGIN needs plugin");
    return 0;
}

/* --- states --- */

static const char *const status_names[] = {
    [DATASET_SUBMITTED] = "SUBMITTED", [DATASET_RUNNING] = "RUNNING", [DATASET_FINISHED] = "FINISHED",
    [DATASET_ERROR] = "ERROR",         [DATASET_KILLED] = "KILLED",
};

const char *dataset_status_name(enum dataset_status status) { return status_names[status]; }

bool dataset_is_final(const char *status)
{
    return strcmp(status, "SUBMITTED") != 0 && strcmp(status, "RUNNING") != 0;
}

/* --- the record --- */

static json_t *parse(const char *text, struct mem *mem)
{
    json_t *json = json_loads(text, 0, NULL);

    if (json)
        mem_on_free(mem, (void (*)(void *))json_decref, json);
    return json;
}

int dataset_fill(struct dataset *d, int64_t now_ms, struct mem *mem, struct err *err)
{
    const json_t *spec = parse(d->spec_text, mem);
    const json_t *input = d->input_text ? parse(d->input_text, mem) : NULL;
    struct err why = {0};
    char time[32];

    if (!spec || fields_from_json(dataset_spec_fields, spec, &d->spec, mem, &why) < 0)
        return err_set(err, ERR_INTERNAL, "the stored document of a dataset is damaged: %s", why.text);
    fields_init(dataset_input_fields, &d->input);
    if (input && fields_from_json(dataset_input_fields, input, &d->input, mem, err) < 0)
        return -1;
    d->report = d->report_text ? parse(d->report_text, mem) : NULL;
    report_labels(d->report, "train", mem, &d->train_labels);
    report_labels(d->report, "val", mem, &d->val_labels);
    report_labels(d->report, "test", mem, &d->test_labels);
    d->submitted_time = mem_strdup(mem, clock_local_text(d->created_ms, time));
    d->run_minutes = d->started_ms == INT_UNSET ? NAN
                     : clock_minutes_between(d->started_ms, d->ended_ms == INT_UNSET ? now_ms : d->ended_ms);
    d->size_mb = d->size_bytes == INT_UNSET ? NAN : (double)d->size_bytes / 1e6;
    d->percent = NAN;
    return 0;
}

static void add_member(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_addf(out, ",\"%s\":", name);
    text_add_json(out, value);
}

void dataset_event_json(const struct dataset *d, struct text *out)
{
    text_add(out, "{\"name\":");
    text_add_json(out, d->spec.name);
    add_member(out, "status", d->status);
    add_member(out, "createUser", d->creator);
    add_member(out, "sparkappid", d->exec);
    add_member(out, "message", d->message);
    text_add_char(out, '}');
}
