// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const int64_t SAY_EVERY_NS = 1000000000;

void progress_start(struct progress *p, const char *unit, int64_t total)
{
    if (!p->start_ns)
        p->start_ns = p->said_ns = clock_mono_ns();
    p->unit = unit;
    p->total = total;
    printf("Total iterations: %" PRId64 "\n", total);
    fflush(stdout);
}

static void say(struct progress *p, const char *where)
{
    int64_t now = clock_mono_ns();
    double seconds = (double)(now - p->start_ns) / 1e9;
    double speed = seconds > 0 ? (double)p->done / seconds : 0;

    p->said_ns = now;
    printf("Iteration %" PRId64 ": tag train_%s_per_s, simple_value %.1f\n", p->done, p->unit, speed);
    printf("%s: %" PRId64 " of %" PRId64 " %s, %.0f %s/s", where, p->done, p->total, p->unit, speed, p->unit);
    if (speed > 0 && p->done < p->total)
        printf(", %.0f s left", (double)(p->total - p->done) / speed);
    putchar('\n');
    fflush(stdout);
}

void progress_add(struct progress *p, const char *where, int64_t n)
{
    p->done += n;
    if (clock_mono_ns() - p->said_ns >= SAY_EVERY_NS)
        say(p, where);
}

void progress_end(struct progress *p)
{
    if (p->start_ns)
        say(p, "done");
}
