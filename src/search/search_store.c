// SPDX-License-Identifier: Apache-2.0
#include "search/search_store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "search/echo.h"
#include "search/insight/experiment_store.h"
#include "store/db.h"
#include "tasks/exec.h"
#include "tasks/exec_store.h"
#include "tasks/submit.h"

#include <math.h>

/* All but spec, which is as long as its list of experiments. */
#define SEARCH_HEAD \
    "seq, name, creator, state, message, sig_name, args, package, seed, created_ms, started_ms, ended_ms," \
    " spent_ms, wish, planned, n_running, n_complete, n_failed, best, best_metric, version, prior_told, prior_skipped"

#define LIVE "('NOTRUN', 'SUBMITTED', 'PENDING_CRD_SCHEDULER', 'RUNNING')"      /* of experiments */

/* The version that a change of an experiment belongs to: the search has it already, or gets it with the next
 * statement of the same change. */
#define THIS_VERSION "(SELECT version FROM search WHERE name = :search)"
#define NEXT_VERSION "(SELECT version + 1 FROM search WHERE name = :search)"

static const char sql_find[] =
    "SELECT " SEARCH_HEAD ", spec"
    "  FROM search"
    " WHERE name = :name";

static const char sql_look[] =
    "SELECT " SEARCH_HEAD
    "  FROM search"
    " WHERE name = :name";

static const char sql_each[] =
    "SELECT " SEARCH_HEAD
    "  FROM search"
    " ORDER BY seq";

static const char sql_each_of[] =
    "SELECT " SEARCH_HEAD
    "  FROM search"
    " WHERE creator = :creator"
    " ORDER BY seq";

static const char sql_unfinished[] =
    "SELECT " SEARCH_HEAD
    "  FROM search"
    " WHERE ended_ms IS NULL OR wish = 'force'"
    " ORDER BY seq";

static const char sql_packages[] =
    "SELECT package"
    "  FROM search"
    " WHERE package IS NOT NULL";

static const char sql_begin[] = "BEGIN";
static const char sql_end_read[] = "COMMIT";

static const char sql_insert[] =
    "INSERT INTO search (name, creator, state, sig_name, args, spec, package, seed, created_ms, started_ms, planned,"
    "                    prior_told, prior_skipped)"
    " VALUES (:name, :creator, :state, :sig_name, :args, :spec, :package, :seed, :created, :created, :planned,"
    "         :told, :skipped)";

static const char sql_admit[] =
    "UPDATE search"
    "   SET n_running = n_running + 1, version = version + 1"
    " WHERE name = :name AND ended_ms IS NULL AND wish = ''";

static const char sql_first[] =
    "UPDATE search"
    "   SET state = 'RUNNING'"
    " WHERE name = :name AND state = 'SUBMITTED'";

static const char sql_experiment_insert[] =
    "INSERT INTO experiment (search, id, cube, hyperparams, resource, parent, state, exec, driver_id, changed)"
    " VALUES (:search, :id, :cube, :hyperparams, :resource, :parent, :state, :exec, :driver, " THIS_VERSION ")";

static const char sql_experiment_again[] =
    "UPDATE experiment"
    "   SET state = :state, exec = :exec, driver_id = :driver, changed = " THIS_VERSION
    " WHERE search = :search AND id = :id AND state = 'NOTRUN'";

static const char sql_experiment_run[] =
    "UPDATE experiment"
    "   SET state = :state, started_ms = :started, changed = " NEXT_VERSION
    " WHERE search = :search AND id = :id AND exec = :exec AND state IN " LIVE;

static const char sql_experiment_end[] =
    "UPDATE experiment"
    "   SET state = :state, metric = :metric, metrics = :metrics, message = :message,"
    "       started_ms = :started, ended_ms = :ended, changed = " NEXT_VERSION
    " WHERE search = :search AND id = :id AND exec IS :exec AND state IN " LIVE;

/* A restarted server reads again what is known: that is no change. */
static const char sql_experiment_measured[] =
    "UPDATE experiment"
    "   SET metrics = :metrics, changed = " NEXT_VERSION
    " WHERE search = :search AND id = :id AND exec = :exec AND state = 'RUNNING' AND metrics IS NOT :metrics";

