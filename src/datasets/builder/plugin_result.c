// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/plugin_result.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"

#include <jansson.h>

enum { LABEL_MAX = 255, SENTENCE_MAX = 400 };       /* bytes */

static const struct field label_fields[] = {
    { "label", TEXT(struct plugin_label, label), .required = true, .min = 1, .max = LABEL_MAX },
    { "count", INT(struct plugin_label, count),  .required = true, .min = 0, .max = -1 },
    { .type = FIELD_END },
};

static const struct field split_fields[] = {
    { "path",    TEXT(struct plugin_split, path), .min = 1, .max = 4096 },
    { "records", INT(struct plugin_split, records), .min = 0, .max = -1 },
    { "labels",  LIST(struct plugin_split, labels, struct plugin_label, label_fields) },
    { .type = FIELD_END },
};

static const struct field broken_fields[] = {
    { "path",   TEXT(struct plugin_broken, path),   .required = true, .min = 1, .max = 4096 },
    { "reason", TEXT(struct plugin_broken, reason), .required = true, .min = 1, .max = SENTENCE_MAX },
    { .type = FIELD_END },
};

static const struct field result_fields[] = {
    { "error",    TEXT(struct plugin_result, error), .min = 1, .max = SENTENCE_MAX },
    { "train",    OBJECT(struct plugin_result, splits[SPLIT_TRAIN], split_fields) },
    { "val",      OBJECT(struct plugin_result, splits[SPLIT_VAL], split_fields) },
    { "test",     OBJECT(struct plugin_result, splits[SPLIT_TEST], split_fields) },
    { "labels",   LIST_OF(struct plugin_result, labels, FIELD_TEXT) },
    { "warnings", LIST_OF(struct plugin_result, warnings, FIELD_TEXT) },
    { "broken",   LIST(struct plugin_result, broken, struct plugin_broken, broken_fields) },
    { .type = FIELD_END },
};

void plugin_result_init(struct plugin_result *r) { fields_init(result_fields, r); }

int plugin_result_read(const char *text, size_t len, struct mem *mem, struct plugin_result *ret, struct err *err)
{
    json_t *json = reader_parse_object(text, len, err);
    struct plugin_result r;
    int result;

    if (!json)
        return -1;
    result = fields_from_json(result_fields, json, &r, mem, err);
    json_decref(json);
    if (result < 0)
        return -1;
    for (int i = 0; i < N_SPLITS; i++)
        if (r.splits[i].path && !path_inside(r.splits[i].path))
            return err_field(err, mem_printf(mem, "%s.path", split_names[i]), "a path below the target folder",
                             "%s leads out of the target folder", r.splits[i].path);
    *ret = r;
    return 0;
}
