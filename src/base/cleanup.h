// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Scope-bound release, and explicit hand-over of ownership. */

#include <stdlib.h>
#include <unistd.h>

/* Runs fn(&var) when var leaves its scope, on every path out of the function. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Gives the pointer away: yields it and leaves NULL behind, so that CLEANUP() skips it. */
#define TAKE(ptr) __extension__({ __typeof__(ptr) taken_ = (ptr); (ptr) = NULL; taken_; })

/* Gives the descriptor away: yields it and leaves -1 behind. */
#define TAKE_FD(fd) __extension__({ int taken_ = (fd); (fd) = -1; taken_; })

/* From thing_free(struct thing *), which must accept NULL, makes thing_freep() for CLEANUP(). */
#define DEFINE_FREEP(name) \
    static inline void name##_freep(struct name **p) { name##_free(*p); }

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* For memory from malloc(): CLEANUP(freep) char *s = strdup(...) */
static inline void freep(void *p) { free(*(void **)p); }
