// SPDX-License-Identifier: Apache-2.0
#include "cli/term.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct table {
    int n_columns, n_cells;
    char **cells;
};

bool term_is_live(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

int term_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return 100;
}

static bool has_colours(void)
{
    const char *no = getenv("NO_COLOR");

    return term_is_live() && !(no && *no);
}

const char *term_on(enum term_colour colour)
{
    static const char *const codes[] = {
        [PLAIN] = "", [BOLD] = "\033[1m", [DIM] = "\033[2m", [RED] = "\033[31m",
        [GREEN] = "\033[32m", [YELLOW] = "\033[33m", [BLUE] = "\033[34m",
    };

    return has_colours() ? codes[colour] : "";
}

const char *term_off(void) { return has_colours() ? "\033[0m" : ""; }

enum term_colour term_state_colour(const char *state)
{
    static const struct { const char *state; enum term_colour colour; } colours[] = {
        { "FINISHED", GREEN }, { "RUNNING", BLUE }, { "ERROR", RED }, { "FAILED", RED },
        { "KILLED", YELLOW }, { "STOPPED", YELLOW }, { "RECOVERFAILED", RED },
    };

    for (size_t i = 0; state && i < ARRAY_LEN(colours); i++)
        if (strcmp(colours[i].state, state) == 0)
            return colours[i].colour;
    return PLAIN;
}

struct table *table_new(int n_columns)
{
    struct table *t = xcalloc(1, sizeof *t);

    t->n_columns = n_columns;
    return t;
}

void table_cell(struct table *t, const char *text)
{
    t->cells = xrealloc(t->cells, (size_t)(t->n_cells + 1) * sizeof *t->cells);
    t->cells[t->n_cells++] = xstrdup(text ? text : "-");
}

/* Columns on the screen: bytes that do not continue a UTF-8 sequence. */
static int shown_width(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static bool is_number(const char *s)
{
    char *end;

    strtod(s, &end);
    return end != s && *end == '\0';
}

static void print_cell(const struct table *t, int i, int width)
{
    const char *s = t->cells[i];
    int pad = width - shown_width(s);
    bool heading = i < t->n_columns;
    bool last = i % t->n_columns == t->n_columns - 1;
    enum term_colour colour = heading ? DIM : term_state_colour(s);

    if (!heading && is_number(s))
        printf("%*s%s", pad, "", s);
    else
        printf("%s%s%s%*s", term_on(colour), s, term_off(), last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", stdout);
}

void table_print(struct table *t)
{
    int *widths = xcalloc((size_t)t->n_columns, sizeof *widths);

    for (int i = 0; i < t->n_cells; i++) {
        int width = shown_width(t->cells[i]);

        if (width > widths[i % t->n_columns])
            widths[i % t->n_columns] = width;
    }
    for (int i = 0; i < t->n_cells; i++)
        print_cell(t, i, widths[i % t->n_columns]);
    for (int i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
    free(widths);
    free(t);
}

void term_bar(struct text *out, int64_t done, int64_t total, int width)
{
    int full = total > 0 ? (int)(done * width / total) : 0;

    for (int i = 0; i < width; i++)
        text_add(out, i < full ? "\u2588" : "\u2591");
}

void term_erase(int n_lines)
{
    if (n_lines > 0)
        printf("\033[%dA\r\033[J", n_lines);
}
