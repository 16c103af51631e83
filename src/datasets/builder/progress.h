// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How far the build is, on standard output: lines that a task's progress and metrics are read from, and one for
 * people, at most one of each a second. One thread. */

#include <stdint.h>

struct progress {
    const char *unit;               /* what is counted: "images", "files", "rows"; borrowed */
    int64_t total, done;
    int64_t start_ns, said_ns;
};

/* `total` may grow later; say so by another call, which goes on counting. */
void progress_start(struct progress *p, const char *unit, int64_t total);

/* `n` more are done, of what `where` ("train") names. */
void progress_add(struct progress *p, const char *where, int64_t n);

/* The last lines, whenever the one before was. */
void progress_end(struct progress *p);
