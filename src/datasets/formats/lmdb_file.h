// SPDX-License-Identifier: Apache-2.0
#pragma once
/* LMDB environments of one unnamed database, read: a folder with data.mdb. One thread at a time for each. lmdb_writer.h writes
 * them. */

#include <stddef.h>
#include <stdint.h>

struct err;

struct lmdb_reader;

/* Writes nothing, not even a lock: the folder may be read-only. ERR_BAD_INPUT when it holds no environment. */
struct lmdb_reader *lmdb_open(const char *folder, struct err *err);
void lmdb_reader_free(struct lmdb_reader *r);       /* NULL is fine */
int64_t lmdb_count(const struct lmdb_reader *r);

/* Goes to the first record whose key is at least `key`, so that lmdb_next() gives it; 0 when there is none. */
int lmdb_seek(struct lmdb_reader *r, const void *key, size_t n_key, struct err *err);

/* The next record: 1 with its key and data, which stay valid as long as the reader; 0 at the end. */
int lmdb_next(struct lmdb_reader *r, const uint8_t **ret_key, size_t *ret_n_key, const uint8_t **ret_data, size_t *ret_len,
              struct err *err);
