// SPDX-License-Identifier: Apache-2.0
/* Whatever the line, it is read or refused with a sentence that names an option; and a secret added behind
 * it is neither echoed nor kept, unless a "--" made it the program's own, and then it is not echoed. */
#include "tasks/args.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#define SECRET "dGhpcyBpcyBhIHNlY3JldA"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(const struct text *line, struct mem *mem, struct args *ret, struct err *err)
{
    if (args_parse(line->data, line->len, mem, ret, err) < 0) {
        if (err->kind != ERR_BAD_INPUT || !err->text[0] || !err->field[0])
            abort();
        return -1;
    }
    if (!ret->framework || !*ret->framework || !text_is_utf8(ret->echo, strlen(ret->echo)))
        abort();
    return 0;
}

/* How many of the words have the secret in them. */
static int secrets_in(const struct list *words)
{
    int n = 0;

    for (size_t i = 0; i < words->n; i++)
        n += strstr(((const char **)words->items)[i], SECRET) != NULL;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text line = {0};
    struct args plain, args;
    struct err err = {0};

    /* The word and the line end stand between, so that no open option or backslash reaches the secret. */
    text_add_n(&line, (const char *)data, size);
    text_add(&line, " x\n");
    if (parse(&line, mem, &plain, &err) < 0)
        return 0;
    text_add(&line, "--jwt-token=" SECRET);
    if (parse(&line, mem, &args, &err) < 0)
        return 0;

    if (strstr(args.echo, SECRET) && !strstr(plain.echo, SECRET))
        abort();
    if (secrets_in(&args.ignored) > secrets_in(&plain.ignored)
        || secrets_in(&args.env) > secrets_in(&plain.env))
        abort();
    if (secrets_in(&args.program) > secrets_in(&plain.program)
        && strcmp(((const char **)args.program.items)[args.program.n - 1], "--jwt-token=" SECRET) != 0)
        abort();
    return 0;
}