static const char sql_experiment_stop_early[] =
    "UPDATE experiment"
    "   SET stopped_early = 1, message = :message, changed = " NEXT_VERSION
    " WHERE search = :search AND id = :id AND exec = :exec AND state IN " LIVE;

static const char sql_touch[] =
    "UPDATE search"
    "   SET version = version + 1"
    " WHERE name = :name";

static const char sql_count_end[] =
    "UPDATE search"
    "   SET n_running = n_running - 1, n_complete = n_complete + 1, n_failed = n_failed + :failed,"
    "       version = version + 1"
    " WHERE name = :name";

static const char sql_best[] =
    "UPDATE search"
    "   SET best = :id, best_metric = :metric"
    " WHERE name = :name";

static const char sql_requeue[] =
    "UPDATE experiment"
    "   SET state = 'NOTRUN', metrics = NULL, exec = NULL, driver_id = NULL, started_ms = NULL, stopped_early = 0,"
    "       changed = " NEXT_VERSION
    " WHERE search = :search AND id = :id AND exec = :exec AND state IN " LIVE;

static const char sql_count_requeue[] =
    "UPDATE search"
    "   SET n_running = n_running - 1, version = version + 1"
    " WHERE name = :name";

static const char sql_kill_live[] =
    "UPDATE experiment"
    "   SET state = 'KILLED', metric = :metric, metrics = NULL, message = :message, ended_ms = :now,"
    "       changed = " NEXT_VERSION
    " WHERE search = :search AND state IN " LIVE;

static const char sql_end[] =
    "UPDATE search"
    "   SET state = :state, message = :message, ended_ms = :now, n_running = 0, wish = :wish,"
    "       n_complete = n_complete + :killed, n_failed = n_failed + :killed, version = version + 1"
    " WHERE name = :name AND ended_ms IS NULL";

static const char sql_ask_stop[] =
    "UPDATE search"
    "   SET wish = 'stop', version = version + 1"
    " WHERE name = :name AND ended_ms IS NULL";

static const char sql_force_done[] =
    "UPDATE search"
    "   SET wish = ''"
    " WHERE name = :name AND wish = 'force' AND ended_ms IS NOT NULL";

static const char sql_restart[] =
    "UPDATE search"
    "   SET state = 'SUBMITTED', message = NULL, wish = '', spent_ms = spent_ms + max(0, ended_ms - started_ms),"
    "       started_ms = :now, ended_ms = NULL, version = version + 1"
    " WHERE name = :name AND state IN ('STOPPED', 'RECOVERFAILED')";

static const char sql_reopen[] =
    "UPDATE experiment"
    "   SET state = 'NOTRUN', metric = NULL, metrics = NULL, message = NULL, exec = NULL, driver_id = NULL,"
    "       started_ms = NULL, ended_ms = NULL, stopped_early = 0, told = NULL, changed = " THIS_VERSION
    " WHERE search = :search AND state = 'KILLED'";

static const char sql_count_reopen[] =
    "UPDATE search"
    "   SET n_running = 0, n_complete = n_complete - :again, n_failed = n_failed - :again"
    " WHERE name = :name";

static const char sql_mark_execs[] =
    "UPDATE exec"
    "   SET deleted = 1, stop_asked = 1"
    " WHERE search = :name AND deleted = 0"
    "   AND id IN (SELECT exec FROM experiment WHERE search = :name)";

static const char sql_remove[] =
    "DELETE FROM search"
    " WHERE name = :name AND ended_ms IS NOT NULL";

static const char sql_count_active[] =
    "SELECT count(*)"
    "  FROM search"
    " WHERE ended_ms IS NULL AND (:creator IS NULL OR creator = :creator)";

static const char sql_mark_all_execs[] =
    "UPDATE exec"
    "   SET deleted = 1, stop_asked = 1"
    " WHERE deleted = 0 AND id IN"
    "       (SELECT exec FROM experiment WHERE search IN"
    "        (SELECT name FROM search WHERE :creator IS NULL OR creator = :creator))";

static const char sql_remove_all[] =
    "DELETE FROM search"
    " WHERE :creator IS NULL OR creator = :creator";

static const char sql_event[] =
    "INSERT INTO event (time_ms, owner, kind, subject, data)"
    " VALUES (:time, :owner, :kind, :subject, :data)";

/* --- reading --- */

