// SPDX-License-Identifier: Apache-2.0
#pragma once
/* One thread that waits for descriptors, timers, processes, file changes and messages from other
 * threads: epoll with eventfd, pidfd, inotify and a heap of timers. Everything but loop_post(),
 * loop_stop() and the life-cycle calls is for callbacks on the loop's own thread, or for any one thread
 * before loop_start(). Callbacks must not block. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct loop;
struct watch;       /* one descriptor, timer, process or folder being waited for */

typedef void loop_fn(void *arg);
typedef void loop_fd_fn(void *arg, uint32_t epoll_events);
typedef void loop_exit_fn(void *arg, pid_t pid, int wait_status);   /* as of waitpid(2) */
typedef void loop_file_fn(void *arg, const char *name, uint32_t inotify_mask);

struct loop *loop_new(struct err *err);
int loop_start(struct loop *loop, const char *thread_name, struct err *err);
void loop_stop(struct loop *loop);      /* runs what was posted, ends the thread and waits for it */
void loop_free(struct loop *loop);      /* NULL is fine; must be stopped. Ends every watch */
DEFINE_FREEP(loop)
bool loop_is_current(const struct loop *loop);      /* called on the loop's thread? */

void loop_post(struct loop *loop, loop_fn *fn, void *arg);      /* any thread; in order; never fails.
                                         * What is posted after loop_stop() does not run */

/* Each watch ends with watch_cancel(), which is fine on NULL and inside its own callback; no callback
 * comes after it. Cancel the watch of a descriptor before closing the descriptor. */
struct watch *loop_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fd_fn *fn, void *arg,
                      struct err *err);
struct watch *loop_timer(struct loop *loop, int64_t after_ms, int64_t every_ms /* 0 = once */,
                         loop_fn *fn, void *arg);
struct watch *loop_child(struct loop *loop, pid_t pid, loop_exit_fn *fn, void *arg, struct err *err);
                            /* reaps the process; fires once and is gone then */
struct watch *loop_folder(struct loop *loop, const char *path, uint32_t inotify_mask,
                          loop_file_fn *fn, void *arg, struct err *err);
                            /* `name` is "" for the folder itself. IN_IGNORED: the folder is gone, nothing
                             * more will come; IN_Q_OVERFLOW: events were lost, look at all files.
                             * ERR_NOT_FOUND when there is no such folder */
void watch_cancel(struct watch *w);
