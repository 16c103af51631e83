// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Request targets and the other small texts of HTTP, taken apart. Nothing here knows libmicrohttpd. */

#include <stdbool.h>
#include <stddef.h>

struct err;
struct mem;

enum { PATH_SEGMENTS_MAX = 24 /* a longer path still matches "{name...}" */ };

struct segment {
    const char *at;         /* decoded; not NUL-terminated */
    size_t len;
};

struct path {
    const char *text;       /* "/a/b": decoded, no doubled and no trailing slash; "/" for the root */
    size_t len;
    struct segment segments[PATH_SEGMENTS_MAX];
    int n_segments;         /* may exceed PATH_SEGMENTS_MAX; only that many are kept */
};

struct pair {               /* "key=value", decoded */
    const char *key;
    const char *value;
};

struct pairs {
    struct pair *items;
    int n;
};

/* Takes the path out of a request target ("/a//b%20c/?x=1", or with "http://host" before it).
 * *ret_query points to the text behind '?' inside `target`, or is NULL. ERR_BAD_INPUT for text that
 * is not UTF-8 or has a NUL byte after decoding. "%" without two hex digits stands for itself. */
int url_path(const char *target, struct mem *mem, struct path *ret, const char **ret_query,
             struct err *err);

/* Decodes "a=1&b=x+y"; a key without '=' has the value "". `what` names the text in the error. */
int url_pairs(const char *text, size_t len, const char *what, struct mem *mem, struct pairs *ret,
              struct err *err);

/* Percent-decodes len bytes to `to` (which may be `from`); returns the length. */
size_t url_decode(char *to, const char *from, size_t len, bool plus_is_space);

/* Whether an Accept header names JSON before any text form; NULL is false. */
bool accept_wants_json(const char *accept);

/* Whether an If-None-Match header names `tag` (which has no quotes), compared weakly, or is "*"; NULL is false. What
 * stands behind the first text that is no entity tag does not count. */
bool etag_matches(const char *header, const char *tag);

/* What a Content-Type says, as far as the server cares. */
enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_TEXT, MEDIA_URLENCODED, MEDIA_MULTIPART, MEDIA_OTHER };

enum media media_type(const char *content_type);        /* NULL and "" are MEDIA_NONE */

/* The value of one parameter of a header such as `form-data; name="x"; filename="y"`, unquoted (a
 * backslash counts only before a quote or a backslash); NULL when absent. */
const char *header_param(const char *header, const char *name, struct mem *mem);
