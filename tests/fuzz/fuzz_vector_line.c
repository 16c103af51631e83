// SPDX-License-Identifier: Apache-2.0
/* Any text as a line of a list of vectors: as many numbers as were counted, with single blanks between them. */

#include "datasets/builder/vector_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path, *values, *again_path, *again_values, *line;
    size_t n, blanks = 0;

    if (size > 0 && memchr(data, '\0', size))
        return 0;
    n = vector_line_read((const char *)data, size, mem, &path, &values);
    if (n == 0)
        return 0;
    for (const char *c = values; *c; c++)
        blanks += *c == ' ';
    assert(path[0] && blanks + 1 == n);
    line = mem_printf(mem, "x %s", values);
    assert(vector_line_read(line, strlen(line), mem, &again_path, &again_values) == n);
    assert(strcmp(again_path, "x") == 0 && strcmp(again_values, values) == 0);
    return 0;
}
