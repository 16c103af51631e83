// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What is uploaded: one script as it is, a folder as a zip in a temporary file. */

struct err;

struct pack {
    char *path;         /* what to send */
    char *filename;     /* under which name */
    char *folder;       /* name of the packed folder (--model-dir); NULL for one file */
    char *temporary;    /* removed by pack_done(); NULL */
};

int pack_make(const char *path, struct pack *ret, struct err *err);     /* ERR_NOT_FOUND: no such path */
void pack_done(struct pack *p);
