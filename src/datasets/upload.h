// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What is uploaded to be built from: archives, unpacked, and plain files. Blocks on disk. */

struct err;
struct mem;
struct part;
struct settings;

/* Puts every file among the parts into the new folder `dir`: an archive is unpacked, anything else keeps its name.
 * ERR_BAD_INPUT when there is no file, for a name that cannot be used, and for an archive that cannot be unpacked
 * safely (base/archive.h). What was put so far is left for the caller to remove. */
int upload_put(const struct settings *s, const struct part *parts, int n_parts, const char *dir, struct mem *mem,
               struct err *err);

/* The folder that paths of the document are relative to: `dir`, or the only folder in it when there is nothing else, as
 * in most archives. */
const char *upload_root(const char *dir, struct mem *mem);
