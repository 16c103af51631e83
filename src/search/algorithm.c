// SPDX-License-Identifier: Apache-2.0
#include "search/algorithm.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

const struct algorithm *const algorithms[] = {
    &random_algorithm, &tpe_algorithm, &bayesian_algorithm, &hyperband_algorithm, &grid_algorithm, &sobol_algorithm,
    &cmaes_algorithm, &asha_algorithm, &bohb_algorithm, &auto_algorithm,
    NULL,
};

const struct field algo_param_fields[] = {
    { "name",  TEXT(struct algo_param, name),  .required = true, .min = 1, .max = 128, .doc = "parameter of the algorithm" },
    { "value", TEXT(struct algo_param, value), .max = SPACE_VALUE_MAX, .doc = "its value, as text" },
    { .type = FIELD_END },
};

const struct field seed_fields[] = {
    { "RandomSeed", INT(struct seed_params, seed), .doc = "same seed, same trials; drawn when absent" },
    { .type = FIELD_END },
};

const struct field resource_fields[] = {
    { "ResourceName",  TEXT(struct resource_params, name), .required = true, .min = 1, .max = SPACE_NAME_MAX,
      .doc = "what trials get more or less of, such as epochs: a key of config.json" },
    { "ResourceValue", INT(struct resource_params, most), .required = true, .min = 1, .max = ALGORITHM_RESOURCE_MAX,
      .doc = "how much of it a trial gets at most" },
    { .type = FIELD_END },
};

const struct algorithm *algorithm_find(const char *name)
{
    for (int i = 0; algorithms[i]; i++)
        if (text_same(algorithms[i]->name, name))
            return algorithms[i];
    return NULL;
}

void algorithm_tell(const struct algorithm *a, struct algorithm_ctx *ctx, const struct outcome *o)
{
    if (a->tell)
        a->tell(ctx, o);
}

static const char *known_name(const struct field *fields, const char *name)
{
    for (; fields->type != FIELD_END; fields++)
        if (text_same(fields->name, name))
            return fields->name;
    return NULL;
}

static void json_freep(json_t **json) { json_decref(*json); }

int algorithm_params(const struct field *fields, const struct list *params, void *ret,
                     struct mem *mem, struct err *err)
{
    CLEANUP(json_freep) json_t *object = json_object();
    const struct algo_param *p = params->items;
    char path[sizeof err->field];

    for (size_t i = 0; i < params->n; i++) {
        const char *name = known_name(fields, p[i].name);

        if (name && p[i].value)
            json_object_set_new(object, name, json_string(p[i].value));
    }
    fields_init(fields, ret);
    if (fields_from_json(fields, object, ret, mem, err) == 0)
        return 0;
    snprintf(path, sizeof path, "algoDef.algoParams.%.40s", err->field);
    snprintf(err->field, sizeof err->field, "%s", path);
    return -1;
}
