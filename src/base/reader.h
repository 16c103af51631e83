// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The tolerant reader: JSON, the JSON superset that notebooks send, and Python literals, as one
 * grammar. Strings in single or double quotes with JSON and Python escapes, prefixes u U b r,
 * True/False/None, NaN and infinities, numbers with +, trailing dot, trailing L, tuples as lists,
 * trailing commas, # comments, a byte order mark. A backslash before a line break inside a string joins
 * the lines; one that starts no escape stands for itself. Strict JSON is read the same, but for the
 * NUL character, which no text may hold. Takes time in proportion to the length. */

#include <jansson.h>
#include <stddef.h>

struct err;

enum {
    READER_DEPTH_MAX = 64,          /* nested lists and objects */
    READER_NESTS_MAX = 250000,      /* lists and objects in all: each costs some 200 bytes of memory */
    READER_SIZE_MAX  = 16 << 20,    /* bytes; above: ERR_TOO_LARGE */
};

/* A new value (the caller owns it), or NULL with ERR_BAD_INPUT naming line and column, both from 1.
 * Non-finite numbers become a json_string "NaN", "Infinity" or "-Infinity", as jansson has no such
 * numbers; integers beyond 64 bits become reals. Duplicate keys: the last wins. Text must be UTF-8. */
json_t *reader_parse(const char *text, size_t len, struct err *err);

/* The same, refusing anything but an object at the top. */
json_t *reader_parse_object(const char *text, size_t len, struct err *err);
