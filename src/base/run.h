// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Runs a helper program to its end and keeps what it printed. Blocks: for worker threads. For what a user's programs
 * are run by, see shepherd/. */

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct run_call {
    const char *const *argv;    /* NULL-ended; the first is a path */
    const char *const *env;     /* NULL-ended; all it gets */
    const char *cwd;            /* NULL: this program's */
    int64_t limit_ms;           /* then it is killed, with what it has started in its process group */
    int64_t memory_bytes;       /* of its own, without what it maps of files; 0: no limit. None in a build with sanitizers,
                                 * which reserve terabytes */
    size_t output_max;          /* bytes kept of each stream; what comes after is thrown away */
};

struct run_result {             /* starts as {0}; ended by run_result_done() */
    struct text out, err;       /* what it printed */
    int status;                 /* as of waitpid(2) */
    bool timed_out;             /* it was killed at the limit */
    bool cut;                   /* it printed more than output_max */
};

/* ERR_UNAVAILABLE when it cannot be started; everything else is in *ret. */
int run_program(const struct run_call *call, struct run_result *ret, struct err *err);
void run_result_done(struct run_result *r);
