// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/orders.h"

#include "base/err.h"
#include "base/reader.h"

#include <math.h>

#include <jansson.h>

enum {
    SIDE_MAX = 65535,               /* pixels, as of an image that is read */
    SHARDS_MAX = 10000,
    THREADS_MAX = 256,
};

const char *const split_names[N_SPLITS] = { "train", "val", "test" };

static const struct field image_fields[] = {
    { "text",           BOOLEAN(struct image_orders, text) },
    { "trainText",      TEXT(struct image_orders, train_text) },
    { "valText",        TEXT(struct image_orders, val_text) },
    { "testText",       TEXT(struct image_orders, test_text) },
    { "labelText",      TEXT(struct image_orders, label_text) },
    { "trainImages",    TEXT(struct image_orders, train_images) },
    { "valImages",      TEXT(struct image_orders, val_images) },
    { "testImages",     TEXT(struct image_orders, test_images) },
    { "type",           TEXT(struct image_orders, type), ALLOWED("color", "grayscale") },
    { "height",         INT(struct image_orders, height), .min = 1, .max = SIDE_MAX, .unit = "pixels" },
    { "width",          INT(struct image_orders, width),  .min = 1, .max = SIDE_MAX, .unit = "pixels" },
    { "resize",         TEXT(struct image_orders, resize), ALLOWED("squash", "crop", "fill", "half_crop") },
    { "valPercentage",  INT(struct image_orders, val_percentage),  .max = 100 },
    { "testPercentage", INT(struct image_orders, test_percentage), .max = 100 },
    { "split",          TEXT(struct image_orders, split), ALLOWED("hold-out", "random", "sequential", "stratified") },
    { .type = FIELD_END },
};

static const struct field orders_fields[] = {
    { "version",   INT(struct orders, version), .required = true, .min = ORDERS_VERSION_READ, .max = ORDERS_VERSION_READ },
    { "name",      TEXT(struct orders, name),    .required = true, .min = 1, .max = 255 },
    { "kind",      TEXT(struct orders, kind),    .required = true, .min = 1, .max = 64 },
    { "backend",   TEXT(struct orders, backend), .required = true, .min = 1, .max = 64 },
    { "target",    TEXT(struct orders, target),  .required = true, .min = 1, .max = 4096 },
    { "roots",     LIST_OF(struct orders, roots, FIELD_TEXT), .required = true, .min = 1, .max = 1000 },
    { "train",     TEXT(struct orders, train) },
    { "val",       TEXT(struct orders, val) },
    { "test",      TEXT(struct orders, test) },
    { "meanfile",  TEXT(struct orders, meanfile) },
    { "labels",    TEXT(struct orders, labels) },
    { "image",     OBJECT(struct orders, image, image_fields) },
    { "shards",    INT(struct orders, shards), .min = 1, .max = SHARDS_MAX },
    { "byclass",   BOOLEAN(struct orders, byclass) },
    { "encoded",   BOOLEAN(struct orders, encoded) },
    { "plugin",    TEXT(struct orders, plugin) },
    { "copy",      BOOLEAN(struct orders, copy) },
    { "seed",      INT(struct orders, seed), .max = 1LL << 53 },
    { "maxBroken", REAL(struct orders, max_broken), .max = 1 },
    { "threads",   INT(struct orders, threads), .min = 1, .max = THREADS_MAX },
    { "python",    TEXT(struct orders, python) },
    { .type = FIELD_END },
};

static void default_int(int64_t *v, int64_t otherwise)
{
    if (*v == INT_UNSET)
        *v = otherwise;
}

static void default_text(const char **v, const char *otherwise)
{
    if (!*v)
        *v = otherwise;
}

static int check_percentages(const struct orders *o, struct err *err)
{
    static const char *const fields[N_SPLITS] = { NULL, "image.valPercentage", "image.testPercentage" };
    const int64_t percentages[N_SPLITS] = { 0, o->image.val_percentage, o->image.test_percentage };

    for (int i = 0; i < N_SPLITS; i++)
        if (percentages[i] && (orders_source(o, i) || orders_list(o, i) || orders_images(o, i)))
            return err_field(err, fields[i], "0 where the part has a source of its own",
                             "the %s data have a source of their own, and are %lld%% of the training data too", split_names[i],
                             (long long)percentages[i]);
    if (percentages[SPLIT_VAL] + percentages[SPLIT_TEST] > 100)
        return err_field(err, fields[SPLIT_TEST], "validation and test percentages of at most 100 together",
                         "%lld%% for validation and %lld%% for tests are more than all", (long long)percentages[SPLIT_VAL],
                         (long long)percentages[SPLIT_TEST]);
    return 0;
}

int orders_read(const char *text, size_t len, struct mem *mem, struct orders *ret, struct err *err)
{
    json_t *json = reader_parse_object(text, len, err);
    int result;

    if (!json)
        return -1;
    result = fields_from_json(orders_fields, json, ret, mem, err);
    json_decref(json);
    if (result < 0)
        return -1;

    default_text(&ret->image.type, "color");
    default_text(&ret->image.resize, "squash");
    default_text(&ret->image.split, "hold-out");
    default_int(&ret->image.val_percentage, 0);
    default_int(&ret->image.test_percentage, 0);
    default_int(&ret->shards, 1);
    default_int(&ret->seed, 1);
    if (isnan(ret->max_broken))
        ret->max_broken = 0;
    return check_percentages(ret, err);
}

const char *orders_source(const struct orders *o, enum split split)
{
    return (const char *const[]){ o->train, o->val, o->test }[split];
}

const char *orders_list(const struct orders *o, enum split split)
{
    return (const char *const[]){ o->image.train_text, o->image.val_text, o->image.test_text }[split];
}

const char *orders_images(const struct orders *o, enum split split)
{
    return (const char *const[]){ o->image.train_images, o->image.val_images, o->image.test_images }[split];
}
