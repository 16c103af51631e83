// SPDX-License-Identifier: Apache-2.0
#include "search/echo.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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

struct task_state_echo {
    const char *name, *state, *progress, *duration, *creator, *createtime, *message;
    int64_t running, complete, failed;
    const char *sig_name, *args;
    struct algo_def algo;
    struct list params;
    struct experiment_echo best;
    struct list experiments;
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
      .doc = "objective and additionalMetrics, when these were asked for" },
    { "maxiteration", INT(struct experiment_echo, max_iteration), .doc = "0" },
    { "appId",        TEXT(struct experiment_echo, app_id), .doc = "id of its task, for GET /execs/{execId}" },
    { "driverId",     TEXT(struct experiment_echo, driver_id), .doc = "submissionId of its task" },
    { "startTime",    TEXT(struct experiment_echo, start_time), .doc = "local time" },
    { "endTime",      TEXT(struct experiment_echo, end_time), .doc = "local time" },
    { "message",      TEXT(struct experiment_echo, message), .doc = "why it has no metric, or was stopped early" },
    { "stoppedEarly", BOOLEAN(struct experiment_echo, stopped_early), .doc = "true: EarlyStop ended it" },
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
    { "algoDef",     OBJECT(struct task_state_echo, algo, algo_def_fields), .doc = "as submitted" },
    { "hyperParams", LIST(struct task_state_echo, params, struct param_spec, param_spec_fields),
      .schema = "HpoHyperParameter", .doc = "the space" },
    { "best",        OBJECT(struct task_state_echo, best, experiment_echo_fields), .schema = "HpoExperiment",
      .doc = "the experiment with the best metric; absent until there is one" },
    { "experiments", LIST(struct task_state_echo, experiments, struct experiment_echo, experiment_echo_fields),
      .schema = "HpoExperiment",
      .doc = "in order of their ids" },
    { .type = FIELD_END },
};

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

void echo_head(const struct search *s, int64_t now_ms, struct text *out)
{
    int64_t until_ms = s->ended_ms == INT_UNSET ? now_ms : s->ended_ms;
    char buf[32];

    text_add(out, "\"hpoName\":");
    text_add_json(out, s->name);
    add_text(out, "state", s->state);
    add_progress(s, out);
    add_text(out, "duration",
             clock_span_text(
                 s->spent_ms + (until_ms > s->started_ms ? until_ms - s->started_ms : 0), buf));
    add_text(out, "creator", s->creator);
    add_time(out, "createtime", s->created_ms);
    add_int(out, "running", s->n_running);
    add_int(out, "complete", s->n_complete);
    add_int(out, "failed", s->n_failed);
    add_text(out, "sigName", s->sig_name);
    add_text(out, "args", s->args);
    add_text(out, "message", s->message);
}

void echo_tail(const struct document *doc, const char *best, const struct text *experiments,
               struct text *out)
{
    const struct param_spec *p = doc ? doc->params.items : NULL;

    if (doc) {
        text_add(out, "\"algoDef\":");
        fields_to_text(algo_def_fields, &doc->algo, out);
        text_add_char(out, ',');
    }
    if (p) {
        text_add(out, "\"hyperParams\":[");
        for (size_t i = 0; i < doc->params.n; i++) {
            text_add(out, i ? "," : "");
            fields_to_text(param_spec_fields, &p[i], out);
        }
        text_add(out, "],");
    }
    if (best) {
        text_add(out, "\"best\":");
        text_add(out, best);
        text_add_char(out, ',');
    }
    text_add(out, "\"experiments\":[");
    text_add_n(out, experiments->data, experiments->len);
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
