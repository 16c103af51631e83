// SPDX-License-Identifier: Apache-2.0
/* What blocks, for worker threads: loading a search, placing a trial's files, reading its metric.
 */
#include "search/loop.h"

#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "search/insight/experiment_store.h"
#include "search/plugins/plugin_store.h"
#include "search/priors/prior_store.h"
#include "store/db.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_store.h"
#include "tasks/insight.h"
#include "tasks/tasks.h"

#include <math.h>
#include <string.h>

static const struct tasks_config *config_of(const struct live *live)
{
    return &live->searches->tasks->config;
}

/* --- a trial --- */

static int prepare(struct trial *t, struct err *err)
{
    const struct live *live = t->live;
    struct submission_file *package = mem_alloc(t->mem, sizeof *package);
    CLEANUP(text_done) struct text config = {0};
    struct value *values;
    int n;

    if (values_read(t->row.hyperparams, t->row.resource, t->mem, &values, &n, err) < 0)
        return -1;
    values_config(values, n, &config);
    package->path = live->package;
    t->submission = (struct submission){
        .user = live->row.creator,
        .sig_name = live->row.sig_name,
        .args = live->row.args,
        .files = package,
        .n_files = live->package ? 1 : 0,
        .config_json = mem_strdup(t->mem, config.data),
        .search = live->row.name,
        .trial = t->row.id,
    };
    if (submit_check(live->searches->tasks, &t->submission, t->mem, err) < 0)
        return -1;
    return submit_place(live->searches->tasks, &t->submission, t->mem, err);
}

void trial_prepare(void *arg)
{
    struct trial *t = arg;

    t->err = (struct err){0};
    prepare(t, &t->err);
    loop_post(config_of(t->live)->loop, trial_prepared, t);
}

void trial_undo(void *arg)
{
    struct trial *t = arg;

    submit_undo(t->live->searches->tasks, t->submission.exec.id, t->submission.exec.creator);
    loop_post(config_of(t->live)->loop, trial_undone, t);
}

void trial_read(void *arg)
{
    struct trial *t = arg;
    const struct live *live = t->live;
    const struct algo_def *a = &live->plan.doc.algo;
    const char *dir =
        exec_result_dir(config_of(live)->settings, live->row.creator, t->row.exec, t->mem);
    struct list metrics = metrics_wanted(a, t->mem);
    struct err err = {0};

    t->row.metric = NAN;
    if (insight_objective(dir, a->objective_metric, live->plan.maximize, &t->row.metric,
                          metrics.n ? &metrics : NULL, t->mem, &err) < 0) {
        t->row.metric = NAN;
        t->row.message = mem_strdup(t->mem, err.text);
    }
    t->row.metrics = metrics_text(&metrics, t->mem);
    loop_post(config_of(live)->loop, trial_was_read, t);
}

/* A task that was deleted was stopped first. */
static int check_exec(struct db *db, struct exec *e, struct mem *mem, struct err *err)
{
    const struct exec asked = *e;

    if (execs_load(db, asked.id, mem, e, err) == 0)
        return 0;
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    fields_init(exec_fields, e);
    e->id = asked.id;
    e->search = asked.search;
    e->trial = asked.trial;
    e->state = exec_state_name(EXEC_KILLED);
    e->events = "its task was deleted";
    *err = (struct err){0};
    return 0;
}

void check_execs(void *arg)
{
    struct check *check = arg;
    struct exec *e = check->execs.items;
    CLEANUP(db_closep) struct db *db = NULL;

    check->err = (struct err){0};
    db = db_open(config_of(check->live)->db_path, DB_READ, &check->err);
    for (size_t i = 0; db && i < check->execs.n; i++)
        if (check_exec(db, &e[i], check->mem, &check->err) < 0)
            break;
    loop_post(config_of(check->live)->loop, execs_checked, check);
}

/* --- a search --- */

const double *cube_read(const char *text, int n_dims, struct mem *mem)
{
    double *cube = mem_alloc(mem, (size_t)(n_dims + 1) * sizeof *cube);
    json_t *json = json_loads(text, 0, NULL);

    for (int i = 0; i < n_dims; i++)
        cube[i] = json_number_value(json_array_get(json, (size_t)i));
    json_decref(json);
    return cube;
}

static struct experiment copy_row(const struct experiment *e, struct mem *mem)
{
    struct experiment copy = *e;

    copy.cube = mem_strdup(mem, e->cube);
    copy.hyperparams = mem_strdup(mem, e->hyperparams);
    copy.state = mem_strdup(mem, e->state);
    copy.metrics = NULL; /* it has those of its end, or none */
    copy.message = mem_strdup(mem, e->message);
    copy.exec = mem_strdup(mem, e->exec);
    copy.driver_id = mem_strdup(mem, e->driver_id);
    return copy;
}

