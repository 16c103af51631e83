// SPDX-License-Identifier: Apache-2.0
/* What can be learnt from a search: importance, curve, coordinates and exports. All of it is worked out on a worker
 * thread, from the search as of one moment. */
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "search/insight/chart.h"
#include "search/insight/csv.h"
#include "search/insight/experiment_store.h"
#include "search/insight/importance.h"
#include "search/loop.h"
#include "search/record.h"
#include "search/search_own.h"
#include "search/insight/study_export.h"
#include "store/db.h"
#include "tasks/tasks.h"

#include <fcntl.h>
#include <string.h>

enum {
    ROWS_DEFAULT = 1000,    /* of parallel coordinates: more lines than a screen can tell apart */
    ROWS_MAX     = 100000,
    PIECE        = 1 << 16, /* bytes of an export that are written at once */
};

/* One call, from its handler to the reply. */
struct lesson {
    struct call *call;
    struct search row;          /* as the caller may see it; with its spec from the worker on */
    struct search_plan plan;
    struct db *db;              /* the worker's own */
    struct tried *tried;
    struct text out;            /* the reply */
    int64_t n;                  /* ?seed= or ?rows= */
    bool flag;                  /* ?all= or ?marginals= */
    bool values;                /* the table needs them */
    void (*write)(struct lesson *l);
    const char *path;           /* of an export */
    int fd;
    const char *type, *suffix;
};

static const struct tasks_config *config_of(const struct call *c)
{
    return &((const struct searches *)c->room)->tasks->config;
}

static void lesson_release(void *arg)
{
    struct lesson *l = arg;

    db_close(l->db);
    tried_free(l->tried);
    text_done(&l->out);
    if (l->fd >= 0)
        close(l->fd);
}

/* The search of the path; NULL with err, or with the reply made because the client has it already. */
static struct lesson *lesson_new(struct call *c, struct err *err)
{
    struct lesson *l = mem_alloc(c->mem, sizeof *l);

    l->call = c;
    l->fd = -1;
    if (search_own(c, &l->row, err) < 0)
        return NULL;
    mem_on_free(c->mem, lesson_release, l);
    c->state = l;
    return l;
}

static int note_row(void *arg, const struct experiment *e, struct err *err)
{
    (void)err;
    tried_add(((struct lesson *)arg)->tried, e);
    return 0;
}

/* Opens the worker's connection and reads the search again, in a moment that lasts until end_reading(). */
static int read_search(struct lesson *l, struct err *err)
{
    struct mem *mem = l->call->mem;
    int64_t seq = l->row.seq;

    l->db = db_open(config_of(l->call)->db_path, DB_READ, err);
    if (!l->db || searches_read_begin(l->db, err) < 0 || searches_find(l->db, l->row.name, mem, &l->row, err) < 0)
        return -1;
    if (l->row.seq != seq)
        return err_set(err, ERR_NOT_FOUND, "there is no search \"%.100s\"", l->row.name);
    return document_read_stored(l->row.spec, mem, &l->plan, err);
}

/* Nothing may keep the write-ahead log from being emptied while a slow client takes its reply. */
static int end_reading(struct lesson *l, int rc)
{
    db_close(TAKE(l->db));
    return rc;
}

static void write_head(struct lesson *l)
{
    text_add(&l->out, "{\"hpoName\":");
    text_add_json(&l->out, l->row.name);
    text_add(&l->out, ",\"objectiveMetric\":");
    text_add_json(&l->out, l->plan.doc.algo.objective_metric);
}

static int read_table(struct lesson *l, struct err *err)
{
    if (read_search(l, err) < 0)
        return -1;
    l->tried = tried_new(&l->plan, l->values, l->row.n_complete);
    return experiments_each(l->db, l->row.name, note_row, l, err);
}

static int work_out(struct call *c, struct err *err)
{
    struct lesson *l = c->state;

    if (end_reading(l, read_table(l, err)) < 0)
        return -1;
    write_head(l);
    l->write(l);
    text_add_char(&l->out, '}');
    return 0;
}

static int send(struct call *c, struct err *err)
{
    struct lesson *l = c->state;

    (void)err;
    return reply_json(c, 200, &l->out);
}

static int learn(struct lesson *l, void (*write)(struct lesson *l), bool values)
{
    l->write = write;
    l->values = values;
    if (reply_unchanged(l->call, record_tag(&l->row, l->call->mem)))
        return 0;
    return call_work(l->call, work_out, send);
}

/* --- importance, curve, coordinates --- */

static void write_importance(struct lesson *l)
{
    const struct importance_setup setup = { .seed = (uint64_t)l->n, .marginals = l->flag };

    importance_write(l->tried, &setup, &l->out);
}

static int show_importance(struct call *c, struct err *err)
{
    struct lesson *l = lesson_new(c, err);

    if (!l || call_query_int(c, "seed", 0, INT64_MAX, &l->n, err) < 0)
        return -1;
    l->flag = call_query_bool(c, "marginals");
    return learn(l, write_importance, /* values= */ true);
}

static void write_objective(struct lesson *l)
{
    text_add(&l->out, l->plan.maximize ? ",\"objective\":\"maximize\"" : ",\"objective\":\"minimize\"");
}

static void write_curve(struct lesson *l)
{
    write_objective(l);
    curve_write(l->tried, l->row.created_ms, l->flag, &l->out);
}

