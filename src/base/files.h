// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Files and folders. All block; never call from the engine thread unless the comment says so.
 * Failures are ERR_NO_SPACE when the disk is full, otherwise ERR_INTERNAL with the path, unless
 * told otherwise. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct mem;
struct text;

int file_mkdirs(const char *path, mode_t mode, struct err *err);       /* like mkdir -p */
int file_read(const char *path, size_t max, struct text *out, struct err *err);
                            /* ERR_NOT_FOUND when absent, ERR_TOO_LARGE above `max` bytes */
int file_write(const char *path, const char *data, size_t len, mode_t mode, struct err *err);
                            /* aside, fdatasync, rename: whole or not at all */
int file_write_all(int fd, const void *data, size_t len);
                            /* however many calls it takes; -1 leaves the reason in errno */
int file_copy(const char *from, const char *to, struct err *err);
                            /* contents and mode, replacing `to`; ERR_NOT_FOUND when absent */
int file_copy_tree(const char *from, const char *to, struct err *err);
                            /* folders, files, modes; `to` may exist, its files are replaced;
                             * links inside stay links; sockets, fifos, devices are left out */
int file_remove_tree(const char *path, struct err *err);
                            /* of any depth; a file or link too; follows no link; absent is fine */
bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* The last part of a path in Unix or Windows spelling; "" for "a/". Borrowed from `path`. */
const char *path_base(const char *path);

/* Whether `name` may be one part of a path: 1 to 255 bytes of valid UTF-8, not "." or "..", no '/',
 * NUL or control byte. */
bool path_name_ok(const char *name);

/* Whether a relative path stays below where it starts: not absolute, no ".." part, each part as
 * path_name_ok() (a leading "./" and doubled or trailing slashes are fine). "" and "./" name nothing below: false. */
bool path_inside(const char *path);

/* Whether a link that stands `depth` folders below a top folder leads to something below that: first the way up, then the
 * way down, never up again. (With "s" -> ".", "s/.." would be outside.) */
bool path_link_inside(const char *target, int depth);
