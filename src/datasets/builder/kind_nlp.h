// SPDX-License-Identifier: Apache-2.0
#pragma once
/* NLP: texts with a class each (labelled.h has the forms) become
 *
 *     csv/<part>/<part>.csv    <class>\<text> on each line, no header; line breaks, tabs, control characters and backslashes
 *                              of a text are blanks
 *     csv/<part>/<part>.ids    the number of the class, and the numbers of the text's words, blanks between them
 *     csv/ctx.txt              the vocabulary: a word on each line, its number is that of the line, from 0: <pad>, <unk>,
 *                              then the words of the training texts, the most frequent first
 *     labels.txt               the classes
 *
 * Words are those of tokens.h. Percentages are drawn from each class by itself, unless the split is `random` or
 * `sequential`. */

#include "datasets/builder/kind.h"

extern const struct kind nlp_kind;
