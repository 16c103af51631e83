// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A new file that is written from front to back: little things are gathered, large ones are written from where they lie, and
 * all is sent to the disk while more is being made. What fails is ERR_INTERNAL and names the file; it is then to be abandoned.
 * One thread at a time for each. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct err;

struct out_file {
    int fd;
    char *path;
    uint8_t *gathered;                  /* [used]: what was not written yet */
    size_t used;
    off_t written, sent;                /* bytes before that; those of them that the disk began with */
};

/* An existing file is replaced. f may be abandoned also when this fails. */
int out_file_create(struct out_file *f, const char *path, struct err *err);

/* Bytes that lie in up to four places, as one. */
int out_file_append(struct out_file *f, const struct iovec *parts, int n, struct err *err);

/* In place of bytes that were appended. */
int out_file_replace(struct out_file *f, off_t at, const void *data, size_t len, struct err *err);

/* Writes what is left and waits until all is on the disk; then f is abandoned, also when that fails. */
int out_file_close(struct out_file *f, struct err *err);
void out_file_abandon(struct out_file *f);      /* again is fine */
