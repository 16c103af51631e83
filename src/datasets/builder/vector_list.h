// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Images and the vectors that belong to them, as text lists have them: a path and numbers on each line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datasets/builder/orders.h"

struct build;
struct err;
struct mem;

/* Cuts a line, without its end, blanks around it and NUL bytes, into a path, which may have blanks, and the numbers after it, each
 * finite, with one blank between them; all in `mem`. How many numbers there are; 0: it is no such line. */
size_t vector_line_read(const char *line, size_t len, struct mem *mem, const char **ret_path, const char **ret_values);

struct vector_item {
    const char *path;               /* as listed */
    const char *values;             /* "0.5 -1 3" */
    uint8_t source;                 /* enum split: whose list it is from */
    uint8_t split;                  /* enum split: where it goes */
};

struct vector_list {
    struct vector_item *items;      /* [n], in the order of the lists, train, val, test; from malloc() */
    size_t n, cap;
    const char *folders[N_SPLITS];  /* where relative paths of each list begin */
    size_t n_values;                /* of every item */
    int64_t n_lines;                /* broken ones included */
};

/* Reads the lists of the orders (image.trainText, else train, and so on) and deals out by their percentages. Lines that
 * cannot be used are broken (broken.h). ERR_BAD_INPUT also when no line is left for training. The caller ends with
 * vector_list_done(), also after a failure. */
int vector_list_make(struct build *b, struct vector_list *ret, struct err *err);
void vector_list_done(struct vector_list *l);

/* The file of an item, links resolved, in `mem`; NULL with a phrase when there is none within the roots. */
const char *vector_list_file(const struct build *b, const struct vector_list *l, const struct vector_item *item, struct mem *mem,
                             struct err *err);
