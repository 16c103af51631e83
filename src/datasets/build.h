// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The inside of this room: the datasets that are being built, and the blocking steps around their tasks. */

#include "base/err.h"
#include "datasets/dataset.h"
#include "datasets/dataset_store.h"
#include "datasets/datasets.h"
#include "tasks/submit.h"
#include "tasks/tasks.h"

struct watch;

struct build {                  /* one dataset being built; belongs to the engine thread, except `job` while it ends */
    struct build *next;
    struct datasets *datasets;
    char *name, *exec;          /* the dataset, and the task that builds it now */
    bool ending;                /* a worker has it */
    struct watch *retry;        /* of an end that could not be stored */
    char state[32];             /* of the task, final; NULL-ended */
    char *why;                  /* its `events`; NULL */
    bool lost;                  /* nobody ended it: it is to be built by another task */
    int64_t started_ms, ended_ms;   /* of the task */
    char *again;                /* out: id of the task that builds it now; NULL: it has ended */
    struct err err;             /* out */
};

struct datasets {
    struct tasks *tasks;
    struct build *builds;       /* engine thread, or before it starts */
};

/* --- datasets.c --- */

/* On the engine thread: watches over a build from now on; takes it. */
void build_adopt(void *build);
struct build *build_new(struct datasets *d, const char *name, const char *exec);
void build_free(struct build *b);
void dataset_publish(struct datasets *d, const char *owner, const char *name, const struct dataset_news *news);

void build_ended(void *build);          /* on the engine thread: build_end() is done with it */

/* --- build.c: all block --- */

/* Checks paths, makes the folder to build in, writes the orders and places the task. `row` gets everything that
 * datasets_insert() needs from `spec` and the submission. Undone by build_unplace(). */
struct placing {
    struct datasets *datasets;
    const char *user;
    bool admin;
    const char *upload;         /* name of a folder below .new with what was uploaded; NULL */
    struct submission submission;
    struct submission_file orders;
    struct dataset row;
};
int build_place(struct placing *p, struct mem *mem, struct err *err);
void build_unplace(struct placing *p, struct mem *mem);

/* What to do when the task of a build has ended: reads the report, puts the dataset where it is found and stores the
 * end; or starts another task when it was lost. May be repeated after any interruption. For work_add(). */
void build_end(void *build);

/* The absolute path of a folder below <data>/datasets/.new, and of a dataset. */
const char *new_dir(const struct datasets *d, const char *name, struct mem *mem);
const char *dataset_dir(const struct datasets *d, const char *name, struct mem *mem);
char *new_name(struct mem *mem);            /* for a folder below .new: unlike every other */

/* Removes the files of a row that is marked as deleted, then the row. Blocks. */
int dataset_erase(struct datasets *d, const char *name, struct mem *mem, struct err *err);
