// SPDX-License-Identifier: Apache-2.0
/* trainyard-dataset: reads what users have and writes data sets. The server starts it as a task of the user, so that it
 * reads and writes with the user's rights. A stop is a signal, which ends it at once: whoever gave the orders removes
 * what was begun. */

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "datasets/builder/build.h"
#include "datasets/builder/orders.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2, ORDERS_SIZE_MAX = 1 << 20 };

static const char usage[] =
    "usage: trainyard-dataset build <orders.json>\n"
    "\n"
    "Builds a data set as the orders say, and writes report.json into it. Ends with 0, with 1 when it could not\n"
    "(the report says why), with 2 when called in another way.\n";

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

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "build") == 0)
        return build(argv[2]);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    fputs(usage, stderr);
    return EXIT_USAGE;
}
