// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a person sees: colours when standard output is a terminal and NO_COLOR is unset, tables, a progress bar, and
 * lines that are drawn over. */

#include <stdbool.h>
#include <stdint.h>

struct text;

bool term_is_live(void);        /* standard output is a terminal that can be drawn over */
int term_width(void);           /* columns; 100 when unknown */

enum term_colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, BLUE };
const char *term_on(enum term_colour colour);   /* "" without colours */
const char *term_off(void);
enum term_colour term_state_colour(const char *state);

/* A table: cells are kept until table_print(); the first row is the heading. Numbers stand right. */
struct table;
struct table *table_new(int n_columns);
void table_cell(struct table *t, const char *text);     /* NULL is "-" */
void table_print(struct table *t);                      /* and frees it */

/* [#######.....] 7/12 */
void term_bar(struct text *out, int64_t done, int64_t total, int width);

/* Live lines: erase what was drawn last, print what stays, draw anew. Lines are cut at the width. */
void term_erase(int n_lines);
