// SPDX-License-Identifier: Apache-2.0
/* The words of any text: valid UTF-8, within their limit, and in lower case already. */

#include "datasets/formats/tokens.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { size_t n_words; char last[TOKEN_MAX]; size_t last_len; };

static void see(void *arg, const char *word, size_t len)
{
    struct seen *s = arg;

    assert(len > 0 && len <= TOKEN_MAX && text_is_utf8(word, len));
    assert(word[0] != '\'' && word[len - 1] != '\'');
    memcpy(s->last, word, len);
    s->last_len = len;
    s->n_words++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen all = {0}, again = {0};

    if (!text_is_utf8((const char *)data, size))
        return 0;
    tokens_each((const char *)data, size, see, &all);
    if (all.n_words == 0)
        return 0;
    tokens_each(all.last, all.last_len, see, &again);
    assert(again.n_words == 1 && again.last_len == all.last_len && memcmp(again.last, all.last, all.last_len) == 0);
    return 0;
}
