// SPDX-License-Identifier: Apache-2.0
#pragma once
/* LMDB environments of one unnamed database, written from front to back in the order of the keys: a folder with data.mdb.
 * One thread at a time for each. */

#include <stddef.h>
#include <stdint.h>

struct err;

struct lmdb_writer;

enum { LMDB_KEY_MAX = 511 };            /* bytes, as the library's */

/* Makes the folder and a file in it, in place of one that is there; it is no environment before lmdb_close(). */
struct lmdb_writer *lmdb_create(const char *folder, struct err *err);

/* Adds a record. Keys have 1 to LMDB_KEY_MAX bytes and ascend; data have less than 4 GiB. */
int lmdb_write(struct lmdb_writer *w, const void *key, size_t n_key, const uint8_t *data, size_t len, struct err *err);

/* Writes what is left and waits until all is on the disk; frees w, also when that fails. */
int lmdb_close(struct lmdb_writer *w, struct err *err);
void lmdb_abandon(struct lmdb_writer *w);           /* frees w; NULL is fine */
