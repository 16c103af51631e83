// SPDX-License-Identifier: Apache-2.0
#include "base/reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum { NOTHING = -1 /* what peek() finds at the end */ };

struct reader {
    const char *start, *at, *end;
    int depth;          /* containers open around `at` */
    int n_nests;        /* containers seen so far */
    struct text scratch;
    struct err *err;
};

static json_t *read_value(struct reader *r);

static int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : NOTHING;
}

/* Fills the error with the place of `at`; columns count characters, not bytes. */
static int refuse(struct reader *r, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct reader *r, const char *at, const char *fmt, ...)
{
    size_t line = 1, column = 1;
    char what[200];
    va_list ap;

    for (const char *p = r->start; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            column++;
        }
    }
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(r->err, ERR_BAD_INPUT, "line %zu, column %zu: %s", line, column, what);
}

/* "... is needed here, not <what stands there>". */
static int refuse_here(struct reader *r, const char *needed)
{
    int c = peek(r);

    if (c == NOTHING)
        return refuse(r, r->at, "%s is needed here, but the text ends", needed);
    if (c == '\'')
        return refuse(r, r->at, "%s is needed here, not a quote", needed);
    if (c <= 0x20 || c >= 0x7F)
        return refuse(r, r->at, "%s is needed here, not byte 0x%02X", needed, (unsigned)c);
    return refuse(r, r->at, "%s is needed here, not '%c'", needed, c);
}

static void skip_blanks(struct reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '#') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
            if (r->at == r->end)
                return;
        } else if (*r->at == '\0' || !strchr(" \t\r\n\f\v", *r->at)) {
            return;
        }
    }
}

/* --- text --- */

