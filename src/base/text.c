// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void text_done(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

char *text_take(struct text *t)
{
    char *data = t->data ? t->data : xstrdup("");

    *t = (struct text){0};
    return data;
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->data)
        t->data[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static char *grow(struct text *t, size_t more)
{
    if (t->len + more + 1 > t->cap) {
        t->cap = (t->len + more + 1) * 2;
        if (t->cap < 64)
            t->cap = 64;
        t->data = xrealloc(t->data, t->cap);
    }
    return t->data + t->len;
}

void text_add_n(struct text *t, const char *s, size_t len)
{
    char *at = grow(t, len);

    if (len)
        memcpy(at, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s) { text_add_n(t, s, strlen(s)); }
void text_add_char(struct text *t, char c) { text_add_n(t, &c, 1); }

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list ap, again;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    vsnprintf(grow(t, (size_t)len), (size_t)len + 1, fmt, ap);
    va_end(ap);
    t->len += (size_t)len;
}

/* Length of the valid UTF-8 sequence at s, 0 when there is none (RFC 3629, table 3-7 of Unicode). */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t n;

    if (s[0] < 0x80)
        return 1;
    n = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3
      : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    if (s[0] == 0xE0) low = 0xA0;       /* overlong */
    if (s[0] == 0xED) high = 0x9F;      /* surrogates */
    if (s[0] == 0xF0) low = 0x90;       /* overlong */
    if (s[0] == 0xF4) high = 0x8F;      /* above U+10FFFF */
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool text_is_utf8(const char *s, size_t len)
{
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        n = utf8_length((const unsigned char *)s + i, len - i);
        if (n == 0)
            return false;
    }
    return true;
}

static void add_escaped(struct text *t, unsigned char c)
{
    static const char letters[] = "btnvfr";     /* \b is 8, \v has no JSON letter */

    if (c >= 8 && c <= 13 && c != 11) {
        text_add_char(t, '\\');
        text_add_char(t, letters[c - 8]);
    } else {
        text_addf(t, "\\u%04x", c);
    }
}

void text_add_json_n(struct text *t, const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t plain = 0;       /* start of the run not yet copied */
    size_t n;

    text_add_char(t, '"');
    for (size_t i = 0; i < len; i += n) {
        n = utf8_length(u + i, len - i);
        if (n > 0 && u[i] >= 0x20 && u[i] != '"' && u[i] != '\\')
            continue;
        text_add_n(t, s + plain, i - plain);
        if (n == 0) {
            text_add(t, "\xEF\xBF\xBD");
            n = 1;
        } else if (u[i] < 0x20) {
            add_escaped(t, u[i]);
        } else {
            text_add_char(t, '\\');
            text_add_char(t, s[i]);
        }
        plain = i + n;
    }
    text_add_n(t, s + plain, len - plain);
    text_add_char(t, '"');
}

void text_add_json(struct text *t, const char *s)
{
    if (s)
        text_add_json_n(t, s, strlen(s));
    else
        text_add(t, "null");
}

void text_add_int(struct text *t, int64_t v)
{
    char buf[20], *p = buf + sizeof buf;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {        /* by hand: long series are mostly numbers, and printf() formats everything twice */
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0)
        *--p = '-';
    text_add_n(t, p, (size_t)(buf + sizeof buf - p));
}

/* `digits` with a point before the last `decimals` of them, without zeros at the end but for that of 3.0. */
static void print_decimal(bool negative, uint64_t digits, int decimals, char buf[32])
{
    char *p = buf + 31;

    while (decimals > 1 && digits % 10 == 0) {
        digits /= 10;
        decimals--;
    }
    if (decimals == 0) {
        digits *= 10;
        decimals = 1;
    }
    *p = '\0';
    for (; decimals >= 0 || digits > 0; decimals--) {
        *--p = (char)('0' + digits % 10);
        digits /= 10;
        if (decimals == 1)
            *--p = '.';
    }
    if (negative)
        *--p = '-';
    memmove(buf, p, (size_t)(buf + 32 - p));
}

/* The shortest form of most numbers that occur, from 10^-4 to 10^15, as real_to_text() makes it but in whole numbers, in
 * a tenth of the time: |v| is m / (2 half), and m 10^k fits 128 bits. False: not a number for it, nor is a power of two,
 * to which the next lower number is nearer. */
static bool print_plain(double v, char buf[32])
{
    static const double tens[] = { 1e-4, 1e-3, 1e-2, 1e-1, 1,    1e1,  1e2,  1e3,  1e4,  1e5,
                                   1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    double size = fabs(v), part;
    int exponent, at = 0, k;
    unsigned __int128 power = 1, half;
    uint64_t m;

    if (!(size >= tens[0] && size < tens[ARRAY_LEN(tens) - 1]))
        return false;
    part = frexp(size, &exponent);
    if (part == 0.5)
        return false;
    m = (uint64_t)ldexp(part, DBL_MANT_DIG);
    half = (unsigned __int128)1 << (DBL_MANT_DIG - exponent - 1);
    while (size >= tens[at + 1])
        at++;
    for (k = 0; k < 18 - at; k++)   /* decimals of 15 digits */
        power *= 10;
    for (;; k++, power *= 10) {
        unsigned __int128 product = m * power, rest = product & (2 * half - 1);
        uint64_t digits = (uint64_t)(product >> (DBL_MANT_DIG - exponent));

        if (rest > half || (rest == half && digits % 2)) {
            digits++;
            rest = 2 * half - rest;
        }
        if (2 * rest < power || (2 * rest == power && m % 2 == 0)) { /* reads back as v */
            print_decimal(v < 0, digits, k, buf);
            return true;
        }
    }
}

void real_to_text(double v, char buf[32])
{
    int digits = fabs(v) < DBL_MIN ? 1 : 15;

    if (print_plain(v, buf))
        return;
    do {        /* 17 digits always round-trip, and 15 show whatever was written with so few; the
                 * tiny numbers below DBL_MIN hold fewer */
        snprintf(buf, 32, "%.*g", digits, v);
    } while (digits++ < 17 && strtod(buf, NULL) != v);
    if (fabs(v) >= 1e15 && fabs(v) < 1e16)  /* Python goes to exponents at 1e16, %.15g a power earlier */
        snprintf(buf, 32, "%.1f", v);
    if (isfinite(v) && !strpbrk(buf, ".e"))
        snprintf(buf + strlen(buf), 32 - strlen(buf), ".0");
}

void text_add_real(struct text *t, double v)
{
    char buf[32];

    if (!isfinite(v)) {
        text_add(t, "null");
        return;
    }
    real_to_text(v, buf);
    text_add(t, buf);
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_same(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}
