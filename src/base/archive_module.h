// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What trainyard-archive.so shows to the program that loads it: one symbol, ARCHIVE_MODULE. */

#include "base/archive.h"

struct archive_module {
    const char *version;        /* TRAINYARD_VERSION: an upgraded module must not meet an older program */
    int (*unpack)(const char *path, const char *to, const struct archive_limits *limits,
                  struct err *err);
    int (*zip)(const char *from, const char *const *entries, int n, const char *to, struct err *err);
};

#define ARCHIVE_MODULE "trainyard_archive"
extern const struct archive_module trainyard_archive;
