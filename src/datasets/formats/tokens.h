// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The words of a text, in any language that is written with letters: runs of letters and digits (as Unicode has them) in
 * lower case, with apostrophes inside; an ideograph or a kana is a word by itself. Everything else separates. Any thread. */

#include <stddef.h>

enum { TOKEN_MAX = 64 };            /* bytes; the words of longer runs are cut there */

typedef void token_fn(void *arg, const char *word, size_t len);

/* Calls fn for each word of the text, which is valid UTF-8; `word` is valid UTF-8 of 1 to TOKEN_MAX bytes. */
void tokens_each(const char *text, size_t len, token_fn *fn, void *arg);
