// SPDX-License-Identifier: Apache-2.0
/* A body gives the same parts, or the same refusal, whatever pieces it comes in. The first two bytes of
 * the input choose the pieces; the boundary is "b". */
#include "http/multipart.h"

#include "base/err.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int begin(void *arg, const struct part_head *head, struct err *err)
{
    (void)err;
    text_addf(arg, "<%s|%s|%s|", head->name, head->filename ? head->filename : "",
              head->type ? head->type : "");
    return 0;
}

static int take(void *arg, const char *bytes, size_t len, struct err *err)
{
    (void)err;
    text_add_n(arg, bytes, len);
    return 0;
}

static int end(void *arg, struct err *err)
{
    (void)err;
    text_add(arg, ">");
    return 0;
}

static int parse(const char *body, size_t len, size_t odd, size_t even, struct text *out)
{
    static const struct part_sink sink = { begin, take, end };
    struct err err = {0};
    CLEANUP(multipart_freep) struct multipart *m =
        multipart_new("multipart/form-data; boundary=b", &sink, out, &err);
    bool is_odd = true;

    for (size_t at = 0, n; at < len; at += n, is_odd = !is_odd) {
        n = is_odd ? odd : even;
        if (n > len - at)
            n = len - at;
        if (multipart_feed(m, body + at, n, &err) < 0)
            return -1;
    }
    return multipart_finish(m, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_done) struct text whole = {0};
    CLEANUP(text_done) struct text pieces = {0};
    const char *body = (const char *)data + 2;
    int rc;

    if (size < 2)
        return 0;
    rc = parse(body, size - 2, size, size, &whole);
    if (parse(body, size - 2, data[0] + 1u, data[1] + 1u, &pieces) != rc)
        abort();
    if (rc == 0 && (whole.len != pieces.len ||
                    (whole.len && memcmp(whole.data, pieces.data, whole.len) != 0)))
        abort();
    return 0;
}
