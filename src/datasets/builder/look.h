// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Looking into a dataset that was built: what report.json says about one split, and its samples. One thread. */

#include <stddef.h>
#include <stdint.h>

struct err;
struct kind;
struct mem;

struct look {
    struct mem *mem;                    /* everything here lives in it */
    const struct kind *kind;
    const char *backend;                /* as in the orders */
    const char *split;                  /* "train", "val", "test" */
    const char *dir;                    /* the folder of the dataset */
    const char *path;                   /* of the split's data, absolute unless `dir` is relative */
    const char **files;                 /* [n_files] below `path`, in order */
    size_t n_files;
    const char **labels;                /* [n_labels] */
    size_t n_labels;
};

/* ERR_NOT_FOUND: no such split; ERR_BAD_INPUT: no dataset, or one that could not be built. */
int look_open(const char *dir, const char *split, struct mem *mem, struct look *ret, struct err *err);

/* The name of a class, or its number, written into `number`, where it has none. */
const char *look_label(const struct look *l, int64_t label, char number[24]);

struct box {
    const char *label;
    int left, top, right, bottom;       /* pixels of the image, from 0; right and bottom are still inside */
};

/* One sample; everything is borrowed for the call. Its picture is the image file `file` when that is set, else the bytes of
 * an image file when `encoded`, else pixels. */
struct sample {
    int64_t index;
    const char *label;                  /* NULL: none */
    const char *path;                   /* where it came from, or NULL */
    const char *file;
    const uint8_t *data;
    size_t len;
    enum { SAMPLE_ENCODED, SAMPLE_ROWS /* red, green, blue */, SAMPLE_PLANES /* blue, green, red */ } form;
    int64_t width, height, channels;    /* of pixels, as the record says: not checked */
    const struct box *boxes;
    size_t n_boxes;
};

typedef int sample_fn(void *arg, const struct sample *s, struct err *err);     /* 0: go on, 1: enough, -1: failed */

/* struct kind's each() for LMDB and TFRecord files. */
int look_records(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err);

/* The same for image files below a folder; the class is the folder that a file lies in, if any. Other files are passed
 * over and not counted. */
int look_folder(const struct look *l, int64_t from, sample_fn *fn, void *arg, struct err *err);
