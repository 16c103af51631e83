// SPDX-License-Identifier: Apache-2.0
#include "tasks/dataset_input.h"

#include "base/mem.h"

#include <string.h>

enum { VARIABLE_MAX = 64 << 10 /* bytes; the kernel refuses one of 128 KiB */, N_VARIABLES = 7 };

#define D struct dataset_input
const struct field dataset_input_fields[] = {
    { "dir",       TEXT(D, dir),       .doc = "folder with what was built" },
    { "train",     TEXT(D, train),     .doc = "files, comma separated, or the folder" },
    { "val",       TEXT(D, val),       .doc = "the same of the validation part" },
    { "test",      TEXT(D, test),      .doc = "the same of the test part" },
    { "train_dir", TEXT(D, train_dir), .doc = "folder of the training part" },
    { "val_dir",   TEXT(D, val_dir),   .doc = "folder of the validation part" },
    { "test_dir",  TEXT(D, test_dir),  .doc = "folder of the test part" },
    { "labels",    TEXT(D, labels),    .doc = "file with a class name a line" },
    { "mean_file", TEXT(D, mean_file), .doc = "mean.binaryproto" },
    { .type = FIELD_END },
};
#undef D

static void add(const char **items, size_t *n, const char *name, const char *value, const char *instead, struct mem *mem)
{
    if (value && strlen(value) > VARIABLE_MAX)
        value = instead;
    if (value)
        items[(*n)++] = mem_printf(mem, "%s=%s", name, value);
}

struct list dataset_input_env(const struct dataset_input *d, const struct list *more, struct mem *mem)
{
    const char **items = mem_alloc(mem, (N_VARIABLES + more->n) * sizeof *items);
    size_t n = 0;

    add(items, &n, "DATASET", d->name, NULL, mem);
    add(items, &n, "DATASET_DIR", d->dir, NULL, mem);
    add(items, &n, "DATASET_TRAIN", d->train, d->train_dir, mem);
    add(items, &n, "DATASET_VAL", d->val, d->val_dir, mem);
    add(items, &n, "DATASET_TEST", d->test, d->test_dir, mem);
    add(items, &n, "DATASET_LABELS", d->labels, NULL, mem);
    add(items, &n, "DATASET_MEAN_FILE", d->mean_file, NULL, mem);
    if (more->n > 0)
        memcpy(items + n, more->items, more->n * sizeof *items);
    return (struct list){ items, n + more->n };
}
