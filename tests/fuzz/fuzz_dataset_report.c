// SPDX-License-Identifier: Apache-2.0
/* Any bytes as report.json: what is taken from it are absolute paths, and labels with a count each. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "datasets/report.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path) { assert(!path || path[0] == '/'); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct report_outcome outcome;
    struct dataset_input input;
    struct err err = {0};
    struct list labels;
    json_t *summary;

    if (report_read((const char *)data, size, mem, &outcome, &err) < 0) {
        assert(err.kind == ERR_BAD_INPUT && err.text[0]);
        return 0;
    }
    assert(outcome.bytes >= 0);
    summary = json_loads(outcome.summary, 0, NULL);
    report_input(summary, "/set", mem, &input);
    check_path(input.train);
    check_path(input.val_dir);
    check_path(input.mean_file);
    report_labels(summary, "train", mem, &labels);
    for (size_t i = 0; i < labels.n; i++)
        assert(((struct list *)labels.items)[i].n == 2);
    json_decref(summary);
    return 0;
}
