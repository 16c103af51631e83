// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard-dataset show`: a picture of one sample, or a list of some. */

#include <stdbool.h>
#include <stdint.h>

struct err;
struct look;
struct text;

enum { SHOW_SIZE_MAX = 4096, SHOW_COUNT_MAX = 10000 };

/* Appends a JPEG of the sample, its longer side at most `size` pixels; with its boxes drawn when asked. ERR_NOT_FOUND when
 * there is no such sample, ERR_BAD_INPUT when it is no picture. */
int show_sample(const struct look *l, int64_t index, int size, bool boxes, struct text *out, struct err *err);

/* Appends a JSON list of {index, label, path} of the first `count` samples, of one class unless `label` is NULL; label and
 * path are left out when there are none. */
int show_samples(const struct look *l, const char *label, int64_t count, struct text *out, struct err *err);
