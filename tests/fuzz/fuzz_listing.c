// SPDX-License-Identifier: Apache-2.0
/* Whatever a text list of images and a labels file hold (the two are divided by a byte 0xFF): they are refused naming the
 * member, or every image has a class and a part. */
#include "datasets/builder/listing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/trainyard-fuzz-XXXXXX";
static bool made;

static void remove_folder(void)
{
    struct err err;

    file_remove_tree(folder, &err);
}

/* A file with these bytes; its folder goes away with the process. */
static const char *file_of(struct mem *mem, const char *name, const uint8_t *data, size_t len)
{
    const char *path;
    struct err err;

    if (!made) {
        if (!mkdtemp(folder))
            abort();
        made = true;
        atexit(remove_folder);
    }
    path = mem_printf(mem, "%s/%s", folder, name);
    if (file_write(path, (const char *)data, len, 0600, &err) < 0)
        abort();
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const uint8_t *middle = memchr(data, 0xFF, size);
    size_t n = middle ? (size_t)(middle - data) : size;
    struct orders o = { .seed = 1, .image = { .text = true, .train_images = "/", .split = "stratified", .val_percentage = 20,
                                              .test_percentage = 30 } };
    const char *root = "/";
    struct build b = { .orders = &o, .mem = mem, .roots = &root, .n_roots = 1 };
    struct listing l;
    struct err err = {0};

    o.image.train_text = file_of(mem, "list", data, n);
    o.image.label_text = middle ? file_of(mem, "labels", middle + 1, size - n - 1) : NULL;
    report_init(&b.report, mem);
    if (listing_make(&b, &l, &err) < 0) {
        if (err.kind != ERR_BAD_INPUT || !err.text[0] || !err.field[0])
            abort();
    } else {
        for (size_t i = 0; i < l.n; i++)
            if (l.items[i].label < 0 || (size_t)l.items[i].label >= l.labels.n || l.items[i].split >= N_SPLITS ||
                !l.items[i].path[0])
                abort();
    }
    listing_done(&l);
    report_done(&b.report);
    return 0;
}
