// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How far the files of one task have been read, and what they said since the last look:
 *
 *   <run_dir>/<label>.out                              standard output of each process
 *   <result_dir>/log/<label>/stdout                    ELog lines
 *   <result_dir>/log/<label>[/<sub>]/evaluation-metrics.txt
 *   <result_dir>/val_dict_list.json                    read anew when it has changed
 *
 * The series of worker-0 have plain names ("train/loss"); those of another process end with its
 * label ("train/loss@worker-1"); those of val_dict_list.json begin with "val/". Blocks on disk;
 * one thread at a time. */

#include "tasks/metrics_store.h"

enum {
    READING_SERIES_MAX = 256,           /* of one task; more are passed over */
    READING_POINTS_MAX = 1000000,       /* of one task */
    READING_TURN_BYTES = 1 << 20,       /* looked at in one turn, but for val_dict_list.json */
    READING_DICTS_MAX  = 8 << 20,       /* bytes of val_dict_list.json; a larger one is not charted */
};

struct reading;

struct reading_news {               /* of one turn; borrowed until the next call */
    const struct metric_row *rows;
    size_t n_rows;
    const char *const *replaced;    /* series to be emptied before the rows are added */
    size_t n_replaced;
    const char *const *folders;     /* that may get more, NULL-ended: what to listen to */
    int64_t output_bytes;           /* of all processes together */
    int64_t done, total;            /* iterations; INT_UNSET when unknown */
    bool more;                      /* there is more to read already */
};

struct reading *reading_new(const char *result_dir, const char *run_dir);
void reading_free(struct reading *r);           /* NULL is fine */

/* The next piece. `last`: the task has ended, an unfinished line counts. Files that are missing or
 * cannot be read yield nothing. */
void reading_turn(struct reading *r, bool last, struct reading_news *ret);

/* Forgets how far it was: the next turn begins at the start of all files. */
void reading_restart(struct reading *r);
