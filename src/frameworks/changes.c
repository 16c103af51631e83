// SPDX-License-Identifier: Apache-2.0
#include "frameworks/changes.h"

#include "base/clock.h"

#include <sys/inotify.h>
#include <unistd.h>

enum {
    UNTOLD_MAX_MS = 1000,
    WATCHED = IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY | IN_MOVE | IN_MOVE_SELF,
};

void changes_init(struct changes *c)
{
    *c = (struct changes){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
}

void changes_done(struct changes *c)
{
    if (c->fd >= 0)
        close(c->fd);
}

/* Watching a folder again is harmless, and needed when it was absent or replaced. */
static void watch(struct changes *c, const char *const *folders, size_t n)
{
    c->complete = c->fd >= 0;
    for (size_t i = 0; i < n && c->complete; i++)
        c->complete = inotify_add_watch(c->fd, folders[i], WATCHED) >= 0;
}

bool changes_pending(struct changes *c, const char *const *folders, size_t n)
{
    int64_t now = clock_mono_ms();
    char events[4096];
    bool told = false;

    while (c->fd >= 0 && read(c->fd, events, sizeof events) > 0)
        told = true;
    if (c->complete && !told && c->looked_ms > 0 && now - c->looked_ms < UNTOLD_MAX_MS)
        return false;
    watch(c, folders, n);
    c->looked_ms = now;
    return true;
}
