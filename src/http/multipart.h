// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A multipart body, parsed in pieces of any size as they arrive. Holds one line and one delimiter in
 * memory, never a part. Tolerant: text before the first and after the last delimiter is skipped, lines
 * may end in LF alone, unknown part headers are ignored, the body may have no parts at all. */

#include <stddef.h>

#include "base/cleanup.h"

struct err;
struct multipart;

struct part_head {              /* valid during part_begin() only */
    const char *name;           /* "" when absent */
    const char *filename;       /* as sent, "" included; NULL when absent */
    const char *type;           /* NULL when absent */
};

struct part_sink {              /* each returns -1 with err filled to stop the parser */
    int (*begin)(void *arg, const struct part_head *head, struct err *err);
    int (*data)(void *arg, const char *data, size_t len, struct err *err);
    int (*end)(void *arg, struct err *err);
};

enum { PART_HEAD_MAX = 16 << 10 /* bytes of one part's headers */ };

/* `content_type` is the request's; ERR_BAD_INPUT when it names no usable boundary. */
struct multipart *multipart_new(const char *content_type, const struct part_sink *sink, void *arg,
                                struct err *err);
void multipart_free(struct multipart *m);       /* NULL is fine */
DEFINE_FREEP(multipart)

/* ERR_BAD_INPUT for what is no multipart; after an error neither may be called again. */
int multipart_feed(struct multipart *m, const char *data, size_t len, struct err *err);
int multipart_finish(struct multipart *m, struct err *err);    /* the body has ended */
