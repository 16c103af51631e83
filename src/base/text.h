// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A growing piece of text, and the append-only JSON writer on top of it.
 *
 *     CLEANUP(text_done) struct text t = {0};
 *     text_add(&t, "{\"name\":");
 *     text_add_json(&t, name);
 *
 * `data` is NUL-terminated once anything was added, NULL before. Text may hold NUL bytes; `len`
 * counts them. */

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct text {
    char *data;     /* owned; malloc */
    size_t len;     /* bytes, without the NUL */
    size_t cap;
};

void text_done(struct text *t);
char *text_take(struct text *t);                    /* gives data away ("" when empty); free() it */
void text_clear(struct text *t);                    /* keeps the memory */

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t len);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* JSON values. Invalid UTF-8 becomes U+FFFD, so the output always parses. */
void text_add_json(struct text *t, const char *s);                  /* quoted; NULL gives null */
void text_add_json_n(struct text *t, const char *s, size_t len);
void text_add_int(struct text *t, int64_t v);
void text_add_real(struct text *t, double v);       /* shortest round trip: 0.1, 1e-05, 3.0; NaN and
                                                     * infinities give null */

/* The same shortest form into a buffer of at least 32 bytes, as Python's repr() prints it (a power of
 * two may get a 17th digit that repr() does without; NaN and infinities give nan, inf, -inf). */
void real_to_text(double v, char buf[32]);

bool text_is_utf8(const char *s, size_t len);
bool text_starts(const char *s, const char *prefix);
bool text_same(const char *a, const char *b);       /* ASCII case ignored; NULL equals NULL only */
