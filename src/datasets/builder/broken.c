// SPDX-License-Identifier: Apache-2.0
#include "datasets/builder/broken.h"

#include "base/err.h"
#include "datasets/builder/build.h"

int broken_add(struct build *b, const char *path, const char *reason, struct err *err)
{
    report_broken(&b->report, path, reason);
    if (b->orders->max_broken > 0)
        return 0;
    return err_field(err, "maxBroken", "a share of them that may be broken", "%s %s", path, reason);
}

int broken_check(const struct build *b, int64_t n, const char *unit, struct err *err)
{
    if ((double)b->report.n_broken <= b->orders->max_broken * (double)n)
        return 0;
    return err_field(err, "maxBroken", "a larger share of them that may be broken",
                     "%lld of %lld %s cannot be used, more than the %g%% that are allowed", (long long)b->report.n_broken,
                     (long long)n, unit, b->orders->max_broken * 100);
}
