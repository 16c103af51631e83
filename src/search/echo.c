// SPDX-License-Identifier: Apache-2.0
#include "search/echo.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

/* The shapes of the records, for the API page. The functions below write them by hand, because a
 * record may have thousands of experiments whose lists are stored as text. */

struct metric_echo {
    const char *name;
    double min, max, latest;
};

struct experiment_echo {
    int64_t id;
    struct list params;
    const char *state;
    double metric;
    struct list metrics;
    int64_t max_iteration;
    const char *app_id, *driver_id, *start_time, *end_time, *message;
    bool stopped_early;
};

struct prior_echo {
    int64_t told, skipped;
};

struct task_state_echo {
    const char *name, *state, *progress, *duration, *creator, *createtime, *message;
    int64_t running, complete, failed;
    const char *sig_name, *args;
    struct prior_echo prior;
    struct algo_def algo;
    struct list params;
    struct experiment_echo best;
    struct list experiments;
    const char *since, *next;
};

static const struct field metric_fields[] = {
    { "name",   TEXT(struct metric_echo, name),   .doc = "name of the metric" },
    { "min",    REAL(struct metric_echo, min),    .format = "double", .doc = "smallest value" },
    { "max",    REAL(struct metric_echo, max),    .format = "double", .doc = "largest value" },
    { "latest", REAL(struct metric_echo, latest), .format = "double", .doc = "last value" },
    { .type = FIELD_END },
};

static const struct field experiment_echo_fields[] = {
    { "id",           INT(struct experiment_echo, id),  .doc = "0, 1, 2, ..." },
    { "hyperParams",  LIST(struct experiment_echo, params, struct param_spec, param_spec_fields),
      .schema = "HpoHyperParameter",
      .doc = "its hyperparameters: name, dataType, fixedVal" },
    { "state",        TEXT(struct experiment_echo, state),
      .doc = "NOTRUN, SUBMITTED, RUNNING, FINISHED, FAILED or KILLED" },
    { "metricVal",    REAL(struct experiment_echo, metric), .format = "double",
      .doc = "best value of the objective; 9999.99 when it failed; absent until it has ended" },
    { "metrics",      LIST(struct experiment_echo, metrics, struct metric_echo, metric_fields), .schema = "HpoMetric",
      .doc = "objective and additionalMetrics, when these were asked for; of one that runs, so far" },
    { "maxiteration", INT(struct experiment_echo, max_iteration), .doc = "0" },
    { "appId",        TEXT(struct experiment_echo, app_id), .doc = "id of its task, for GET /execs/{execId}" },
    { "driverId",     TEXT(struct experiment_echo, driver_id), .doc = "submissionId of its task" },
    { "startTime",    TEXT(struct experiment_echo, start_time), .doc = "local time" },
    { "endTime",      TEXT(struct experiment_echo, end_time), .doc = "local time" },
    { "message",      TEXT(struct experiment_echo, message), .doc = "why it has no metric, or was stopped early" },
    { "stoppedEarly", BOOLEAN(struct experiment_echo, stopped_early), .doc = "true: EarlyStop ended it" },
    { .type = FIELD_END },
};

static const struct field prior_fields[] = {
    { "told",    INT(struct prior_echo, told),    .doc = "points the algorithm was told before the first experiment" },
    { "skipped", INT(struct prior_echo, skipped), .doc = "points that are not of this space, or without a metric" },
    { .type = FIELD_END },
};

