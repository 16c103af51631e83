// SPDX-License-Identifier: Apache-2.0
/* Any bytes as evaluation-metrics.txt: the points are usable, and do not depend on
 * how the bytes are cut into pieces. */

#include "base/field.h"
#include "tasks/insight_parse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct count { size_t n; double sum; };

static void count(void *arg, const struct point *p)
{
    struct count *c = arg;

    assert(isfinite(p->value) && strchr(p->series, '/'));
    c->n++;
    c->sum += fmod(p->value, 1000) * (double)(c->n % 7);
}

static struct count feed(const char *data, size_t size, size_t piece)
{
    struct count c = {0};
    struct point_sink sink = { count, &c };
    struct parser p;

    parser_init(&p, PARSE_RECORDS);
    for (size_t i = 0; i < size; i += piece)
        parser_feed(&p, data + i, size - i < piece ? size - i : piece, &sink);
    parser_end(&p, &sink);
    parser_done(&p);
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct count whole = feed((const char *)data, size, size + 1);
    struct count pieces = feed((const char *)data, size, size ? data[0] % 13 + 1 : 1);

    assert(whole.n == pieces.n && whole.sum == pieces.sum);
    return 0;
}
