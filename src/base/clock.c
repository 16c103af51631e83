// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t clock_unix_ms(void) { return read_ns(CLOCK_REALTIME) / 1000000; }
int64_t clock_mono_ms(void) { return read_ns(CLOCK_MONOTONIC) / 1000000; }
int64_t clock_mono_ns(void) { return read_ns(CLOCK_MONOTONIC); }
int64_t clock_boot_ms(void) { return read_ns(CLOCK_BOOTTIME) / 1000000; }

double clock_minutes_between(int64_t from_ms, int64_t to_ms)
{
    return to_ms > from_ms ? (double)(to_ms - from_ms) / 60000 : 0;
}

char *clock_utc_text(int64_t unix_ms, char buf[32])
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}

char *clock_local_text(int64_t unix_ms, char buf[32])
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm tm;

    localtime_r(&s, &tm);
    strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return buf;
}

char *clock_span_text(int64_t span_ms, char buf[32])
{
    int64_t s = span_ms > 0 ? span_ms / 1000 : 0;

    snprintf(buf, 32, "%02" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    return buf;
}
