// SPDX-License-Identifier: Apache-2.0
#include "search/methods/trend.h"

#include <math.h>

void trend_features(const bool *category, int d, const double *x, double *ret)
{
    double share = 1 / sqrt(d);

    for (int i = 0; i < d; i++, ret += TREND_FEATURES) {
        double z = 2 * x[i] - 1;

        ret[0] = category[i] ? 0 : share * z;
        ret[1] = category[i] ? 0 : share * (3 * z * z - 1) / 2;
    }
}

void trend_slopes(const bool *category, int d, const double *x, double *ret)
{
    double share = 1 / sqrt(d);

    for (int i = 0; i < d; i++, ret += TREND_FEATURES) {
        double z = 2 * x[i] - 1;

        ret[0] = category[i] ? 0 : share * 2;
        ret[1] = category[i] ? 0 : share * 6 * z;
    }
}