const struct field task_state_fields[] = {
    { "hpoName",     TEXT(struct task_state_echo, name), .doc = "name of the search" },
    { "state",       TEXT(struct task_state_echo, state),
      .doc = "SUBMITTED, RUNNING, FINISHED, FAILED, STOPPED or RECOVERFAILED" },
    { "progress",    TEXT(struct task_state_echo, progress), .doc = "ended experiments / all experiments; - when unlimited" },
    { "duration",    TEXT(struct task_state_echo, duration), .doc = "HH:MM:SS; stands still once the search has ended" },
    { "creator",     TEXT(struct task_state_echo, creator), .doc = "who started it" },
    { "createtime",  TEXT(struct task_state_echo, createtime), .doc = "local time" },
    { "running",     INT(struct task_state_echo, running), .doc = "experiments submitted and not ended" },
    { "complete",    INT(struct task_state_echo, complete), .doc = "experiments ended, failed ones included" },
    { "failed",      INT(struct task_state_echo, failed), .doc = "experiments ended without a metric" },
    { "sigName",     TEXT(struct task_state_echo, sig_name), .doc = "instance group" },
    { "args",        TEXT(struct task_state_echo, args), .doc = "arguments of every experiment, secrets replaced" },
    { "message",     TEXT(struct task_state_echo, message), .doc = "why it failed or stopped" },
    { "prior",       OBJECT(struct task_state_echo, prior, prior_fields),
      .doc = "what it began with; absent when it began with nothing" },
    { "algoDef",     OBJECT(struct task_state_echo, algo, algo_def_fields), .doc = "as submitted" },
    { "hyperParams", LIST(struct task_state_echo, params, struct param_spec, param_spec_fields),
      .schema = "HpoHyperParameter", .doc = "the space" },
    { "best",        OBJECT(struct task_state_echo, best, experiment_echo_fields), .schema = "HpoExperiment",
      .doc = "the experiment with the best metric; absent until there is one" },
    { "experiments", LIST(struct task_state_echo, experiments, struct experiment_echo, experiment_echo_fields),
      .schema = "HpoExperiment",
      .doc = "in order of their ids" },
    { "since",       TEXT(struct task_state_echo, since),
      .doc = "with ?since=: as asked; experiments has only what changed since. Absent: experiments has all" },
    { "next",        TEXT(struct task_state_echo, next), .doc = "with ?since=: what to ask with next time" },
    { .type = FIELD_END },
};

/* --- which members --- */

static int unknown_member(const char *name, size_t len, struct err *err)
{
    CLEANUP(text_done) struct text known = {0};

    for (int i = 0; i < RECORD_N_MEMBERS; i++) {
        text_add(&known, i ? ", " : "");
        text_add(&known, task_state_fields[i].name);
    }
    return err_field(err, "fields", known.data, "a search has no member \"%.*s\"; it has %s", len < 60 ? (int)len : 60, name, known.data);
}

int record_members_read(const char *names, uint32_t *ret, struct err *err)
{
    uint32_t members = 0;

    for (const char *at = names ? names : ""; *(at += strspn(at, ", "));) {
        size_t len = strcspn(at, ", ");
        int i = 0;

        while (i < RECORD_N_MEMBERS &&
               (strlen(task_state_fields[i].name) != len || strncasecmp(task_state_fields[i].name, at, len) != 0))
            i++;
        if (i == RECORD_N_MEMBERS)
            return unknown_member(at, len, err);
        members |= RECORD_BIT(i);
        at += len;
    }
    *ret = members ? members : RECORD_WHOLE;
    return 0;
}

/* --- writing --- */

static void add_text(struct text *out, const char *key, const char *value)
{
    if (!value)
        return;
    text_add(out, ",\"");
    text_add(out, key);
    text_add(out, "\":");
    text_add_json(out, value);
}

static void add_int(struct text *out, const char *key, int64_t value)
{
    text_add(out, ",\"");
    text_add(out, key);
    text_add(out, "\":");
    text_add_int(out, value);
}

static void add_time(struct text *out, const char *key, int64_t unix_ms)
{
    char buf[32];

    if (unix_ms != INT_UNSET)
        add_text(out, key, clock_local_text(unix_ms, buf));
}

void echo_experiment(const struct experiment *e, struct text *out)
{
    text_add(out, "{\"id\":");
    text_add_int(out, e->id);
    text_add(out, ",\"hyperParams\":");
    text_add(out, e->hyperparams);
    add_text(out, "state", e->state);
    if (!isnan(e->metric)) {
        text_add(out, ",\"metricVal\":");
        text_add_real(out, e->metric);
    }
    if (e->metrics) {
        text_add(out, ",\"metrics\":");
        text_add(out, e->metrics);
    }
    add_int(out, "maxiteration", 0);
    add_text(out, "appId", e->exec);
    add_text(out, "driverId", e->driver_id);
    add_time(out, "startTime", e->started_ms);
    add_time(out, "endTime", e->ended_ms);
    add_text(out, "message", e->message);
    if (e->stopped_early)
        text_add(out, ",\"stoppedEarly\":true");
    text_add_char(out, '}');
}

