// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Task records, as GET /hypersearch and GET /hypersearch/{hpoName} give them, whole or in part. What
 * was written of a search is kept for a while, and only what has changed is read and written again,
 * so that polling a search of 10,000 experiments costs one row and one copy. Thread-safe. */

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct mem;
struct records;
struct search;
struct text;

struct record_wish {
    uint32_t members;       /* of echo.h */
    bool numbered;          /* the record says what to ask with next time */
    int64_t seq, version;   /* only experiments that changed since then; seq 0: all */
};

struct records *records_new(void);
void records_free(struct records *r); /* NULL is fine */

/* Appends the record of `s`, which searches_look() just read from `db`. ERR_NOT_FOUND when it has
 * been deleted meanwhile. */
int record_write(struct records *r, struct db *db, const struct search *s,
                 const struct record_wish *wish, struct mem *mem, struct text *out, struct err *err);

/* The state a record is in, for `next` and ETag: "<seq>.<version>". */
const char *record_tag(const struct search *s, struct mem *mem);

/* Reads such a tag; "0" is one of no search. False when it is none. */
bool record_tag_read(const char *text, int64_t *ret_seq, int64_t *ret_version);
