// SPDX-License-Identifier: Apache-2.0
#pragma once
/* From a request to a stored task, in three steps that REST calls and searches share:
 *
 *   submit_check()   pure checks: args, framework, group, resources; gives the id
 *   submit_place()   blocking: folders, package, config.json; refuses a package without its main file
 *   submit_store()   on the writer's thread: the row and its event, one change
 *
 * then tasks_admit(). submit_place() leaves nothing behind when it fails; when a later step fails, call
 * submit_undo(). */

#include "frameworks/framework.h"
#include "tasks/args.h"
#include "tasks/exec.h"

struct db;
struct err;
struct mem;
struct tasks;

struct submission_file {
    const char *path;           /* where it lies now; of a folder the contents are copied */
    const char *data;           /* path NULL: the bytes, `len` of them */
    int64_t len;
    const char *name;           /* its name in the package; NULL: from --model-main */
    bool move;                  /* the file may be moved away instead of copied */
};

struct submission {
    /* set by the caller */
    const char *user;           /* who submits */
    bool admin;
    const char *sig_name;       /* NULL or "": --ig, else the default */
    const char *args;
    const json_t *data;         /* the `data` part: hardwareSpec, dataSource; NULL */
    const struct submission_file *files;    /* the first is the model, others lie beside it */
    int n_files;
    const char *config_json;    /* written as config.json into the work dir; NULL: none */
    const char *search;         /* a trial: its search and number; NULL */
    int64_t trial;
    const char *dataset;        /* the builder of a dataset: its name; NULL */
    /* set by submit_check() */
    struct args parsed;
    struct framework framework;
    struct exec exec;           /* complete but for main_file and work_dir, which submit_place() sets */
};

/* All ERR_BAD_INPUT unless our fault. Everything lives in `mem`; `data` is only borrowed. */
int submit_check(struct tasks *t, struct submission *s, struct mem *mem, struct err *err);
int submit_place(struct tasks *t, struct submission *s, struct mem *mem, struct err *err);
int submit_store(struct db *db, const struct exec *exec, struct err *err);  /* ERR_CONFLICT: its dataset went away */
void submit_undo(struct tasks *t, const char *exec_id, const char *user);   /* blocking */