static void add_progress(const struct search *s, struct text *out)
{
    text_addf(out, ",\"progress\":\"%" PRId64 "/", s->n_complete);
    if (s->planned < 0)
        text_add(out, "-\"");
    else
        text_addf(out, "%" PRId64 "\"", s->planned);
}

int64_t search_duration_ms(const struct search *s, int64_t now_ms)
{
    int64_t until_ms = s->ended_ms == INT_UNSET ? now_ms : s->ended_ms;

    return s->spent_ms + (until_ms > s->started_ms ? until_ms - s->started_ms : 0);
}

static void add_member(const struct search *s, enum record_member member, int64_t now_ms,
                       struct text *out)
{
    const char *key = task_state_fields[member].name;
    char buf[32];

    switch (member) {
    case RECORD_NAME:       add_text(out, key, s->name); break;
    case RECORD_STATE:      add_text(out, key, s->state); break;
    case RECORD_PROGRESS:   add_progress(s, out); break;
    case RECORD_DURATION:   add_text(out, key, clock_span_text(search_duration_ms(s, now_ms), buf)); break;
    case RECORD_CREATOR:    add_text(out, key, s->creator); break;
    case RECORD_CREATETIME: add_time(out, key, s->created_ms); break;
    case RECORD_RUNNING:    add_int(out, key, s->n_running); break;
    case RECORD_COMPLETE:   add_int(out, key, s->n_complete); break;
    case RECORD_FAILED:     add_int(out, key, s->n_failed); break;
    case RECORD_SIG_NAME:   add_text(out, key, s->sig_name); break;
    case RECORD_ARGS:       add_text(out, key, s->args); break;
    case RECORD_MESSAGE:    add_text(out, key, s->message); break;
    case RECORD_PRIOR:
        if (s->prior_told != INT_UNSET)
            text_addf(out, ",\"prior\":{\"told\":%" PRId64 ",\"skipped\":%" PRId64 "}",
                      s->prior_told, s->prior_skipped);
        break;
    default: break;     /* echo_algo() and the rest */
    }
}

void echo_head(const struct search *s, uint32_t members, int64_t now_ms, struct text *out)
{
    for (int i = RECORD_NAME; i < RECORD_ALGO; i++)
        if (members & RECORD_BIT(i))
            add_member(s, (enum record_member)i, now_ms, out);
}

void echo_algo(const struct document *doc, struct text *out)
{
    text_add(out, ",\"algoDef\":");
    fields_to_text(algo_def_fields, &doc->algo, out);
}

void echo_params(const struct document *doc, struct text *out)
{
    const struct param_spec *p = doc->params.items;

    if (!p)
        return;
    text_add(out, ",\"hyperParams\":[");
    for (size_t i = 0; i < doc->params.n; i++) {
        text_add(out, i ? "," : "");
        fields_to_text(param_spec_fields, &p[i], out);
    }
    text_add_char(out, ']');
}

void echo_event(const struct search *s, const struct experiment *e, struct text *out)
{
    text_add(out, "{\"hpoName\":");
    text_add_json(out, s->name);
    add_text(out, "state", s->state);
    add_progress(s, out);
    add_int(out, "running", s->n_running);
    add_int(out, "complete", s->n_complete);
    add_int(out, "failed", s->n_failed);
    if (s->best != INT_UNSET) {
        add_int(out, "best", s->best);
        text_add(out, ",\"bestMetricVal\":");
        text_add_real(out, s->best_metric);
    }
    add_text(out, "message", s->message);
    if (e) {
        text_add(out, ",\"experiment\":");
        echo_experiment(e, out);
    }
    text_add_char(out, '}');
}
