// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A new file that is written from front to back, in pieces that the kernel and the disk like: as large as its largest
 * pages, and sent to the disk while the next one is being made. One thread at a time for each. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct out_file {
    int fd;
    char *path;
    uint8_t *piece;                     /* [used]: what was not written yet */
    size_t used;
    off_t written;                      /* bytes before it */
};

/* An existing file is replaced. f may be abandoned also when this fails. */
int out_file_create(struct out_file *f, const char *path, struct err *err);
int out_file_append(struct out_file *f, const void *data, size_t len, struct err *err);

/* In place of bytes that were appended. */
int out_file_replace(struct out_file *f, off_t at, const void *data, size_t len, struct err *err);

/* Writes what is left and waits until all is on the disk; then f is abandoned, also when that fails. */
int out_file_close(struct out_file *f, struct err *err);
void out_file_abandon(struct out_file *f);
