// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Metrics out of what a training program prints and appends to files, as the bytes arrive:
 *
 *   PARSE_TEXT     lines of standard output and of <LOG_DIR>/stdout
 *       Total iterations: 1000
 *       Iteration 40: tag train_loss, simple_value 0.345
 *       Timestamp 1583855678912, Iteration 40          (or: batchIdx 40)
 *       batches :7 0.25
 *       [2020-03-10 15:54:38] Train,\tTimestamp: 1583855678912,\tGlobal steps: 40,\tLoss: 0.3
 *       [2020-03-10 15:54:38] Test,\tTimestamp: 1583855678912,\tLoss: 0.3,\tAccuracy: 0.9
 *   PARSE_RECORDS  <LOG_DIR>/evaluation-metrics.txt, a JSON record per line with `meta`,
 *       `grouplabel`, `etimes` and `values`
 *
 * Lines end with LF or CR; one longer than PARSE_LINE_MAX is passed over, and so is every line of
 * another form: programs print what they like. Values that are not finite are left out. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { PARSE_LINE_MAX = 64 << 10 };     /* bytes */

enum parse_source { PARSE_TEXT, PARSE_RECORDS };

struct point {
    const char *series;     /* "train/loss": the group, and the metric's name; borrowed */
    double step;            /* iteration or epoch; NaN when unknown */
    int64_t time_ms;        /* Unix time; INT_UNSET when the program did not say */
    double value;           /* finite */
};

struct point_sink {
    void (*point)(void *arg, const struct point *p);
    void *arg;
};

struct parser {
    enum parse_source source;
    struct text line;           /* the beginning of a line whose end has not come yet */
    bool skipping;              /* inside a line that is too long */
    double train_step;          /* of the last Train line, for Test lines, which do not say */
    double stamp_step;          /* of the last Timestamp line */
    int64_t stamp_ms;
    int64_t done, total;        /* progress in iterations; INT_UNSET until the program said */
};

void parser_init(struct parser *p, enum parse_source source);
void parser_done(struct parser *p);

/* The next bytes of the file. */
void parser_feed(struct parser *p, const char *data, size_t len, const struct point_sink *sink);

/* The file has ended: a last line without a line end counts too. */
void parser_end(struct parser *p, const struct point_sink *sink);
