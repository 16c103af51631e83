// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 /* longer lines lose their tail */ };

static const char *const names[] = { "debug", "info", "warn", "error" };
static _Atomic int least = LOG_INFO;

void log_set_level(enum log_level level) { least = level; }
bool log_enabled(enum log_level level) { return (int)level >= least; }

static size_t add_time(char *line, size_t size)
{
    int64_t now = clock_unix_ms();
    time_t s = (time_t)(now / 1000);
    struct tm tm;
    size_t len;

    gmtime_r(&s, &tm);
    len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return len + (size_t)snprintf(line + len, size - len, ".%03dZ ", (int)(now % 1000));
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    size_t len;
    va_list ap;

    if (!log_enabled(level))
        return;
    len = add_time(line, sizeof line);
    len += (size_t)snprintf(line + len, sizeof line - len, "%s %s ", names[level], event);
    va_start(ap, fmt);
    len += (size_t)vsnprintf(line + len, sizeof line - len, fmt, ap);
    va_end(ap);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++)        /* a value must not forge a line, nor talk to a terminal */
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    line[len] = '\n';
    if (write(STDERR_FILENO, line, len + 1) < 0)
        return;     /* nowhere left to say it */
}
