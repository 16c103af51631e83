// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Whole task records, as GET /hypersearch/{hpoName} gives them. The part that only changes when a
 * search or an experiment changes is kept, so that polling a large search costs one row and one
 * copy. Thread-safe. */

struct db;
struct err;
struct mem;
struct records;
struct search;
struct text;

struct records *records_new(void);
void records_free(struct records *r); /* NULL is fine */

/* Appends the record of `s`, which was just read from `db`. */
int record_write(struct records *r, struct db *db, const struct search *s, struct mem *mem,
                 struct text *out, struct err *err);
