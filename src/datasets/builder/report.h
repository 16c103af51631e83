// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the builder says about a dataset that it built, or why it could not: report.json in the target folder,
 * written last and whole. One thread at a time; text that is given is copied. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "datasets/builder/orders.h"

struct err;
struct mem;

#define REPORT_FILE "report.json"

enum {
    REPORT_LIST_MAX = 1000,         /* broken files and duplicates that are named; more are only counted */
    REPORT_CHANNELS_MAX = 4,
};

struct report_split {
    bool there;
    const char *path;               /* relative to the target, or absolute where data are used in place */
    struct text files;              /* JSON strings, comma-separated: report_file() */
    int64_t records, bytes;
    int64_t *per_label;             /* [n_labels]; NULL: the kind has no labels */
};

struct report {
    struct mem *mem;                /* borrowed; what report_*() copies goes there */
    struct report_split splits[N_SPLITS];
    const char *const *labels;      /* [n_labels] class names; NULL: the kind has none */
    size_t n_labels;
    int64_t height, width, channels;                    /* of every record; INT_UNSET: not all the same */
    int n_means;                    /* values in mean[] and std[]; 0: not known */
    double mean[REPORT_CHANNELS_MAX], std[REPORT_CHANNELS_MAX];    /* 0 to 255; red, green, blue, or grey */
    const char *meanfile;           /* relative to the target; NULL: none */
    double seconds;
    int64_t images;                 /* read, for the speed; 0: not a kind of images */
    int64_t n_broken, n_duplicates, n_same_split;
    struct text broken, duplicates, sizes, warnings;    /* JSON items, comma-separated */
};

void report_init(struct report *r, struct mem *mem);
void report_done(struct report *r);

/* Adds a split, there from now on. `labels` is set before. */
struct report_split *report_split(struct report *r, enum split split, const char *path);
void report_file(struct report_split *s, const char *name);
void report_broken(struct report *r, const char *path, const char *reason);
void report_duplicate(struct report *r, const char *a, const char *b);     /* of two splits */
void report_size(struct report *r, int64_t width, int64_t height, int64_t count);
void report_warn(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The document. `failure` is why the build failed, NULL when it did not. */
void report_text(const struct report *r, const struct orders *o, const struct err *failure, struct text *out);

/* The same into <target>/report.json. */
int report_write(const struct report *r, const struct orders *o, const struct err *failure, struct err *err);
