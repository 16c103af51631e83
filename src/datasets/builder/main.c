// SPDX-License-Identifier: Apache-2.0
/* trainyard-dataset: reads what users have and writes datasets. The server starts it as a task of the user, so that it
 * reads and writes with the user's rights. A stop is a signal, which ends it at once: whoever gave the orders removes
 * what was begun. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/look.h"
#include "datasets/builder/orders.h"
#include "datasets/builder/show.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXIT_USAGE = 2,
    ORDERS_SIZE_MAX = 1 << 20,
    /* Memory that is freed after each transaction and asked for again in the next is kept: 19,000 instead of 14,000 stored
     * images a second were measured. Larger pieces still go back. */
    KEEP_BYTES = 64 << 20,
    PIECE_BYTES = 4 << 20,
};

static const char usage[] =
    "usage: trainyard-dataset build <orders.json>\n"
    "       trainyard-dataset show <folder> sample --split SPLIT --index N [--size PIXELS] [--boxes]\n"
    "       trainyard-dataset show <folder> samples --split SPLIT [--label CLASS] [--count N]\n"
    "\n"
    "build: builds a dataset as the orders say, and writes report.json into it.\n"
    "show:  a JPEG of a sample of a dataset that was built, or a JSON list of samples, on standard output.\n"
    "Ends with 0, with 1 when it could not and a sentence on standard error, with 2 when called in another way.\n";

static int complain(const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", err->text);
    return EXIT_FAILURE;
}

static int build(const char *path)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text text = {0};
    struct orders orders;
    struct err err = {0};

    if (file_read(path, ORDERS_SIZE_MAX, &text, &err) < 0 || orders_read(text.data, text.len, mem, &orders, &err) < 0 ||
        build_run(&orders, mem, &err) < 0)
        return complain(&err);
    return EXIT_SUCCESS;
}

/* --- show --- */

struct show {
    const char *dir, *what, *split, *label;
    int64_t index, size, count;
    bool boxes;
};

static bool read_number(const char *word, int64_t min, int64_t max, int64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoll(word, &end, 10);
    return errno == 0 && end != word && !*end && *ret >= min && *ret <= max;
}

static bool read_options(int argc, char **argv, struct show *s)
{
    for (int i = 0; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--boxes") == 0) {
            s->boxes = true;
            continue;
        }
        i++;
        if (!value)
            return false;
        if (strcmp(name, "--split") == 0)
            s->split = value;
        else if (strcmp(name, "--label") == 0)
            s->label = value;
        else if (strcmp(name, "--index") == 0 ? !read_number(value, 0, INT64_MAX, &s->index)
                 : strcmp(name, "--size") == 0 ? !read_number(value, 1, SHOW_SIZE_MAX, &s->size)
                 : strcmp(name, "--count") != 0 || !read_number(value, 1, SHOW_COUNT_MAX, &s->count))
            return false;
    }
    return s->split != NULL;
}

static int show(const struct show *s)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text out = {0};
    struct look look;
    struct err err = {0};
    int result = look_open(s->dir, s->split, mem, &look, &err);

    if (result == 0 && strcmp(s->what, "sample") == 0)
        result = show_sample(&look, s->index, (int)s->size, s->boxes, &out, &err);
    else if (result == 0)
        result = show_samples(&look, s->label, s->count, &out, &err);
    if (result < 0)
        return complain(&err);
    return fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, PIECE_BYTES);
    if (argc == 3 && strcmp(argv[1], "build") == 0)
        return build(argv[2]);
    if (argc >= 4 && strcmp(argv[1], "show") == 0) {
        struct show s = { .dir = argv[2], .what = argv[3], .size = 256, .count = 24 };

        if ((strcmp(s.what, "sample") == 0 || strcmp(s.what, "samples") == 0) && read_options(argc - 4, argv + 4, &s))
            return show(&s);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    fputs(usage, stderr);
    return EXIT_USAGE;
}