static int find(struct db *db, const char *sql, const char *name, struct mem *mem,
                struct search *ret, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    struct search s;
    int n;

    if (query_start(&q, db, sql, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    fields_init(search_fields, &s);
    n = query_next(&q, search_fields, &s, mem, err);
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no search \"%.100s\"", name);
    if (n < 0)
        return -1;
    *ret = s;
    return 0;
}

int searches_find(struct db *db, const char *name, struct mem *mem, struct search *ret,
                  struct err *err)
{
    return find(db, sql_find, name, mem, ret, err);
}

int searches_look(struct db *db, const char *name, struct mem *mem, struct search *ret,
                  struct err *err)
{
    return find(db, sql_look, name, mem, ret, err);
}

static int each_search(struct query *q, search_each_fn *each, void *arg, struct err *err)
{
    for (;;) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct search s;
        int n;

        fields_init(search_fields, &s);
        n = query_next(q, search_fields, &s, mem, err);
        if (n <= 0)
            return n;
        if (each(arg, &s, err) < 0)
            return -1;
    }
}

int searches_each(struct db *db, const char *creator, search_each_fn *each, void *arg,
                  struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (creator && query_start(&q, db, sql_each_of, BINDS(BIND_T(":creator", creator)), err) < 0)
        return -1;
    if (!creator && query_start(&q, db, sql_each, NULL, err) < 0)
        return -1;
    return each_search(&q, each, arg, err);
}

int searches_each_unfinished(struct db *db, search_each_fn *each, void *arg, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_unfinished, NULL, err) < 0)
        return -1;
    return each_search(&q, each, arg, err);
}

int searches_each_package(struct db *db, void (*each)(void *arg, const char *package), void *arg,
                          struct err *err)
{
    CLEANUP(query_done) struct query q = {0};
    int n;

    if (query_start(&q, db, sql_packages, NULL, err) < 0)
        return -1;
    while ((n = query_next(&q, NULL, NULL, NULL, err)) > 0)
        each(arg, query_text(&q, 0));
    return n;
}

int searches_read_begin(struct db *db, struct err *err)
{
    return db_run(db, sql_begin, NULL, err) < 0 ? -1 : 0;
}

void searches_read_end(struct db *db)
{
    struct err err = {0};

    db_run(db, sql_end_read, NULL, &err); /* a read transaction has nothing to lose */
}

/* --- events --- */

/* `experiment` -1: about the search itself. */
static int tell(struct db *db, const char *name, int64_t experiment, struct search_news *news,
                struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct search s;
    struct experiment e;

    if (searches_look(db, name, mem, &s, err) < 0)
        return -1;
    if (experiment >= 0 && experiments_find(db, name, experiment, mem, &e, err) < 0)
        return -1;
    text_clear(&news->json);
    news->kind = experiment >= 0 ? "search.experiment" : "search.state";
    echo_event(&s, experiment >= 0 ? &e : NULL, &news->json);
    if (db_run(db, sql_event,
               BINDS(BIND_I(":time", clock_unix_ms()), BIND_T(":owner", s.creator),
                     BIND_T(":kind", news->kind), BIND_T(":subject", name),
                     BIND_T(":data", news->json.data)),
               err) < 0)
        return -1;
    news->event_id = db_last_id(db);
    return 0;
}

/* --- changes --- */

/* db_run() where any number of rows will do. */
static int change_any(struct db *db, const char *sql, const struct bind *binds, struct err *err)
{
    return db_run(db, sql, binds, err) < 0 ? -1 : 0;
}

/* db_run() that knows what it means when no row matches. */
static int change_one(struct db *db, const char *sql, const struct bind *binds, const char *name,
                      struct err *err)
{
    int n = db_run(db, sql, binds, err);

    if (n == 0)
        return err_set(err, ERR_CONFLICT,
                       "the search \"%.100s\" is not in a state that allows this", name);
    return n < 0 ? -1 : 0;
}

/* A number that may be INT_UNSET. */
#define BIND_OPTIONAL(name_, v) \
    (v) == INT_UNSET ? (struct bind)BIND_T((name_), NULL) : (struct bind)BIND_I((name_), (v))

