// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t url_decode(char *to, const char *from, size_t len, bool plus_is_space)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        int high = from[i] == '%' && i + 2 < len ? hex_digit(from[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(from[i + 2]) : -1;

        if (low >= 0) {
            to[out++] = (char)(high << 4 | low);
            i += 2;
        } else {
            to[out++] = plus_is_space && from[i] == '+' ? ' ' : from[i];
        }
    }
    return out;
}

static int check_text(const char *s, size_t len, const char *what, struct err *err)
{
    if (memchr(s, '\0', len))
        return err_set(err, ERR_BAD_INPUT, "%s contains a NUL byte", what);
    if (!text_is_utf8(s, len))
        return err_set(err, ERR_BAD_INPUT, "%s is not valid UTF-8", what);
    return 0;
}

/* Behind "http://host" when a client sends the absolute form, as to a proxy. */
static const char *skip_origin(const char *target)
{
    const char *rest;

    if (target[0] == '/' || (!text_starts(target, "http://") && !text_starts(target, "https://")))
        return target;
    rest = strchr(strstr(target, "://") + 3, '/');
    return rest ? rest : "/";
}

static void add_segment(struct path *p, const char *at, size_t len)
{
    if (p->n_segments < PATH_SEGMENTS_MAX)
        p->segments[p->n_segments] = (struct segment){ at, len };
    p->n_segments++;
}

int url_path(const char *target, struct mem *mem, struct path *ret, const char **ret_query,
             struct err *err)
{
    const char *from = skip_origin(target);
    size_t len = strcspn(from, "?#");
    char *text = mem_alloc(mem, len + 2), *to = text;

    *ret = (struct path){ .text = text };
    *ret_query = from[len] == '?' ? from + len + 1 : NULL;

    for (size_t i = 0; i < len;) {
        size_t n = strcspn(from + i, "/?#");

        if (n == 0) {
            i++;
            continue;
        }
        *to++ = '/';
        n = url_decode(to, from + i, n, /* plus_is_space= */ false);
        add_segment(ret, to, n);
        to += n;
        i += strcspn(from + i, "/?#");
    }
    if (to == text)
        *to++ = '/';
    ret->len = (size_t)(to - text);
    return check_text(text, ret->len, "the path", err);
}

static int add_pair(const char *text, size_t len, const char *what, struct mem *mem,
                    struct pairs *pairs, struct err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t key_len = equals ? (size_t)(equals - text) : len;
    char *key = mem_alloc(mem, len + 2), *value;
    size_t n;

    n = url_decode(key, text, key_len, /* plus_is_space= */ true);
    if (check_text(key, n, what, err) < 0)
        return -1;
    value = key + key_len + 1;      /* decoding never makes a text longer */
    n = url_decode(value, text + key_len + 1, equals ? len - key_len - 1 : 0, true);
    if (check_text(value, n, what, err) < 0)
        return -1;
    pairs->items[pairs->n++] = (struct pair){ key, value };
    return 0;
}

int url_pairs(const char *text, size_t len, const char *what, struct mem *mem, struct pairs *ret,
              struct err *err)
{
    const char *end = text + len, *next;
    size_t most = 1;

    for (const char *at = text; at < end; at++)
        most += *at == '&';
    *ret = (struct pairs){ .items = mem_alloc(mem, most * sizeof *ret->items) };

    for (const char *at = text; at < end; at = next + 1) {
        next = memchr(at, '&', (size_t)(end - at));
        if (!next)
            next = end;
        if (next > at && add_pair(at, (size_t)(next - at), what, mem, ret, err) < 0)
            return -1;
    }
    return 0;
}

/* Whether the media type of `len` bytes is application/json, text/json or something+json. */
static bool is_json(const char *type, size_t len)
{
    return (len == 16 && strncasecmp(type, "application/json", len) == 0) ||
           (len == 9 && strncasecmp(type, "text/json", len) == 0) ||
           (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

bool accept_wants_json(const char *accept)
{
    while (accept && *accept) {
        size_t len;

        accept += strspn(accept, " \t,");
        len = strcspn(accept, " \t,;");
        if (is_json(accept, len))
            return true;
        if (len >= 5 && strncasecmp(accept, "text/", 5) == 0)
            return false;
        accept += strcspn(accept, ",");
    }
    return false;
}

/* RFC 9110, section 13.1.2: "*", or entity tags with commas between. */
bool etag_matches(const char *header, const char *tag)
{
    const char *at = header ? header : "", *end;
    size_t len = strlen(tag);

    for (;;) {
        at += strspn(at, " \t,");
        if (strcmp(at, "*") == 0)
            return true;
        at += at[0] == 'W' && at[1] == '/' ? 2 : 0;
        end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        if ((size_t)(end - at - 1) == len && memcmp(at + 1, tag, len) == 0)
            return true;
        at = end + 1;
    }
}

enum media media_type(const char *content_type)
{
    size_t len;

    if (!content_type)
        return MEDIA_NONE;
    content_type += strspn(content_type, " \t");
    len = strcspn(content_type, " \t;,");
    if (len == 0)
        return MEDIA_NONE;
    if (is_json(content_type, len))
        return MEDIA_JSON;
    if (strncasecmp(content_type, "text/", 5) == 0)
        return MEDIA_TEXT;
    if (len == 33 && strncasecmp(content_type, "application/x-www-form-urlencoded", len) == 0)
        return MEDIA_URLENCODED;
    if (strncasecmp(content_type, "multipart/", 10) == 0)
        return MEDIA_MULTIPART;
    return MEDIA_OTHER;
}

/* Copies a quoted or bare value; *at is moved behind it. */
static const char *read_value(const char **at, struct mem *mem)
{
    const char *from = *at;
    char *value, *to;

    if (*from != '"') {
        size_t len = strcspn(from, ";");

        *at = from + len;
        while (len && (from[len - 1] == ' ' || from[len - 1] == '\t'))
            len--;
        return mem_strndup(mem, from, len);
    }
    value = to = mem_alloc(mem, strlen(from) + 1);
    for (from++; *from && *from != '"'; from++) {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    return value;
}

const char *header_param(const char *header, const char *name, struct mem *mem)
{
    size_t name_len = strlen(name);
    const char *at = header + strcspn(header, ";");

    while (*at) {
        size_t len;
        bool same;
        const char *value;

        at += strspn(at, "; \t");
        len = strcspn(at, "=; \t");
        same = len == name_len && strncasecmp(at, name, len) == 0;
        at += len;
        at += strspn(at, " \t");
        if (*at != '=') {
            at += strcspn(at, ";");
            continue;
        }
        at++;
        at += strspn(at, " \t");
        value = read_value(&at, mem);
        if (same)
            return value;
        at += strcspn(at, ";");
    }
    return NULL;
}
