// SPDX-License-Identifier: Apache-2.0
#include "tasks/insight_dicts.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_MAX = 400 /* bytes: the longest exact double in decimal has 327 digits and a few signs */ };

struct scan {
    const char *start, *at, *end;
    dict_fn *fn;
    void *arg;
    struct dict_value values[DICTS_VALUES_MAX];
    char names[DICTS_VALUES_MAX][DICTS_NAME_MAX + 1];
    struct text word;           /* the string read last, decoded */
    struct err *err;
};

static void scan_free(struct scan *s)
{
    if (s)
        text_done(&s->word);
    free(s);
}
DEFINE_FREEP(scan)

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool word_is(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

bool number_read(const char *s, size_t len, double *ret)
{
    char copy[NUMBER_MAX + 1], *end;
    size_t sign;

    for (; len && is_blank(s[0]); len--)
        s++;
    for (; len && is_blank(s[len - 1]); len--)
        ;
    sign = len && (s[0] == '-' || s[0] == '+');
    if (word_is(s + sign, len - sign, "nan") || word_is(s + sign, len - sign, "inf") ||
        word_is(s + sign, len - sign, "infinity")) {
        *ret = (s[sign] | 32) == 'n' ? NAN : s[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (len == sign || len > NUMBER_MAX)
        return false;
    for (size_t i = sign; i < len; i++) {
        if (!memchr("0123456789.eE+-", s[i], 15))
            return false;
    }
    memcpy(copy, s, len);
    copy[len] = '\0';
    *ret = strtod(copy, &end);
    return end == copy + len;
}

static int refuse(struct scan *s, const char *what)
{
    int line = 1;

    for (const char *p = s->start; p < s->at; p++)
        line += *p == '\n';
    return err_set(s->err, ERR_BAD_INPUT, "line %d: %s", line, what);
}

static bool skip_blanks(struct scan *s)
{
    while (s->at < s->end && is_blank(*s->at))
        s->at++;
    return s->at < s->end;
}

static bool take(struct scan *s, char c)
{
    if (!skip_blanks(s) || *s->at != c)
        return false;
    s->at++;
    return true;
}

static void add_code_point(struct text *t, unsigned c)
{
    if (c < 0x80) {
        text_add_char(t, (char)c);
    } else if (c < 0x800) {
        text_add_char(t, (char)(0xC0 | c >> 6));
        text_add_char(t, (char)(0x80 | (c & 63)));
    } else {
        text_add_char(t, (char)(0xE0 | c >> 12));
        text_add_char(t, (char)(0x80 | (c >> 6 & 63)));
        text_add_char(t, (char)(0x80 | (c & 63)));
    }
}

/* The \uXXXX at s->at + 1. Halves of a surrogate pair become two replacement characters: metric
 * names beyond the basic plane are not worth more. */
static int read_unicode(struct scan *s)
{
    unsigned c = 0;

    for (int i = 1; i <= 4; i++) {
        char digit = s->at + i < s->end ? s->at[i] : 'x';

        if (!is_digit(digit) && !((digit | 32) >= 'a' && (digit | 32) <= 'f'))
            return refuse(s, "\\u needs four hexadecimal digits");
        c = c << 4 | (unsigned)(is_digit(digit) ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    s->at += 4;
    add_code_point(&s->word, (c >= 0xD800 && c <= 0xDFFF) || c == 0 ? 0xFFFD : c);
    return 0;
}

/* A string in either kind of quotes, decoded into s->word. */
static int read_string(struct scan *s)
{
    static const char escapes[] = "nrtbf", meant[] = "\n\r\t\b\f";
    char quote = *s->at++;

    text_clear(&s->word);
    for (; s->at < s->end && *s->at != quote; s->at++) {
        const char *e;

        if (*s->at != '\\' || s->at + 1 == s->end) {
            text_add_char(&s->word, *s->at);
        } else if (*++s->at == 'u') {
            if (read_unicode(s) < 0)
                return -1;
        } else {
            e = memchr(escapes, *s->at, sizeof escapes - 1);
            text_add_char(&s->word, e ? meant[e - escapes] : *s->at);
        }
    }
    if (s->at == s->end)
        return refuse(s, "a string is not closed");
    s->at++;
    return 0;
}

static int read_bare(struct scan *s, bool *ret_numeric, double *ret)
{
    static const char *const others[] = { "true", "false", "null", "none" };
    const char *from = s->at;
    size_t len;

    while (s->at < s->end && (is_letter(*s->at) || is_digit(*s->at) || strchr("+-._", *s->at)) &&
           *s->at)
        s->at++;
    len = (size_t)(s->at - from);
    if (len && number_read(from, len, ret)) {
        *ret_numeric = true;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (word_is(from, len, others[i]))
            return 0;
    }
    return refuse(s, "a number, a string, a list or an object was expected");
}

/* A list or object whose content is of no interest. */
static int skip_nested(struct scan *s)
{
    char closing[DICTS_DEPTH_MAX];
    int depth = 0;

    do {
        if (!skip_blanks(s))
            return refuse(s, "the text ends inside a list or object");
        if (*s->at == '"' || *s->at == '\'') {
            if (read_string(s) < 0)
                return -1;
            continue;
        }
        if (strchr("[{(", *s->at) && *s->at) {
            if (depth == DICTS_DEPTH_MAX)
                return refuse(s, "lists and objects are nested too deeply");
            closing[depth++] = *s->at == '[' ? ']' : *s->at == '{' ? '}' : ')';
        } else if (strchr("]})", *s->at) && *s->at && closing[--depth] != *s->at) {
            return refuse(s, "brackets do not match");
        }
        s->at++;
    } while (depth);
    return 0;
}

/* Any value; *ret_numeric says whether *ret was set. */
static int read_value(struct scan *s, bool *ret_numeric, double *ret)
{
    *ret_numeric = false;
    if (!skip_blanks(s))
        return refuse(s, "the text ends where a value was expected");
    if (*s->at == '"' || *s->at == '\'') {
        if (read_string(s) < 0)
            return -1;
        *ret_numeric = s->word.len && number_read(s->word.data, s->word.len, ret);
        return 0;
    }
    if (*s->at == '[' || *s->at == '{' || *s->at == '(')
        return skip_nested(s);
    return read_bare(s, ret_numeric, ret);
}

/* The key and value at s->at; counts into the entry when it is a number with a usable name. */
static int read_member(struct scan *s, struct dict_entry *entry)
{
    char *name = s->names[entry->n_values];
    bool numeric, usable;
    double value;

    if (!skip_blanks(s))
        return refuse(s, "the object is not closed");
    if (*s->at != '"' && *s->at != '\'')
        return refuse(s, "a name in quotes was expected");
    if (read_string(s) < 0)
        return -1;
    usable = s->word.len && s->word.len <= DICTS_NAME_MAX &&
             !memchr(s->word.data, '\0', s->word.len) && text_is_utf8(s->word.data, s->word.len);
    if (usable)
        memcpy(name, s->word.data, s->word.len + 1);
    if (!take(s, ':'))
        return refuse(s, "\":\" was expected after a name");
    if (read_value(s, &numeric, &value) < 0)
        return -1;
    if (!usable || !numeric)
        return 0;
    if (strcmp(name, "step") == 0 || strcmp(name, "steps") == 0) {
        entry->step = isfinite(value) ? value : NAN;
    } else if (entry->n_values < DICTS_VALUES_MAX - 1) {
        s->values[entry->n_values++] = (struct dict_value){ name, value };
    }
    return 0;
}

static int read_object(struct scan *s)
{
    struct dict_entry entry = { .step = NAN, .values = s->values };

    s->at++;
    while (!take(s, '}')) {
        if (read_member(s, &entry) < 0)
            return -1;
        if (!take(s, ',') && s->at < s->end && *s->at != '}')
            return refuse(s, "\",\" or \"}\" was expected");
    }
    s->fn(s->arg, &entry);
    return 0;
}

static int read_list(struct scan *s)
{
    bool numeric;
    double value;

    s->at++;
    while (!take(s, ']')) {
        if (!skip_blanks(s))
            return refuse(s, "the list is not closed");
        if (*s->at == '{' ? read_object(s) < 0 : read_value(s, &numeric, &value) < 0)
            return -1;
        if (!take(s, ',') && s->at < s->end && *s->at != ']')
            return refuse(s, "\",\" or \"]\" was expected");
    }
    return 0;
}

int dicts_read(const char *text, size_t len, dict_fn *fn, void *arg, struct err *err)
{
    CLEANUP(scan_freep) struct scan *s = xcalloc(1, sizeof *s);

    s->start = s->at = text;
    s->end = text + len;
    s->fn = fn;
    s->arg = arg;
    s->err = err;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        s->at += 3;
    if (!skip_blanks(s))
        return err_set(err, ERR_BAD_INPUT, "it is empty");
    do {
        if (*s->at != '[' && *s->at != '{')
            return refuse(s, "a list of objects was expected");
        if (*s->at == '[' ? read_list(s) < 0 : read_object(s) < 0)
            return -1;
    } while (skip_blanks(s));
    return 0;
}
