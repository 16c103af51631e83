// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Log lines on standard error: one event per line, `key=value`, with the id of the request, task
 * or search it is about:
 *
 *     2026-01-05T10:00:00.123Z info exec.move id=ann-1-2 from=SUBMITTED to=RUNNING
 *
 * error = someone must act, warn = we coped, info = life events, debug = off unless asked for.
 * Only http/, the engine and main.c log; libraries return errors. Thread-safe: one write(2) per
 * line. Values with blanks are for the caller to quote: log_info("x", "name=\"%s\"", name). */

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);     /* for a line that costs something to compose */
void log_line(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(event, ...) log_line(LOG_DEBUG, (event), __VA_ARGS__)
#define log_info(event, ...)  log_line(LOG_INFO, (event), __VA_ARGS__)
#define log_warn(event, ...)  log_line(LOG_WARN, (event), __VA_ARGS__)
#define log_error(event, ...) log_line(LOG_ERROR, (event), __VA_ARGS__)
