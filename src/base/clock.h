// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Time. Wall-clock times are Unix time in ms (int64_t *_ms); spans and deadlines use the monotonic
 * clock. Thread-safe. */

#include <stdint.h>

int64_t clock_unix_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_boot_ms(void);    /* since the machine started, as /proc/<pid>/stat counts */

/* Minutes from one wall-clock time to another; 0 when the clock was set back between them. */
double clock_minutes_between(int64_t from_ms, int64_t to_ms);

/* The text forms of the API. `buf` takes 32 bytes; each returns buf.
 *   utc    2026-01-05T10:00:00Z        (execs: createTime)
 *   local  2026-01-05 10:00:00         (searches: createtime, startTime, endTime)
 *   span   00:02:11, 123:00:00         (searches: duration) */
char *clock_utc_text(int64_t unix_ms, char buf[32]);
char *clock_local_text(int64_t unix_ms, char buf[32]);
char *clock_span_text(int64_t span_ms, char buf[32]);
