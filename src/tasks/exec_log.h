// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Pieces of log files, for every call that shows some. */

#include "base/field.h"

struct err;
struct text;

enum { LOG_TEXT_MAX = 64 << 20 /* bytes of a log in one reply that is not a plain file: its end */ };

struct log_range {
    int64_t lines;          /* only the last lines; INT_UNSET all */
    int64_t offset;         /* only from this byte on; INT_UNSET from the start. Wins over lines */
    int64_t max_bytes;      /* 0: LOG_TEXT_MAX */
};

/* Appends that piece of the file; a file that does not exist (yet) is empty. Blocks on disk. Without an
 * offset the end of what is too long, with one its beginning. */
int log_piece(const char *path, const struct log_range *range, struct text *out, struct err *err);
