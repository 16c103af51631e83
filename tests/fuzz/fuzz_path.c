// SPDX-License-Identifier: Apache-2.0
/* What the three judges of names promise, checked against a plain walk over the parts. */
#include "base/files.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name)
{
    size_t len = strlen(name);

    if (!path_name_ok(name))
        return;
    check(len >= 1 && len <= 255 && text_is_utf8(name, len));
    check(strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/'));
    for (size_t i = 0; i < len; i++)
        check((unsigned char)name[i] >= 0x20 && name[i] != 0x7F);
    check(path_inside(name));
}

/* Where following the path part by part would end, as the kernel does it: folders below the start,
 * or -1 as soon as it is above. */
static int walk(const char *path)
{
    CLEANUP(freep) char *copy = strdup(path);
    char *saved = NULL;
    int depth = 0;

    for (char *part = strtok_r(copy, "/", &saved); part; part = strtok_r(NULL, "/", &saved)) {
        if (strcmp(part, "..") == 0)
            depth--;
        else if (strcmp(part, ".") != 0)
            depth++;
        if (depth < 0)
            return -1;
    }
    return depth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *path = malloc(size + 1);
    const char *base;

    memcpy(path, data, size);
    path[size] = '\0';
    base = path_base(path);
    check(base >= path && base <= path + strlen(path));
    check(!strchr(base, '/') && !strchr(base, '\\'));
    check(base == path || base[-1] == '/' || base[-1] == '\\');
    check_name(path);
    check_name(base);
    if (path_inside(path))
        check(path[0] != '/' && walk(path) > 0 && !strstr(path, "/../"));
    return 0;
}