int searches_insert(struct db *db, const struct search *s, struct search_news *news,
                    struct err *err)
{
    if (db_run(db, sql_insert,
               BINDS(BIND_T(":name", s->name), BIND_T(":creator", s->creator),
                     BIND_T(":state", s->state), BIND_T(":sig_name", s->sig_name),
                     BIND_T(":args", s->args), BIND_T(":spec", s->spec),
                     BIND_T(":package", s->package), BIND_I(":seed", s->seed),
                     BIND_I(":created", s->created_ms), BIND_I(":planned", s->planned),
                     BIND_OPTIONAL(":told", s->prior_told),
                     BIND_OPTIONAL(":skipped", s->prior_skipped)),
               err) < 0) {
        if (err->kind == ERR_CONFLICT)
            err_set(err, ERR_CONFLICT,
                    "there is a search named \"%.100s\" already; delete it or choose another name",
                    s->name);
        return -1;
    }
    return tell(db, s->name, -1, news, err);
}

int experiments_start(struct db *db, const char *search, const struct experiment *e, bool again,
                      const struct exec *exec, struct search_news *news, struct err *err)
{
    const struct bind *binds =
        BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":state", e->state),
              BIND_T(":exec", e->exec), BIND_T(":driver", e->driver_id));
    const struct bind *all =
        BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":state", e->state),
              BIND_T(":exec", e->exec), BIND_T(":driver", e->driver_id), BIND_T(":cube", e->cube),
              BIND_T(":hyperparams", e->hyperparams), BIND_OPTIONAL(":resource", e->resource),
              BIND_OPTIONAL(":parent", e->parent));
    int first;

    if (change_one(db, sql_admit, BINDS(BIND_T(":name", search)), search, err) < 0)
        return -1;
    if (exec && submit_store(db, exec, err) < 0)
        return -1;
    if (again && change_one(db, sql_experiment_again, binds, search, err) < 0)
        return -1;
    if (!again && db_run(db, sql_experiment_insert, all, err) < 0)
        return -1;
    news->event_id = 0;
    first = db_run(db, sql_first, BINDS(BIND_T(":name", search)), err);
    return first > 0 ? tell(db, search, -1, news, err) : first;
}

int experiments_run(struct db *db, const char *search, const struct experiment *e,
                    struct search_news *news, struct err *err)
{
    int n =
        db_run(db, sql_experiment_run,
               BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":state", e->state),
                     BIND_T(":exec", e->exec), BIND_I(":started", e->started_ms)),
               err);

    news->event_id = 0;
    if (n <= 0)
        return n;
    if (db_run(db, sql_touch, BINDS(BIND_T(":name", search)), err) < 0)
        return -1;
    return tell(db, search, e->id, news, err);
}

static int update_best(struct db *db, const char *search, const struct experiment *e, bool maximize,
                       struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct search s;

    if (searches_look(db, search, mem, &s, err) < 0)
        return -1;
    if (!metric_is_better(maximize, e->metric, e->id, s.best_metric, s.best))
        return 0;
    return change_any(
        db, sql_best,
        BINDS(BIND_T(":name", search), BIND_I(":id", e->id), BIND_R(":metric", e->metric)), err);
}

int experiments_end(struct db *db, const char *search, const struct experiment *e, bool maximize,
                    struct search_news *news, struct err *err)
{
    bool fine = text_same(e->state, "FINISHED");
    int n =
        db_run(db, sql_experiment_end,
               BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":state", e->state),
                     BIND_R(":metric", e->metric), BIND_T(":metrics", e->metrics),
                     BIND_T(":message", e->message), BIND_T(":exec", e->exec),
                     BIND_OPTIONAL(":started", e->started_ms), BIND_I(":ended", e->ended_ms)),
               err);

    news->event_id = 0;
    if (n <= 0)
        return n;
    if (change_any(db, sql_count_end, BINDS(BIND_T(":name", search), BIND_I(":failed", !fine)),
                   err) < 0)
        return -1;
    if (fine && update_best(db, search, e, maximize, err) < 0)
        return -1;
    return tell(db, search, e->id, news, err);
}

int experiments_measured(struct db *db, const char *search, const struct list *experiments, struct err *err)
{
    const struct experiment *e = experiments->items;
    bool changed = false;

    for (size_t i = 0; i < experiments->n; i++) {
        int n = db_run(db, sql_experiment_measured,
                       BINDS(BIND_T(":search", search), BIND_I(":id", e[i].id), BIND_T(":exec", e[i].exec),
                             BIND_T(":metrics", e[i].metrics)),
                       err);

        if (n < 0)
            return -1;
        changed |= n > 0;
    }
    return changed ? change_any(db, sql_touch, BINDS(BIND_T(":name", search)), err) : 0;
}

