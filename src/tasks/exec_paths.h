// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Where the files of a task are. Pure, but for exec_labels() which reads a folder. Paths live in `mem`. */

#include "base/field.h"

struct mem;
struct settings;

/* RESULT_DIR: <results>/<creator>/batchworkdir/<id> */
char *exec_result_dir(const struct settings *s, const char *creator, const char *id, struct mem *mem);
char *exec_code_dir(const struct settings *s, const char *creator, const char *id, struct mem *mem);
                                                                    /* <RESULT_DIR>/_submitted_code */
char *exec_run_dir(const struct settings *s, const char *id, struct mem *mem);  /* <data>/run/<id> */

/* Raw output of one process: "out", "err" or "both" (interleaved); may not exist yet. */
char *exec_log_path(const char *run_dir, const char *label, const char *stream, struct mem *mem);
char *exec_launcher_log(const char *run_dir, struct mem *mem);

/* LOG_DIR of one process: <RESULT_DIR>/log/<label>. */
char *exec_process_dir(const char *result_dir, const char *label, struct mem *mem);

/* The labels of the processes that have a log in the run directory, const char * each: workers by number,
 * then the others by name. Empty (items set) when nothing has been launched. */
void exec_labels(const char *run_dir, struct mem *mem, struct list *ret);