static void queue(struct live *live, int64_t id, const struct experiment *row)
{
    struct trial *t = trial_new(live);

    t->row.id = id;
    if (!row)
        return;
    t->again = true;
    t->row.cube = mem_strdup(t->mem, row->cube);
    t->row.hyperparams = mem_strdup(t->mem, row->hyperparams);
    t->row.resource = row->resource;
    t->row.parent = row->parent;
    t->cube = cube_read(row->cube, live->plan.space.n_dims, t->mem);
}

static void take_over(struct live *live, const struct experiment *row)
{
    struct trial *t = trial_new(live);

    t->row = copy_row(row, t->mem);
    t->cube = cube_read(row->cube, live->plan.space.n_dims, t->mem);
    t->phase = TRIAL_ACTIVE;
    live->n_under_way++;
    t->adopted = true;
    live->n_slots++;
}

static void tell_stored(struct live *live, const struct experiment *e, enum trial_state state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new(); /* algorithms keep what they need */

    algorithm_tell(live->plan.algorithm, live->algorithm,
                   &(struct outcome){ .trial = e->id,
                                      .cube = cube_read(e->cube, live->plan.space.n_dims, mem),
                                      .resource = e->resource, .parent = e->parent, .state = state,
                                      .objective = e->metric, .row = e });
}

struct loading {
    struct live *live;
    struct db *db;
};

/* What was known before is told as experiments that ended well, with numbers below 0. */
static void tell_prior(void *arg, int64_t n, const struct prior *prior)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text echo = {0};
    struct live *live = arg;
    const struct space *space = &live->plan.space;
    struct value *values = mem_alloc(mem, ((size_t)space->n_dims + 1) * sizeof *values);
    struct experiment e;

    fields_init(experiment_fields, &e);
    space_values(space, cube_read(prior->cube, space->n_dims, mem), values);
    values_echo(values, space->n_dims, &echo);
    e.id = -n;
    e.cube = prior->cube;
    e.hyperparams = echo.data;
    e.state = "FINISHED";
    e.metric = prior->objective;
    tell_stored(live, &e, TRIAL_DONE);
}

/* An ended experiment is told, a running one is taken over, any other runs again. */
static int load_experiment(void *arg, const struct experiment *e, struct err *err)
{
    const struct loading *loading = arg;
    struct live *live = loading->live;
    bool fine = strcmp(e->state, "FINISHED") == 0;

    while (live->next_id < e->id) /* never stored, though a later one was */
        queue(live, live->next_id++, NULL);
    live->next_id = e->id + 1;
    if (early_load(live, loading->db, e, err) < 0)
        return -1;
    if (e->ended_ms == INT_UNSET) {
        if (e->exec)
            take_over(live, e);
        else
            queue(live, e->id, e);
        tell_stored(live, e, TRIAL_PENDING);
        return 0;
    }
    live->n_run++;
    live->has_best |= fine;
    tell_stored(live, e, fine ? TRIAL_DONE : TRIAL_FAILED);
    return 0;
}

static int load_algorithm(struct live *live, struct db *db, struct err *err)
{
    const struct algorithm_source plugins = plugins_source(db);
    const char *spec = live->row.spec;

    if (document_read(spec, strlen(spec), /* log_power= */ true, &plugins, live->mem, &live->plan, err) < 0)
        return -1;
    live->algorithm = search_algorithm(&live->plan, live->row.seed, search_wake, live, err);
    if (!live->algorithm)
        return -1;
    return live->plan.algorithm->resume ? live->plan.algorithm->resume(live->algorithm, live, db, err) : 0;
}

static int load(struct live *live, struct db *db, const char *name, struct err *err)
{
    const struct settings *settings = config_of(live)->settings;
    struct loading loading = { live, db };

    if (searches_find(db, name, live->mem, &live->row, err) < 0 || load_algorithm(live, db, err) < 0)
        return -1;
    early_begin(live);
    if (priors_each(db, name, tell_prior, live, err) < 0 ||
        experiments_each(db, name, load_experiment, &loading, err) < 0)
        return -1;
    live->state = (enum search_state)search_state_parse(live->row.state);
    if (live->row.package) {
        live->package =
            mem_printf(live->mem, "%s/searches/%s/package", settings->data_dir, live->row.package);
        live->files_gone = !file_is_dir(live->package);
    }
    live->stopping = live->files_gone || strcmp(live->row.wish, "stop") == 0;
    return 0;
}

struct live *live_load(struct searches *s, const char *name, struct err *err)
{
    CLEANUP(db_closep) struct db *db = db_open(s->tasks->config.db_path, DB_READ, err);
    struct live *live;

    if (!db)
        return NULL;
    live = xcalloc(1, sizeof *live);
    live->searches = s;
    live->trials_end = &live->trials;
    live->mem = mem_new();
    if (load(live, db, name, err) == 0)
        return live;
    live_free(live);
    return NULL;
}
