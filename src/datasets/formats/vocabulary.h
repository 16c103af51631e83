// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Words and their numbers: counted first, then ranked, the most frequent first. One thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum { VOCABULARY_PAD, VOCABULARY_UNKNOWN, VOCABULARY_FIRST };      /* numbers; the words "<pad>", "<unk>", then real ones */

struct vocabulary;

/* While counting at most `limit` words are kept: when there are more, the rarest are forgotten, so that memory is bounded. */
struct vocabulary *vocabulary_new(size_t limit);
void vocabulary_free(struct vocabulary *v);
DEFINE_FREEP(vocabulary)

void vocabulary_count(struct vocabulary *v, const char *word, size_t len);

/* Ends the counting: numbers by falling frequency, equal ones in the order of their bytes, `max` real words at most. */
void vocabulary_rank(struct vocabulary *v, size_t max);

/* After vocabulary_rank(): how many numbers there are, the number of a word, and the word of a number. */
size_t vocabulary_size(const struct vocabulary *v);
size_t vocabulary_number(const struct vocabulary *v, const char *word, size_t len);
const char *vocabulary_word(const struct vocabulary *v, size_t number);
