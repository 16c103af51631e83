// SPDX-License-Identifier: Apache-2.0
#pragma once
/* TFRecord files: records of any bytes, each with its length before it and checksums of both. One thread at a time for
 * each reader and writer. */

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
    TFRECORD_BEFORE = 12,           /* bytes before a record: length (8, little-endian), its masked CRC-32C (4) */
    TFRECORD_AFTER = 4,             /* bytes after it: masked CRC-32C of the data */
    TFRECORD_MAX = 512 << 20,       /* bytes of a record that is read */
};

/* Fills in what stands before and after the len bytes at `framed` + TFRECORD_BEFORE. */
void tfrecord_frame(uint8_t *framed, size_t len);

struct tfrecord_writer;

/* A new file; an existing one is replaced. */
struct tfrecord_writer *tfrecord_create(const char *path, struct err *err);
int tfrecord_write(struct tfrecord_writer *w, const uint8_t *framed, size_t len, struct err *err);     /* len: all of it */

/* Writes what is left and waits until it is on the disk; frees w, also when that fails. */
int tfrecord_close(struct tfrecord_writer *w, struct err *err);
void tfrecord_abandon(struct tfrecord_writer *w);           /* frees w; NULL is fine */

struct tfrecord_reader;

struct tfrecord_reader *tfrecord_open(const char *path, struct err *err);
void tfrecord_reader_free(struct tfrecord_reader *r);       /* NULL is fine */

/* The next record: 1, and its bytes, which are valid until the next call; 0 at the end of the file. ERR_BAD_INPUT when
 * the file is cut off or a checksum is wrong, naming the record by its number from 0. */
int tfrecord_next(struct tfrecord_reader *r, const uint8_t **ret_data, size_t *ret_len, struct err *err);

/* The same without reading the data: only the length's checksum is compared. */
int tfrecord_skip(struct tfrecord_reader *r, struct err *err);
