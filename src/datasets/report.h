// SPDX-License-Identifier: Apache-2.0
#pragma once
/* report.json of a built dataset, as trainyard-dataset leaves it: written with the rights of a user, so nothing in it
 * is believed before it was checked. Pure. */

#include "base/field.h"
#include "tasks/dataset_input.h"

struct err;
struct mem;
struct text;

enum { REPORT_MAX = 64 << 20 /* bytes */ };

struct report_outcome {
    bool ok;
    const char *error;          /* a sentence; NULL when it went well */
    int64_t bytes;
    const char *summary;        /* JSON: the report without the lists of broken files and duplicates */
};

/* ERR_BAD_INPUT when it is no report. Texts live in `mem`. */
int report_read(const char *text, size_t len, struct mem *mem, struct report_outcome *ret, struct err *err);

/* Where the parts are, from a summary: `dir` is where the dataset now lies, and what the report names relative to it.
 * Members of the report that lead out of it by ".." are left out. */
void report_input(const json_t *summary, const char *dir, struct mem *mem, struct dataset_input *ret);

/* Files of one part ("train"), const char * each, absolute: those that the report names, or the one path of the part,
 * which may be a folder. Empty without such a part. */
struct list report_files(const json_t *summary, const char *part, const char *dir, struct mem *mem);

/* [label, count] of one part, as lists of two texts; items is NULL without such a part or labels. */
void report_labels(const json_t *summary, const char *part, struct mem *mem, struct list *ret);
