// SPDX-License-Identifier: Apache-2.0
#include "datasets/orders.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "datasets/dataset.h"
#include "datasets/roots.h"

#include <math.h>
#include <string.h>

#define MAX_BROKEN_DEFAULT 0.05

static void add_key(struct text *out, const char *name)
{
    if (out->data[out->len - 1] != '{')
        text_add_char(out, ',');
    text_addf(out, "\"%s\":", name);
}

static void add_text(struct text *out, const char *name, const char *value)
{
    add_key(out, name);
    text_add_json(out, value);
}

static void add_int(struct text *out, const char *name, int64_t value, int64_t absent)
{
    add_key(out, name);
    if (value == INT_UNSET && absent == INT_UNSET)
        text_add(out, "null");
    else
        text_add_int(out, value == INT_UNSET ? absent : value);
}

static void add_bool(struct text *out, const char *name, bool value)
{
    add_key(out, name);
    text_add(out, value ? "true" : "false");
}

/* The word of the orders for a word of the API. */
static const char *translate(const char *word, const char *absent)
{
    static const char *const words[][2] = { { "Color", "color" },   { "Grayscale", "grayscale" },
                                            { "Squash", "squash" }, { "Crop", "crop" },
                                            { "Fill", "fill" },     { "HalfCropHalfFill", "half_crop" } };

    for (size_t i = 0; word && i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i][0]) == 0)
            return words[i][1];
    return word ? word : absent;
}

static void add_image(struct text *out, const struct image_detail *image)
{
    add_key(out, "image");
    text_add_char(out, '{');
    add_bool(out, "text", image->using_text);
    add_text(out, "trainText", image->train_text);
    add_text(out, "valText", image->val_text);
    add_text(out, "testText", image->test_text);
    add_text(out, "labelText", image->label_text);
    add_text(out, "trainImages", image->train_images);
    add_text(out, "valImages", image->val_images);
    add_text(out, "testImages", image->test_images);
    add_text(out, "type", translate(image->type, "color"));
    add_int(out, "height", image->height, INT_UNSET);
    add_int(out, "width", image->width, INT_UNSET);
    add_text(out, "resize", translate(image->resize, "squash"));
    add_int(out, "valPercentage", image->val_percentage, 0);
    add_int(out, "testPercentage", image->test_percentage, 0);
    add_text(out, "split", translate(image->split, "hold-out"));
    text_add_char(out, '}');
}

static void add_roots(struct text *out, const struct settings *s, const char *upload, struct mem *mem)
{
    const struct list roots = roots_configured(s, mem);
    const char *const *items = roots.items;

    add_key(out, "roots");
    text_add_char(out, '[');
    for (size_t i = 0; i < roots.n; i++) {
        text_add(out, i ? "," : "");
        text_add_json(out, items[i]);
    }
    if (upload) {
        text_add_char(out, ',');
        text_add_json(out, upload);
    }
    text_add_char(out, ']');
}

int orders_write(const struct settings *s, const struct dataset_spec *spec, const struct orders_place *place,
                 struct mem *mem, struct text *out, struct err *err)
{
    struct dataset_spec real = *spec;

    for (const struct dataset_path *p = dataset_paths; p->field; p++) {
        const char **path = dataset_path_at(&real, p);

        if (*path && roots_resolve(s, place->upload, p->field, *path, mem, path, err) < 0)
            return -1;
    }
    text_add(out, "{\"version\":1");
    add_text(out, "name", real.name);
    add_text(out, "kind", real.kind);
    add_text(out, "backend", real.backend);
    add_text(out, "target", place->target);
    add_roots(out, s, place->upload, mem);
    add_text(out, "train", real.train);
    add_text(out, "val", real.val);
    add_text(out, "test", real.test);
    add_text(out, "meanfile", real.mean_file);
    add_text(out, "labels", real.labels);
    add_image(out, &real.image);
    add_int(out, "shards", real.shards, 1);
    add_bool(out, "byclass", real.by_class);
    add_bool(out, "encoded", real.encoded);
    add_text(out, "plugin", real.plugin);
    add_bool(out, "copy", real.copy || place->upload);
    add_int(out, "seed", real.seed, 0);
    add_key(out, "maxBroken");
    text_add_real(out, isnan(real.max_broken) ? MAX_BROKEN_DEFAULT : real.max_broken);
    add_int(out, "threads", place->threads, 1);
    add_text(out, "python", s->python);
    text_add_char(out, '}');
    return 0;
}