int experiments_stop_early(struct db *db, const char *search, const struct experiment *e, struct err *err)
{
    int n = db_run(db, sql_experiment_stop_early,
                   BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":exec", e->exec),
                         BIND_T(":message", e->message)),
                   err);

    return n > 0 ? change_any(db, sql_touch, BINDS(BIND_T(":name", search)), err) : n;
}

int experiments_requeue(struct db *db, const char *search, const struct experiment *e,
                        struct err *err)
{
    int n = db_run(db, sql_requeue,
                   BINDS(BIND_T(":search", search), BIND_I(":id", e->id), BIND_T(":exec", e->exec)),
                   err);

    if (n <= 0)
        return n;
    return change_any(db, sql_count_requeue, BINDS(BIND_T(":name", search)), err);
}

static int end(struct db *db, const char *name, const char *state, const char *message,
               const char *wish, int64_t now_ms, struct search_news *news, struct err *err)
{
    int killed = db_run(db, sql_kill_live,
                        BINDS(BIND_T(":search", name), BIND_R(":metric", METRIC_FAILED),
                              BIND_I(":now", now_ms), BIND_T(":message", "the search ended first")),
                        err);

    if (killed < 0 || change_one(db, sql_end,
                                 BINDS(BIND_T(":name", name), BIND_T(":state", state),
                                       BIND_T(":message", message), BIND_T(":wish", wish),
                                       BIND_I(":now", now_ms), BIND_I(":killed", killed)),
                                 name, err) < 0)
        return -1;
    return tell(db, name, -1, news, err);
}

int searches_end(struct db *db, const char *name, enum search_state state, const char *message,
                 int64_t now_ms, struct search_news *news, struct err *err)
{
    return end(db, name, search_state_name(state), message, "", now_ms, news, err);
}

int searches_ask_stop(struct db *db, const char *name, struct err *err)
{
    return change_one(db, sql_ask_stop, BINDS(BIND_T(":name", name)), name, err);
}

int searches_force(struct db *db, const char *name, int64_t now_ms, struct search_news *news,
                   struct err *err)
{
    return end(db, name, search_state_name(SEARCH_STOPPED), NULL, "force", now_ms, news, err);
}

int searches_force_done(struct db *db, const char *name, struct err *err)
{
    return change_any(db, sql_force_done, BINDS(BIND_T(":name", name)), err);
}

int searches_restart(struct db *db, const char *name, int64_t now_ms, struct search_news *news,
                     struct err *err)
{
    int again;

    if (change_one(db, sql_restart, BINDS(BIND_T(":name", name), BIND_I(":now", now_ms)), name,
                   err) < 0)
        return -1;
    again = db_run(db, sql_reopen, BINDS(BIND_T(":search", name)), err);
    if (again < 0 || db_run(db, sql_count_reopen,
                            BINDS(BIND_T(":name", name), BIND_I(":again", again)), err) < 0)
        return -1;
    return tell(db, name, -1, news, err);
}

int searches_remove(struct db *db, const char *name, bool with_execs, struct err *err)
{
    if (with_execs && db_run(db, sql_mark_execs, BINDS(BIND_T(":name", name)), err) < 0)
        return -1;
    return change_one(db, sql_remove, BINDS(BIND_T(":name", name)), name, err);
}

int searches_remove_all(struct db *db, const char *creator, bool with_execs, struct err *err)
{
    CLEANUP(query_done) struct query q = {0};

    if (query_start(&q, db, sql_count_active, BINDS(BIND_T(":creator", creator)), err) < 0 ||
        query_next(&q, NULL, NULL, NULL, err) < 0)
        return -1;
    if (query_int(&q, 0) > 0)
        return err_set(err, ERR_CONFLICT, "%d searches have not ended; stop them first",
                       (int)query_int(&q, 0));
    if (with_execs && db_run(db, sql_mark_all_execs, BINDS(BIND_T(":creator", creator)), err) < 0)
        return -1;
    return change_any(db, sql_remove_all, BINDS(BIND_T(":creator", creator)), err);
}
