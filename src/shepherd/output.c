// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PIPE_CHUNKS_MAX = 32 };      /* the kernel lets a pipe have 1 MiB: 16 of them */

static char chunk[65536];       /* as much as a pipe holds */

static int open_log(const struct process *p, const char *ending)
{
    char name[300];

    snprintf(name, sizeof name, "%s.%s", p->label, ending);
    return open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static bool open_logs(struct process *p)
{
    struct stat st;

    if (p->channel) {
        p->log[1] = open_log(p, "log");
        p->log_bytes = fstat(p->log[1], &st) == 0 ? st.st_size : 0;
        return p->log[1] >= 0;
    }
    p->log[0] = open_log(p, "out");
    p->log[1] = open_log(p, "err");
    p->both_log = open_log(p, "both");
    return p->log[0] >= 0 && p->log[1] >= 0 && p->both_log >= 0;
}

bool output_open(struct shepherd *s, struct process *p)
{
    if (open_logs(p))
        return true;
    snprintf(s->reason, sizeof s->reason, "cannot write the log of %s: %s", p->label, strerror(errno));
    s->has_failed = true;
    s->code = 127;
    return false;
}

void note(struct shepherd *s, const char *fmt, ...)
{
    char line[800], time[32];
    va_list ap;
    int len, used;

    used = snprintf(line, sizeof line, "%s ", clock_utc_text(clock_unix_ms(), time));
    va_start(ap, fmt);
    len = vsnprintf(line + used, sizeof line - (size_t)used - 1, fmt, ap);
    va_end(ap);
    used += len < (int)sizeof line - used - 1 ? len : (int)sizeof line - used - 2;
    line[used++] = '\n';
    if (write(s->launcher_log, line, (size_t)used) < 0)
        return;     /* a full disk costs lines, not the task */
}

/* Bytes that did not fit on the disk are counted and forgotten: the task must go on. */
static int64_t append(int fd, const char *data, size_t len)
{
    ssize_t n;

    while (len > 0) {
        n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return (int64_t)len;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Before a bounded log grows beyond half of its limit, what it holds becomes the old half. */
static void make_room(const struct shepherd *s, struct process *p, int64_t len)
{
    char log[300], old[300];

    if (p->log_bytes + len <= s->orders.log_max_bytes / 2) {
        p->log_bytes += len;
        return;
    }
    snprintf(log, sizeof log, "%s.log", p->label);
    snprintf(old, sizeof old, "%s.log.old", p->label);
    if (rename(log, old) < 0)
        return;
    fd_closep(&p->log[1]);
    p->log[1] = open_log(p, "log");
    p->log_bytes = len;
}

bool output_pump(struct shepherd *s, struct process *p, int which)
{
    ssize_t len = read(p->pipe[which], chunk, sizeof chunk);
    int64_t lost;

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len <= 0) {
        fd_closep(&p->pipe[which]);
        p->pipe[which] = -1;
        return false;
    }
    if (p->channel)
        make_room(s, p, len);
    lost = append(p->log[which], chunk, (size_t)len);
    if (lost > 0 && s->dropped_bytes == 0)
        note(s, "output is dropped: %s", strerror(errno));
    s->dropped_bytes += lost;
    if (!p->channel)
        append(p->both_log, chunk, (size_t)len);
    return true;
}

/* Somebody outside may hold and fill the pipe still, so no more is taken than a pipe can hold. */
void output_drain(struct shepherd *s)
{
    struct process *p;
    int n_chunks;

    for (p = s->orders.processes; p < s->orders.processes + s->orders.n_processes; p++)
        for (int i = 0; i < 2; i++) {
            n_chunks = 0;
            while (p->pipe[i] >= 0 && n_chunks++ < PIPE_CHUNKS_MAX && output_pump(s, p, i))
                continue;
        }
}
