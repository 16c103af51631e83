// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A finished dataset as those see it that read it: where its parts are. The rows are made by the room datasets/, which
 * stands above; tasks and what stands beside it find them here. */

#include "base/field.h"

struct db;
struct err;
struct mem;

struct dataset_input {
    const char *name;
    const char *dir;                    /* what the server keeps of it: <data>/datasets/<name> */
    const char *train, *val, *test;     /* files, comma separated, or a folder; NULL: it has no such part */
    const char *train_dir, *val_dir, *test_dir;     /* the folder that holds each part; NULL likewise */
    const char *labels;                 /* a class name a line; NULL: it has no classes */
    const char *mean_file;              /* mean.binaryproto; NULL: none */
};

extern const struct field dataset_input_fields[];   /* as stored, and as in the record of a dataset */

/* By name, as `user` may read it (NULL: as an administrator): their own, or shared. ERR_BAD_INPUT with field
 * "--msd-dataset" when there is none such, or it is not FINISHED. */
int dataset_input_find(struct db *db, const char *name, const char *user, struct mem *mem, struct dataset_input *ret,
                       struct err *err);

/* ERR_CONFLICT unless it is FINISHED and not being deleted: asked in the change that stores a task reading it, so that
 * nothing is deleted under a task. */
int dataset_input_check(struct db *db, const char *name, struct err *err);

/* NAME=VALUE texts for its program, and after them those of `more`: DATASET, DATASET_DIR, and where there are such
 * parts DATASET_TRAIN, DATASET_VAL, DATASET_TEST, DATASET_LABELS, DATASET_MEAN_FILE. A list of files longer than a
 * variable may be (64 KiB) is replaced by their folder. */
struct list dataset_input_env(const struct dataset_input *d, const struct list *more, struct mem *mem);