static int digit_of(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* From min to max digits of the base, -1 when there are fewer. At most 8 digits. */
static int64_t read_digits(struct reader *r, int base, int min, int max)
{
    int64_t v = 0;
    int n = 0;

    while (n < max && digit_of(peek(r)) < base) {
        v = v * base + digit_of(peek(r));
        r->at++;
        n++;
    }
    return n < min ? -1 : v;
}

static void add_utf8(struct text *out, uint32_t c)
{
    if (c < 0x80) {
        text_add_char(out, (char)c);
    } else if (c < 0x800) {
        text_add_char(out, (char)(0xC0 | c >> 6));
        text_add_char(out, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        text_add_char(out, (char)(0xE0 | c >> 12));
        text_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        text_add_char(out, (char)(0x80 | (c & 0x3F)));
    } else {
        text_add_char(out, (char)(0xF0 | c >> 18));
        text_add_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
        text_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
        text_add_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

/* The second half of a pair of \u escapes, or -1. */
static int64_t read_low_surrogate(struct reader *r)
{
    int64_t low;

    if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
        return -1;
    r->at += 2;
    low = read_digits(r, 16, 4, 4);
    return low >= 0xDC00 && low <= 0xDFFF ? low : -1;
}

/* A character given by number: \xE9 \u00e9 \U000000e9 \351. In b'' a number below 256 is a byte. */
static int read_numbered(struct reader *r, char kind, bool bytes, struct text *out)
{
    const char *at = r->at - 2;     /* the backslash */
    int64_t c, low;

    switch (kind) {
    case 'x': c = read_digits(r, 16, 2, 2); break;
    case 'u': c = read_digits(r, 16, 4, 4); break;
    case 'U': c = read_digits(r, 16, 8, 8); break;
    default:
        at = --r->at - 1;
        c = read_digits(r, 8, 1, 3);
        break;
    }
    if (kind == 'u' && c >= 0xD800 && c <= 0xDBFF) {
        low = read_low_surrogate(r);
        c = low < 0 ? c : 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    if (c < 0)
        return refuse(r, at, "the escape \\%c has too few digits", kind);
    if (c == 0)
        return refuse(r, at, "text cannot hold the NUL character");
    if ((c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF)
        return refuse(r, at, "the escape \\%c names no character", kind);
    if (bytes && kind != 'u' && kind != 'U' && c < 256)
        text_add_char(out, (char)c);
    else
        add_utf8(out, (uint32_t)c);
    return 0;
}

/* After the backslash. As in Python, a backslash that starts no escape stands for itself. */
static int read_escape(struct reader *r, bool bytes, struct text *out)
{
    static const char letters[] = "abfnrtv\\'\"/", meant[] = "\a\b\f\n\r\t\v\\'\"/";
    const char *letter;
    char c;

    if (r->at == r->end)
        return 0;       /* the text then lacks its closing quote, which is told */
    c = *r->at++;
    letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        text_add_char(out, meant[letter - letters]);
        return 0;
    }
    if (c == 'x' || c == 'u' || c == 'U' || (c >= '0' && c <= '7'))
        return read_numbered(r, c, bytes, out);
    if (c == '\n')
        return 0;       /* the text goes on in the next line */
    if (c == '\r') {
        r->at += peek(r) == '\n';
        return 0;
    }
    text_add_char(out, '\\');
    r->at--;            /* read like any other character */
    return 0;
}

/* r'': a backslash and what follows, kept as they are. */
static void read_raw_pair(struct reader *r, struct text *out)
{
    text_add_char(out, '\\');
    if (r->at < r->end && *r->at != '\n' && *r->at != '\0')
        text_add_char(out, *r->at++);
}

/* The contents of quotes of either kind, with its prefix, into `out`. */
static int read_text(struct reader *r, struct text *out)
{
    const char *start = r->at, *plain;
    bool raw = false, bytes = false;
    char quote;

    for (; *r->at != '"' && *r->at != '\''; r->at++) {
        raw = raw || *r->at == 'r' || *r->at == 'R';
        bytes = bytes || *r->at == 'b' || *r->at == 'B';
    }
    quote = *r->at++;
    text_clear(out);
    text_add(out, "");
    for (;;) {
        plain = r->at;
        while (r->at < r->end && *r->at != quote && *r->at != '\\' && *r->at != '\n' && *r->at)
            r->at++;
        text_add_n(out, plain, (size_t)(r->at - plain));
        if (r->at == r->end)
            return refuse(r, start, "the text that starts here has no closing %c", quote);
        if (*r->at == '\0')
            return refuse(r, r->at, "text cannot hold the NUL character");
        if (*r->at == '\n')
            return refuse(r, start, "the text that starts here has no closing %c in its line",
                          quote);
        if (*r->at++ == quote)
            break;
        if (raw)
            read_raw_pair(r, out);
        else if (read_escape(r, bytes, out) < 0)
            return -1;
    }
    if (!text_is_utf8(out->data, out->len))
        return refuse(r, start, "the text that starts here is not UTF-8");
    return 0;
}

/* Whether text starts here: a quote, or one or two prefix letters and a quote. */
static bool is_text(const struct reader *r)
{
    const char *p = r->at;

    while (p < r->end && p < r->at + 2 && *p && strchr("uUbBrR", *p))
        p++;
    return p < r->end && (*p == '"' || *p == '\'');
}

/* --- numbers and words --- */

static void skip_digits(struct reader *r)
{
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
}

static json_t *new_real(double v)
{
    if (isfinite(v))
        return json_real(v);
    return json_string(isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
}

static json_t *new_number(const char *digits, bool whole)
{
    long long v;

    errno = 0;
    v = whole ? strtoll(digits, NULL, 10) : 0;
    if (whole && errno == 0)
        return json_integer(v);
    return new_real(strtod(digits, NULL));
}

/* After an optional sign. */
static json_t *read_number(struct reader *r, const char *start)
{
    const char *first = r->at;
    bool whole = true;
    ptrdiff_t n_digits;

    skip_digits(r);
    n_digits = r->at - first;
    if (n_digits > 1 && *first == '0') {
        refuse(r, start, "a number of several digits cannot start with 0");
        return NULL;
    }
    if (peek(r) == '.') {
        whole = false;
        r->at++;
        skip_digits(r);
        n_digits = r->at - first - 1;
    }
    if (n_digits > 0 && (peek(r) == 'e' || peek(r) == 'E')) {
        whole = false;
        r->at++;
        r->at += peek(r) == '+' || peek(r) == '-';
        first = r->at;
        skip_digits(r);
        n_digits = r->at - first;
    }
    if (n_digits == 0) {
        refuse_here(r, "a digit");
        return NULL;
    }
    text_clear(&r->scratch);
    text_add_n(&r->scratch, start, (size_t)(r->at - start));
    r->at += whole && (peek(r) == 'L' || peek(r) == 'l');
    return new_number(r->scratch.data, whole);
}

static json_t *read_word(struct reader *r, char sign)
{
    const char *start = r->at;
    size_t len;

    while (r->at < r->end && ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z')))
        r->at++;
    len = (size_t)(r->at - start);
#define IS(word) (len == sizeof(word) - 1 && memcmp(start, (word), len) == 0)
    if (IS("NaN") || IS("nan"))
        return new_real(NAN);
    if (IS("Infinity") || IS("inf"))
        return new_real(sign == '-' ? -INFINITY : INFINITY);
    if (!sign && (IS("true") || IS("True")))
        return json_true();
    if (!sign && (IS("false") || IS("False")))
        return json_false();
    if (!sign && (IS("null") || IS("None")))
        return json_null();
#undef IS
    if (len == 0)
        refuse_here(r, sign ? "a number" : "a value");
    else
        refuse(r, start, "\"%.*s\" has no meaning here; text needs quotes", (int)(len < 40 ? len : 40),
               start);
    return NULL;
}

static json_t *read_scalar(struct reader *r)
{
    const char *start = r->at;
    char sign = '\0';

    if (is_text(r)) {
        CLEANUP(text_done) struct text t = {0};

        if (read_text(r, &t) < 0)
            return NULL;
        return json_stringn_nocheck(t.data, t.len);
    }
    if (peek(r) == '+' || peek(r) == '-')
        sign = *r->at++;
    if (peek(r) == '.' || (peek(r) >= '0' && peek(r) <= '9'))
        return read_number(r, start);
    return read_word(r, sign);
}

/* --- lists and objects --- */

/* After an item: passes a comma, or stops before `close`. 1 to go on, 0 at the end, -1. */
static int next_item(struct reader *r, char close, bool *ret_comma)
{
    char needed[] = "a comma or  ";

    needed[sizeof needed - 2] = close;
    skip_blanks(r);
    *ret_comma = peek(r) == ',';
    if (*ret_comma) {
        r->at++;
        skip_blanks(r);
    } else if (peek(r) != close) {
        return refuse_here(r, needed);
    }
    return peek(r) != close;
}

/* A list, or a tuple: then (x) is x itself and (x,) a list of one, as in Python. */
static json_t *read_list(struct reader *r, char close)
{
    CLEANUP(json_decrefp) json_t *list = json_array();
    bool comma = true;
    int more;

    skip_blanks(r);
    more = peek(r) != close;
    while (more > 0) {
        json_t *item = read_value(r);

        if (!item)
            return NULL;
        json_array_append_new(list, item);
        more = next_item(r, close, &comma);
    }
    if (more < 0)
        return NULL;
    r->at++;
    if (close == ')' && json_array_size(list) == 1 && !comma)
        return json_incref(json_array_get(list, 0));
    return TAKE(list);
}

static int read_member(struct reader *r, json_t *object)
{
    CLEANUP(text_done) struct text key = {0};
    json_t *value;

    if (!is_text(r))
        return refuse_here(r, "a key in quotes");
    if (read_text(r, &key) < 0)
        return -1;
    skip_blanks(r);
    if (peek(r) != ':')
        return refuse_here(r, "a colon");
    r->at++;
    value = read_value(r);
    if (!value)
        return -1;
    json_object_set_new_nocheck(object, key.data, value);
    return 0;
}

static json_t *read_object(struct reader *r)
{
    CLEANUP(json_decrefp) json_t *object = json_object();
    bool comma;
    int more;

    skip_blanks(r);
    more = peek(r) != '}';
    while (more > 0) {
        if (read_member(r, object) < 0)
            return NULL;
        more = next_item(r, '}', &comma);
    }
    if (more < 0)
        return NULL;
    r->at++;
    return TAKE(object);
}

static json_t *read_value(struct reader *r)
{
    json_t *value;
    int c;

    skip_blanks(r);
    c = peek(r);
    if (c != '{' && c != '[' && c != '(')
        return read_scalar(r);

    if (r->depth == READER_DEPTH_MAX) {
        refuse(r, r->at, "lists and objects are nested more than %d deep", READER_DEPTH_MAX);
        return NULL;
    }
    if (r->n_nests == READER_NESTS_MAX) {
        refuse(r, r->at, "there are more than %d lists and objects", READER_NESTS_MAX);
        return NULL;
    }
    r->depth++;
    r->n_nests++;
    r->at++;
    value = c == '{' ? read_object(r) : read_list(r, c == '[' ? ']' : ')');
    r->depth--;
    return value;
}

static json_t *read_all(struct reader *r)
{
    CLEANUP(json_decrefp) json_t *value = NULL;

    value = read_value(r);
    if (!value)
        return NULL;
    skip_blanks(r);
    if (r->at < r->end) {
        refuse_here(r, "the end");
        return NULL;
    }
    return TAKE(value);
}

json_t *reader_parse(const char *text, size_t len, struct err *err)
{
    struct reader r = { .start = text, .at = text, .end = text + len, .err = err };
    json_t *value;

    if (len > READER_SIZE_MAX) {
        err_set(err, ERR_TOO_LARGE, "%zu bytes of JSON are more than the %d allowed", len,
                READER_SIZE_MAX);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        r.at = r.start = text + 3;
    value = read_all(&r);
    text_done(&r.scratch);
    return value;
}

json_t *reader_parse_object(const char *text, size_t len, struct err *err)
{
    CLEANUP(json_decrefp) json_t *value = reader_parse(text, len, err);

    if (value && !json_is_object(value)) {
        err_set(err, ERR_BAD_INPUT, "line 1, column 1: an object {...} is needed, not %s",
                json_is_array(value) ? "a list" : "a single value");
        return NULL;
    }
    return TAKE(value);
}
