// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

struct splitter {
    const char *line;
    size_t len, at;
    const char *mark;
    size_t mark_len;
    bool no_double, no_single; /* an opening quote was not closed, so no later one is either; this
                                * keeps a line of lone quotes from being searched again and again */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* Bytes of the double quote or its mark at `at`; 0 when there is none. */
static size_t double_quote(const struct splitter *s, size_t at)
{
    if (s->line[at] == '"')
        return 1;
    if (s->mark_len > 0 && s->len - at >= s->mark_len &&
        memcmp(s->line + at, s->mark, s->mark_len) == 0)
        return s->mark_len;
    return 0;
}

/* Bytes of the line end at `at`, 0 at the end of the text; -1 when it is something else. */
static int line_end(const struct splitter *s, size_t at)
{
    if (at == s->len)
        return 0;
    if (s->line[at] == '\n')
        return 1;
    return s->line[at] == '\r' && at + 1 < s->len && s->line[at + 1] == '\n' ? 2 : -1;
}

/* What a backslash at s->at makes, added to `out`. */
static void take_backslash(struct splitter *s, bool quoted, struct text *out)
{
    int eol = line_end(s, s->at + 1);
    char next;

    if (eol >= 0) {
        s->at += 1 + (size_t)eol;
        return;
    }
    next = s->line[s->at + 1];
    if (quoted && !strchr("\"\\$`", next))
        text_add_char(out, '\\');
    text_add_char(out, next);
    s->at += 2;
}

/* Takes a double-quoted piece whose quote of `open` bytes stands at s->at; false, taking nothing,
 * when it is never closed. */
static bool take_double(struct splitter *s, size_t open, struct text *out)
{
    size_t was = s->at, had = out->len, close;

    if (s->no_double)
        return false;
    for (s->at += open; s->at < s->len;) {
        close = double_quote(s, s->at);
        if (close > 0) {
            s->at += close;
            return true;
        }
        if (s->line[s->at] == '\\')
            take_backslash(s, /* quoted= */ true, out);
        else
            text_add_char(out, s->line[s->at++]);
    }
    s->no_double = true;
    s->at = was;
    out->len = had;
    return false;
}

static bool take_single(struct splitter *s, struct text *out)
{
    const char *from = s->line + s->at + 1;
    const char *close = s->no_single ? NULL : memchr(from, '\'', s->len - s->at - 1);

    if (!close) {
        s->no_single = true;
        return false;
    }
    text_add_n(out, from, (size_t)(close - from));
    s->at = (size_t)(close - s->line) + 1;
    return true;
}

/* One step inside a word: a quoted piece, an escape, or a character. True when it made part of a
 * word, be it an empty one (""); false for a continued line, which makes none. */
static bool take_piece(struct splitter *s, struct text *out)
{
    size_t open = double_quote(s, s->at);
    char c = s->line[s->at];

    if (open > 0 && take_double(s, open, out))
        return true;
    if (c == '\'' && take_single(s, out))
        return true;
    if (c == '\\') {
        bool continued = line_end(s, s->at + 1) >= 0;

        take_backslash(s, /* quoted= */ false, out);
        return !continued;
    }
    open = open > 0 ? open : 1;
    text_add_n(out, s->line + s->at, open);
    s->at += open;
    return true;
}

/* The next word; false at the end. */
static bool next_word(struct splitter *s, struct mem *mem, struct text *piece, struct word *ret)
{
    bool any = false;
    size_t start = s->at;

    text_clear(piece);
    while (s->at < s->len) {
        if (!is_blank(s->line[s->at])) {
            any = take_piece(s, piece) || any;
            continue;
        }
        if (any)
            break;
        start = ++s->at;
    }
    if (any)
        *ret = (struct word){ .text = mem_strndup(mem, piece->len ? piece->data : "", piece->len),
                              .start = start,
                              .end = s->at };
    return any;
}

static void add_word(struct list *list, size_t *room, struct mem *mem, const struct word *word)
{
    if (list->n == *room) {
        struct word *grown = mem_alloc(mem, (*room * 2 + 16) * sizeof *grown);

        if (list->n > 0)
            memcpy(grown, list->items, list->n * sizeof *grown);
        list->items = grown;
        *room = *room * 2 + 16;
    }
    ((struct word *)list->items)[list->n++] = *word;
}

int words_split(const char *line, size_t len, const char *mark, size_t max, struct mem *mem,
                struct list *ret, struct err *err)
{
    struct splitter s = {
        .line = line, .len = len, .mark = mark, .mark_len = mark ? strlen(mark) : 0
    };
    CLEANUP(text_done) struct text piece = {0};
    struct list words = {0};
    struct word word;
    size_t room = 0;

    if (len > 0 && memchr(line, '\0', len))
        return err_set(err, ERR_BAD_INPUT, "the command line has a NUL byte");
    if (!text_is_utf8(line, len))
        return err_set(err, ERR_BAD_INPUT, "the command line is not valid UTF-8");

    while (next_word(&s, mem, &piece, &word)) {
        if (words.n == max)
            return err_set(err, ERR_BAD_INPUT, "the command line has more than %zu words", max);
        add_word(&words, &room, mem, &word);
    }
    *ret = words;
    return 0;
}
