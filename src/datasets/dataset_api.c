// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "datasets/build.h"
#include "datasets/dataset_own.h"
#include "datasets/progress.h"
#include "tasks/exec_paths.h"

#include <string.h>

static struct datasets *room(const struct call *c) { return c->room; }

static void add_progress(struct call *c, struct dataset *d)
{
    const char *run_dir = exec_run_dir(room(c)->tasks->config.settings, d->exec, c->mem);

    if (!dataset_is_final(d->status))
        progress_read(exec_log_path(run_dir, "worker-0", "out", c->mem), c->mem, &d->progress, &d->percent);
}

int dataset_seen(struct call *c, struct dataset *ret, struct err *err)
{
    const char *name = call_param(c, "datasetname");

    if (datasets_find(c->db, name, c->mem, ret, err) < 0)
        return -1;
    if (!ret->shared && !call_owns(c, ret->creator))
        return err_set(err, ERR_NOT_FOUND, "there is no dataset \"%.100s\"", name);
    return dataset_fill(ret, clock_unix_ms(), c->mem, err);
}

static int own(struct call *c, struct dataset *ret, struct err *err)
{
    if (dataset_seen(c, ret, err) < 0)
        return -1;
    if (!call_owns(c, ret->creator))
        return err_set(err, ERR_FORBIDDEN, "the dataset \"%.100s\" belongs to %s", ret->spec.name, ret->creator);
    return 0;
}

/* --- looking --- */

static int show_dataset(struct call *c, struct err *err)
{
    struct dataset d;

    if (dataset_seen(c, &d, err) < 0)
        return -1;
    add_progress(c, &d);
    return reply_fields(c, 200, dataset_fields, &d);
}

struct listing {
    struct call *call;
    struct text out;
};

static int add_dataset(void *arg, const struct dataset *row, struct mem *mem, struct err *err)
{
    struct listing *l = arg;
    struct dataset d = *row;

    if (dataset_fill(&d, clock_unix_ms(), mem, err) < 0)
        return -1;
    add_progress(l->call, &d);
    text_add_char(&l->out, l->out.len ? ',' : '[');
    fields_to_text(dataset_fields, &d, &l->out);
    return 0;
}

static int list_datasets(struct call *c, struct err *err)
{
    struct listing l = { .call = c };

    if (datasets_each(c->db, c->role == ADMIN ? NULL : c->user, add_dataset, &l, err) < 0) {
        text_done(&l.out);
        return -1;
    }
    text_add(&l.out, l.out.len ? "]" : "[]");
    return reply_json(c, 200, &l.out);
}

/* --- stop --- */

static void stop_stored(void *arg, const struct err *err)
{
    struct call *c = arg;

    *c->err = *err;
    call_wake(c);
}

static int stopped(struct call *c, struct err *err)
{
    if (c->err->kind == ERR_NONE)
        return reply_empty(c, 200);
    *err = *c->err;
    return -1;
}

/* Whichever task builds it now; another one will not begin. */
static int stop_task(struct call *c, struct err *err)
{
    struct dataset d;
    int waits;

    if (datasets_find(c->db, c->state, c->mem, &d, err) < 0)
        return -1;
    waits = call_wait(c, stopped);
    tasks_stop(room(c)->tasks, d.exec, /* force= */ false, stop_stored, c);
    return waits;
}

static int make_stop(struct db *db, void *arg, struct err *err) { return datasets_ask_stop(db, arg, err); }

static int stop_dataset(struct call *c, struct err *err)
{
    struct dataset d;

    if (own(c, &d, err) < 0)
        return -1;
    if (dataset_is_final(d.status))
        return err_set(err, ERR_BAD_INPUT, "the dataset \"%.100s\" is not being built: it is %s", d.spec.name, d.status);
    c->state = (void *)d.spec.name;
    return call_write(c, make_stop, c->state, stop_task);
}

/* --- delete --- */

static int make_delete(struct db *db, void *arg, struct err *err) { return datasets_mark_deleted(db, arg, err); }

static int erase(struct call *c, struct err *err) { return dataset_erase(room(c), c->state, c->mem, err); }

static int erased(struct call *c, struct err *err)
{
    (void)err;
    return reply_empty(c, 200);
}

static int marked(struct call *c, struct err *err)
{
    (void)err;
    tasks_sweep(room(c)->tasks);
    return call_work(c, erase, erased);
}

static int delete_dataset(struct call *c, struct err *err)
{
    struct dataset d;

    if (own(c, &d, err) < 0)
        return -1;
    if (!dataset_is_final(d.status))
        return err_set(err, ERR_CONFLICT, "the dataset \"%.100s\" is being built; stop it first", d.spec.name);
    c->state = (void *)d.spec.name;
    return call_write(c, make_delete, c->state, marked);
}

/* --- routes --- */

#define TAG .tag = "Datasets"

const struct route datasets_routes[] = {
    { GET, "/datasets", USER, list_datasets, "getFullDatasetDetails", TAG, .summary = "The datasets you may see",
      .reply = { 200, "[DatasetDetail]", dataset_fields }, .failures = FAILURES(400, 401, 403, 500) },
    { POST, "/datasets", USER, dataset_create, "addDataset", TAG, .summary = "Create a dataset from paths on the server",
      JSON_BODY(struct dataset_spec, dataset_spec_fields, "DatasetCreateParam"), .reply = { 201 },
      .failures = FAILURES(400, 401, 403, 500) },
    { POST, "/datasets/upload", USER, dataset_upload, "uploadDataset", TAG, .summary = "Create a dataset from files that are sent",
      .form = true, .parts = PARAMS({ "data", "string", true, "the document of POST /datasets; paths are relative to what is sent" },
                                    { "file", "file", true, "a tar, tar.gz or zip, or files" }),
      .reply = { 201 }, .failures = FAILURES(400, 401, 403, 500) },
    { GET, "/datasets/{datasetname}", USER, show_dataset, "getDatasetInfo", TAG, .summary = "One dataset",
      .reply = { 200, "DatasetDetail", dataset_fields }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { DELETE, "/datasets/{datasetname}", USER, delete_dataset, "deleteDatasetInfo", TAG, .summary = "Delete a dataset",
      .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 409, 500) },
    { PUT, "/datasets/{datasetname}/stop", USER, stop_dataset, "stopDataSet", TAG, .summary = "Stop building a dataset",
      .reply = { 200 }, .failures = FAILURES(400, 401, 403, 404, 500) },
    { .path = NULL },
};
