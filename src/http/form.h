// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The body of a form route, taken in pieces into parts: multipart, urlencoded, or raw. Files go to
 * the spool folder as they arrive and are removed with the form unless they were renamed away. */

#include "http/call.h"

#include "base/cleanup.h"

struct form;

enum {
    PART_MEMORY_MAX = 1 << 20,      /* bytes of one part kept in memory; a longer one goes to a file */
    FORM_MEMORY_MAX = 4 << 20,      /* bytes of all of them; what comes after goes to files */
    FORM_PARTS_MAX  = 1000,
};

/* `prefix` makes the spool files' names unique; it, `spool_dir` and `mem` must outlive the form.
 * `text_max` bounds an urlencoded body, which is kept in memory. */
struct form *form_new(const char *content_type, const char *spool_dir, const char *prefix,
                      int64_t text_max, struct mem *mem, struct err *err);
void form_free(struct form *f);     /* NULL is fine */
DEFINE_FREEP(form)

/* ERR_BAD_INPUT, ERR_TOO_LARGE, ERR_NO_SPACE. After an error only form_free() may follow. */
int form_feed(struct form *f, const char *data, size_t len, struct err *err);

/* The body has ended: the parts, in order, valid as long as the form and `mem`. */
int form_finish(struct form *f, struct part **ret_parts, int *ret_n, struct err *err);
