// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Looking into what was built: trainyard-dataset reads it, as a process with limits and the rights of the user that
 * built it, because no image and no database of a user is parsed by the server. Blocks: for worker threads. */

#include "base/text.h"

#include <stdint.h>

struct dataset;
struct err;
struct mem;
struct tasks;

enum { SHOW_MS = 20 * 1000, SHOW_OUTPUT_MAX = 32 << 20 /* bytes */, SHOW_MEMORY = 2 << 20 /* KiB */ };

struct show_sample {
    const char *split;          /* "train" */
    int64_t index, size;        /* longer side of the picture in pixels */
    bool boxes;                 /* draw them */
};

/* Appends a JPEG. ERR_NOT_FOUND, with what the program said, when there is no such sample or it cannot be shown;
 * ERR_UNAVAILABLE when the program takes too long or cannot be run. */
int show_sample(const struct tasks *t, const struct dataset *d, const char *dir, const struct show_sample *sample,
                struct mem *mem, struct text *out, struct err *err);

/* Appends a JSON list of {index, label, path?}: up to `count` samples, of one class unless `label` is NULL. Errors as
 * above. */
int show_samples(const struct tasks *t, const struct dataset *d, const char *dir, const char *split, const char *label,
                 int64_t count, struct mem *mem, struct text *out, struct err *err);
