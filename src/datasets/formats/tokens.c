// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/tokens.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t unicode;

/* The C library always has this locale, whatever the machine is set to. */
static void load_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!unicode)
        abort();
}

/* A character of valid UTF-8 and its bytes. */
static uint32_t char_at(const unsigned char *s, size_t *ret_len)
{
    if (s[0] < 0x80) {
        *ret_len = 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *ret_len = 2;
        return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    }
    if (s[0] < 0xf0) {
        *ret_len = 3;
        return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    }
    *ret_len = 4;
    return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

static size_t put_char(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static bool is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return iswalnum_l((wint_t)c, unicode);
}

static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    return (uint32_t)towlower_l((wint_t)c, unicode);
}

static bool stands_alone(uint32_t c)
{
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) ||
           (c >= 0x20000 && c <= 0x323af);
}

static bool is_apostrophe(uint32_t c) { return c == '\'' || c == 0x2019; }

struct word {
    char text[TOKEN_MAX];
    size_t len;
    bool apostrophe;                /* waits for a letter after it */
    token_fn *fn;
    void *arg;
};

static void end_word(struct word *w)
{
    if (w->len > 0)
        w->fn(w->arg, w->text, w->len);
    w->len = 0;
    w->apostrophe = false;
}

static void add_letter(struct word *w, uint32_t c)
{
    char bytes[4];
    size_t n = put_char(lower(c), bytes);

    if (w->len + w->apostrophe + n > TOKEN_MAX)
        end_word(w);
    if (w->apostrophe)
        w->text[w->len++] = '\'';
    w->apostrophe = false;
    memcpy(w->text + w->len, bytes, n);
    w->len += n;
}

void tokens_each(const char *text, size_t len, token_fn *fn, void *arg)
{
    struct word w = { .fn = fn, .arg = arg };
    size_t n;

    pthread_once(&once, load_unicode);
    for (size_t i = 0; i < len; i += n) {
        uint32_t c = char_at((const unsigned char *)text + i, &n);

        if (stands_alone(c))
            end_word(&w);
        if (is_letter(c))
            add_letter(&w, c);
        else if (is_apostrophe(c) && w.len > 0 && !w.apostrophe)
            w.apostrophe = true;
        else
            end_word(&w);
        if (stands_alone(c))
            end_word(&w);
    }
    end_word(&w);
}
