// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ONE_PIECE_PER_BLOCK 1       /* so that ASan sees every overrun */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_PIECE_PER_BLOCK 1
#endif
#endif

enum { BLOCK_SIZE = 4000 /* bytes; with malloc's own header just under a page */ };

struct block {
    struct block *next;
    size_t used, size;      /* bytes of data[] */
    max_align_t data[];
};

struct last_wish {
    struct last_wish *next;
    void (*fn)(void *arg);
    void *arg;
};

struct mem {
    struct block *blocks;   /* the newest first; only it is carved from */
    struct last_wish *wishes;   /* the newest first; lie in the blocks */
};

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p && n && size)
        abort();
    return p;
}

void *xrealloc(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p && size)
        abort();
    return p;
}

char *xstrdup(const char *s)
{
    char *copy = s ? strdup(s) : NULL;

    if (s && !copy)
        abort();
    return copy;
}

struct mem *mem_new(void)
{
    return xcalloc(1, sizeof(struct mem));
}

void mem_free(struct mem *mem)
{
    struct block *b, *next;

    if (!mem)
        return;
    for (struct last_wish *w = mem->wishes; w; w = w->next)
        w->fn(w->arg);
    for (b = mem->blocks; b; b = next) {
        next = b->next;
        free(b);
    }
    free(mem);
}

static struct block *add_block(struct mem *mem, size_t size)
{
    struct block *b = xcalloc(1, sizeof *b + size);

    b->size = size;
    b->next = mem->blocks;
    mem->blocks = b;
    return b;
}

void *mem_alloc(struct mem *mem, size_t size)
{
    struct block *b = mem->blocks;
    void *piece;

#ifdef ONE_PIECE_PER_BLOCK
    b = add_block(mem, size);
#else
    size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (!b || b->size - b->used < size)
        b = add_block(mem, size > BLOCK_SIZE ? size : BLOCK_SIZE);
#endif
    piece = (char *)b->data + b->used;
    b->used += size;
    return piece;
}

void mem_on_free(struct mem *mem, void (*fn)(void *arg), void *arg)
{
    struct last_wish *w = mem_alloc(mem, sizeof *w);

    *w = (struct last_wish){ .next = mem->wishes, .fn = fn, .arg = arg };
    mem->wishes = w;
}

void *mem_dup(struct mem *mem, const void *data, size_t size)
{
    void *copy = mem_alloc(mem, size);

    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *mem_strdup(struct mem *mem, const char *s)
{
    return s ? mem_dup(mem, s, strlen(s) + 1) : NULL;
}

char *mem_strndup(struct mem *mem, const char *s, size_t len)
{
    char *copy = mem_alloc(mem, len + 1);

    memcpy(copy, s, len);
    return copy;
}

char *mem_vprintf(struct mem *mem, const char *fmt, va_list ap)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    text = mem_alloc(mem, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    return text;
}

char *mem_printf(struct mem *mem, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = mem_vprintf(mem, fmt, ap);
    va_end(ap);
    return text;
}
