// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What kind of data a folder or file holds, from the names in it. Only names are looked at, and of a text list one line. */

#include <stdbool.h>

#include "base/text.h"

struct guess {                  /* texts are constants or owned */
    const char *kind;           /* datasourcetype; NULL: nothing could be told */
    const char *backend;        /* dbbackend */
    char *train, *val, *test;   /* parts, relative to the path; "." is all of it; NULL: there is no such part */
    bool file;                  /* the path is a file, and train its name */
    bool lists;                 /* the parts are text lists of images */
    char *labels;               /* a file with class names; NULL */
    char *mean_file;            /* mean.binaryproto; NULL */
    struct text why;            /* "3 folders of images in train" */
};

/* Of what cannot be looked at (an archive, or a path that is not on this machine) kind is NULL and the whole is the
 * training part. */
void guess_make(const char *path, struct guess *ret);
void guess_done(struct guess *g);
