// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Runs the generator of a site plugin: a program whose last line is {"CMD": "<command line>"}.
 * Lines before that go to the launcher's log. */

#include "base/field.h"

struct err;
struct mem;
struct settings;
struct text;

struct generator_call {
    const struct settings *settings;
    const char *name;   /* file name of the generator */
    const char *python; /* runs a .py whose own interpreter is not on this machine */
    const char *cwd;
    struct list program;    /* const char *: its arguments */
    const char *const *env; /* NULL-ended; all it gets */
    int64_t limit_ms;       /* 0 = 30 s */
};

/* The command split into words, NULL-ended, in `mem`. ERR_UNAVAILABLE, with what the generator
 * printed last, when it is missing, exits with an error, takes longer than the limit or prints no
 * command. */
int generator_run(const struct generator_call *call, struct mem *mem, const char *const **ret,
                  struct text *log, struct err *err);
