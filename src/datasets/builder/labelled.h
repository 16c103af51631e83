// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Texts that have a class each, in the three forms that they come in:
 *
 *     a folder        with a folder for each class; every file below one is a text, but for hidden ones
 *     a table         CSV whose header has the column text, and one named label, class, target or y
 *     a text file     a text on each line, after its class and a backslash or a tab
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct build;
struct err;
struct text;

enum { LABELLED_TEXT_MAX = 16 << 20 };      /* bytes of one text */

/* How the column of the class is called: label, class, target, y; NULL-ended. */
extern const char *const labelled_columns[];

/* One of them. `broken` is NULL, or a phrase that says why there is no label or text. Valid during the call. */
struct labelled {
    const char *where;              /* its file, and the line in it */
    const char *label;
    const char *text;               /* any bytes but NUL; may be empty */
    size_t len;
    const char *broken;
    bool beside;                    /* a file beside the folders of the classes: no text at all */
    int64_t end;                    /* bytes of the source up to here */
};

typedef int labelled_fn(void *arg, const struct labelled *l, struct err *err);      /* -1 ends it */

/* Calls fn for each text, in the order of the source: files by their names, lines as they come. `path` is from
 * build_source(). ERR_BAD_INPUT when it cannot be read. */
int labelled_each(const struct build *b, const char *path, labelled_fn *fn, void *arg, struct err *err);

/* Bytes of all files. */
int labelled_bytes(const struct build *b, const char *path, int64_t *ret, struct err *err);
