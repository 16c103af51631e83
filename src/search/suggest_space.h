// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The space that an init of `trainyard suggest` brings, and values as they come in JSON. Pure. */

#include "search/space.h"

struct suggest_param {
    const char *name, *type, *data_type;
    const char *min, *max, *step, *power;   /* numbers, as text: whole ones are exact */
    bool log;
    json_t *values, *value;
};

extern const struct field suggest_param_fields[];

/* `params` is a list of struct suggest_param. ERR_BAD_INPUT says what is wrong with one of them. */
int suggest_space_make(const struct list *params, struct mem *mem, struct space *ret, struct err *err);

/* A JSON number that is a whole one; written with a point or an exponent only within 2^53, where it is exact. */
bool suggest_whole(const json_t *json, int64_t *ret);

/* One value of a parameter's type; `json` NULL: missing. Text is copied to `mem`, borrowed without one.
 * Whether the parameter has this value is not checked. ERR_BAD_INPUT: another type. */
int suggest_value(const struct dimension *d, const json_t *json, struct mem *mem, struct value *ret,
                  struct err *err);
