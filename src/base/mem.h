// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Memory that lives exactly as long as one piece of work, a request for example. Nothing is freed
 * singly: mem_free() releases it all. Running out of memory ends the process (there is no sane
 * reply to give), so callers never check; sizes that come from users are bounded before.
 * One thread at a time may use a struct mem. */

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct mem;

struct mem *mem_new(void);
void mem_free(struct mem *mem);                     /* NULL is fine */
DEFINE_FREEP(mem)

void *mem_alloc(struct mem *mem, size_t size);      /* zeroed, aligned for any type */
void *mem_dup(struct mem *mem, const void *data, size_t size);
char *mem_strdup(struct mem *mem, const char *s);   /* NULL gives NULL */
char *mem_strndup(struct mem *mem, const char *s, size_t len);
char *mem_printf(struct mem *mem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *mem_vprintf(struct mem *mem, const char *fmt, va_list ap);

/* Runs fn(arg) in mem_free(), newest first, before any piece is released. */
void mem_on_free(struct mem *mem, void (*fn)(void *arg), void *arg);

/* malloc() and friends that end the process instead of returning NULL; free() releases. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);                       /* NULL gives NULL */
