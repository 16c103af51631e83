// SPDX-License-Identifier: Apache-2.0
#pragma once
/* LMDB environments of one unnamed database: a folder with data.mdb, written in the order of its keys or read. One thread
 * at a time for each. */

#include <stddef.h>
#include <stdint.h>

struct err;

struct lmdb_writer;

/* Makes the folder and an empty environment in it. Grows with what is written; nothing is promised to be on the disk before
 * lmdb_close(). */
struct lmdb_writer *lmdb_create(const char *folder, struct err *err);

/* Adds a record; keys are given in ascending order of their bytes. */
int lmdb_write(struct lmdb_writer *w, const void *key, size_t n_key, const uint8_t *data, size_t len, struct err *err);

/* Commits what is left and waits until it is on the disk; frees w, also when that fails. */
int lmdb_close(struct lmdb_writer *w, struct err *err);
void lmdb_abandon(struct lmdb_writer *w);           /* frees w; NULL is fine */

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
