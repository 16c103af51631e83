// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Archives: unpack tar, gzip, bzip2, xz, zstd tar and zip without letting anything escape; write zip.
 * Blocks on disk; any thread may call.
 *
 * archive_unpack() and archive_zip() come from one of two libraries; a program links the one it wants:
 * archive_lib (archive.c over libarchive) or archive_loaded_lib (archive_loaded.c, which loads
 * trainyard-archive.so, the same code, at the first call: a server that unpacks nothing then does
 * not carry libarchive's fifteen libraries; docs/adr/0001-loaded-when-needed.md). */

#include <stdbool.h>
#include <stdint.h>

struct err;

struct archive_limits {
    int64_t n_entries;      /* files, folders and links */
    int64_t total_bytes;    /* unpacked; checked while unpacking, so a bomb stops early */
};

/* Whether the file starts like one of the formats above; by content, never by name. */
bool archive_is(const char *path);

/* Unpacks into the existing folder `to`. Refused with ERR_BAD_INPUT naming the entry: absolute
 * paths, "..", links that lead out of `to` (a link may go up and then down, but not up again), hard
 * links to anything but a file unpacked before, entries below a link, devices, fifos, sockets, names
 * that no file can have or that are not UTF-8, more than the limits. A damaged archive is ERR_BAD_INPUT
 * too; what the disk refuses is ERR_NO_SPACE or ERR_INTERNAL. A later entry of one name replaces the
 * earlier. macOS companions (._x, .DS_Store, __MACOSX) are skipped. Modes are masked to 0755. On
 * failure what was unpacked so far is left for the caller to remove. */
int archive_unpack(const char *path, const char *to, const struct archive_limits *limits,
                   struct err *err);

/* Writes `to` as a zip of the named entries of folder `from` (files or folders, recursively, links
 * skipped); names that do not exist are passed over, so an empty but valid zip is possible. Removes
 * `to` when it fails: ERR_NO_SPACE or ERR_INTERNAL. */
int archive_zip(const char *from, const char *const *entries, int n, const char *to, struct err *err);
