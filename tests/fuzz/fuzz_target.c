// SPDX-License-Identifier: Apache-2.0
/* Any request target is refused or becomes a clean path that means itself, and its query only text. */
#include "http/url.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const struct path *path)
{
    if (path->text[0] != '/' || strlen(path->text) != path->len ||
        !text_is_utf8(path->text, path->len))
        abort();
    for (int i = 0; i < path->n_segments && i < PATH_SEGMENTS_MAX; i++) {
        const struct segment *s = &path->segments[i];

        if (s->at <= path->text || s->at + s->len > path->text + path->len || s->at[-1] != '/')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *target = mem_strndup(mem, (const char *)data, size);
    struct err err = {0};
    struct path path;
    struct pairs pairs;
    const char *query;

    if (url_path(target, mem, &path, &query, &err) == 0)
        check_path(&path);
    else if (err.kind != ERR_BAD_INPUT)
        abort();
    if (query && url_pairs(query, strlen(query), "the query", mem, &pairs, &err) == 0)
        for (int i = 0; i < pairs.n; i++)
            if (!text_is_utf8(pairs.items[i].key, strlen(pairs.items[i].key)) ||
                !text_is_utf8(pairs.items[i].value, strlen(pairs.items[i].value)))
                abort();
    header_param(target, "name", mem);
    header_param(target, "filename*", mem);
    accept_wants_json(target);
    if (etag_matches(target, "1.1") && !strstr(target, "1.1") && !strchr(target, '*'))
        abort();
    media_type(target);
    return 0;
}
