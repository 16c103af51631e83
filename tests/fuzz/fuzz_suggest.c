// SPDX-License-Identifier: Apache-2.0
/* Whatever lines `trainyard suggest` gets: each is answered by one line that is a JSON object. */
#include "search/suggest.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum { LINES_MAX = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct text *answer)
{
    json_t *json = json_loadb(answer->data, answer->len, 0, NULL);

    if (!json_is_object(json) || memchr(answer->data, '\n', answer->len) != answer->data + answer->len - 1)
        abort();
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line = (const char *)data, *end = line + size;
    struct suggest *s = suggest_new();

    for (int i = 0; i < LINES_MAX && line < end; i++) {
        CLEANUP(text_done) struct text answer = {0};
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((stop ? stop : end) - line);

        suggest_answer(s, line, len, &answer);
        check_answer(&answer);
        line += len + 1;
    }
    suggest_free(s);
    return 0;
}