static int show_curve(struct call *c, struct err *err)
{
    struct lesson *l = lesson_new(c, err);

    if (!l)
        return -1;
    l->flag = call_query_bool(c, "all");
    return learn(l, write_curve, /* values= */ false);
}

static void write_coordinates(struct lesson *l)
{
    write_objective(l);
    coordinates_write(l->tried, (size_t)l->n, &l->out);
}

static int show_coordinates(struct call *c, struct err *err)
{
    struct lesson *l = lesson_new(c, err);

    if (!l)
        return -1;
    l->n = ROWS_DEFAULT;
    if (call_query_int(c, "rows", 1, ROWS_MAX, &l->n, err) < 0)
        return -1;
    return learn(l, write_coordinates, /* values= */ true);
}

/* --- exports --- */

static int flush(struct lesson *l, struct err *err)
{
    if (file_write_all(l->fd, l->out.data, l->out.len) < 0)
        return err_errno(err, ERR_INTERNAL, "cannot write %s", l->path);
    text_clear(&l->out);
    return 0;
}

static int add_line(void *arg, const struct experiment *e, struct err *err)
{
    struct lesson *l = arg;

    csv_line(l->tried, &l->plan.doc.algo, e, &l->out);
    return l->out.len < PIECE ? 0 : flush(l, err);
}

/* Line by line into a file, which is sent from there: a search may be larger than memory is wanted for it. */
static int write_csv(struct lesson *l, struct err *err)
{
    if (read_search(l, err) < 0)
        return -1;
    l->tried = tried_new(&l->plan, /* values= */ false, 0);
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return err_errno(err, ERR_INTERNAL, "cannot write %s", l->path);
    csv_heading(l->tried, &l->plan.doc.algo, &l->out);
    if (experiments_each(l->db, l->row.name, add_line, l, err) == 0 && flush(l, err) == 0)
        return 0;
    unlink(l->path);
    return -1;
}

static int make_csv(struct call *c, struct err *err)
{
    struct lesson *l = c->state;

    return end_reading(l, write_csv(l, err));
}

static int write_optuna(struct lesson *l, struct err *err)
{
    if (read_search(l, err) < 0)
        return -1;
    return study_export(l->db, &l->row, &l->plan, l->path, l->call->mem, err);
}

static int make_optuna(struct call *c, struct err *err)
{
    struct lesson *l = c->state;

    return end_reading(l, write_optuna(l, err));
}

/* A name that no header, shell or file system minds. */
static const char *plain_name(const char *name, struct mem *mem)
{
    char *plain = mem_strdup(mem, name);

    for (char *c = plain; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
            *c = '_';
    return plain;
}

static int send_file(struct call *c, struct err *err)
{
    const struct lesson *l = c->state;

    (void)err;
    reply_header(c, "Content-Disposition",
                 mem_printf(c->mem, "attachment;filename=%s.%s", plain_name(l->row.name, c->mem), l->suffix));
    return reply_file(c, l->path, l->type, /* remove_after= */ true);
}

static int export_search(struct call *c, struct err *err)
{
    struct lesson *l = lesson_new(c, err);
    const char *format = call_query(c, "format");

    if (!l)
        return -1;
    l->path = mem_printf(c->mem, "%s/uploads/export-%s", config_of(c)->settings->data_dir, c->request_id);
    if (format && text_same(format, "optuna")) {
        l->type = "application/vnd.sqlite3";
        l->suffix = "db";
        return call_work(c, make_optuna, send_file);
    }
    if (format && *format && !text_same(format, "csv"))
        return err_field(err, "format", "csv or optuna", "a search cannot be exported as \"%.40s\"", format);
    l->type = "text/csv; charset=utf-8";
    l->suffix = "csv";
    return call_work(c, make_csv, send_file);
}

/* --- routes --- */

#define TAG      .tag = "HyperSearch"
#define REFUSALS .failures = FAILURES(400, 401, 404, 500)

const struct route learn_routes[] = {
    { GET, "/hypersearch/{hpoName}/importance", USER, show_importance, "getHPOImportance", TAG,
      .summary = "Which hyperparameters of a search matter",
      .query = PARAMS({ "seed", "integer", false, "of the forest; default 0" },
                      { "marginals", "boolean", false, "true adds the mean metric along each hyperparameter" }),
      .reply = { 200, "HpoImportance", importance_fields }, REFUSALS },
    { GET, "/hypersearch/{hpoName}/curve", USER, show_curve, "getHPOCurve", TAG,
      .summary = "The best metric so far, over time",
      .query = PARAMS({ "all", "boolean", false, "true gives every experiment, not only the improvements" }),
      .reply = { 200, "HpoCurve", curve_fields }, REFUSALS },
    { GET, "/hypersearch/{hpoName}/coordinates", USER, show_coordinates, "getHPOCoordinates", TAG,
      .summary = "Experiments as parallel coordinates",
      .query = PARAMS({ "rows", "integer", false, "at most so many experiments; default 1000" }),
      .reply = { 200, "HpoCoordinates", coordinates_fields }, REFUSALS },
    { GET, "/hypersearch/{hpoName}/export", USER, export_search, "exportHPO", TAG, .summary = "A search as a file",
      .query = PARAMS({ "format", "string", false, "csv (default) or optuna" }),
      .reply = { 200, "string" }, REFUSALS },
    { .path = NULL },
};
