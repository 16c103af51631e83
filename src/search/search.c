// SPDX-License-Identifier: Apache-2.0
#include "search/search.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

const struct field search_fields[] = {
    { "seq",         INT(struct search, seq) },
    { "name",        TEXT(struct search, name) },
    { "creator",     TEXT(struct search, creator) },
    { "state",       TEXT(struct search, state) },
    { "message",     TEXT(struct search, message) },
    { "sig_name",    TEXT(struct search, sig_name) },
    { "args",        TEXT(struct search, args) },
    { "spec",        TEXT(struct search, spec) },
    { "package",     TEXT(struct search, package) },
    { "seed",        INT(struct search, seed) },
    { "created_ms",  INT(struct search, created_ms) },
    { "started_ms",  INT(struct search, started_ms) },
    { "ended_ms",    INT(struct search, ended_ms) },
    { "spent_ms",    INT(struct search, spent_ms) },
    { "wish",        TEXT(struct search, wish) },
    { "planned",     INT(struct search, planned) },
    { "n_running",   INT(struct search, n_running) },
    { "n_complete",  INT(struct search, n_complete) },
    { "n_failed",    INT(struct search, n_failed) },
    { "best",        INT(struct search, best) },
    { "best_metric", REAL(struct search, best_metric) },
    { "version",     INT(struct search, version) },
    { "prior_told",    INT(struct search, prior_told) },
    { "prior_skipped", INT(struct search, prior_skipped) },
    { .type = FIELD_END },
};

const struct field experiment_fields[] = {
    { "id",          INT(struct experiment, id) },
    { "cube",        TEXT(struct experiment, cube) },
    { "hyperparams", TEXT(struct experiment, hyperparams) },
    { "resource",    INT(struct experiment, resource) },
    { "parent",      INT(struct experiment, parent) },
    { "stopped_early", BOOLEAN(struct experiment, stopped_early) },
    { "state",       TEXT(struct experiment, state) },
    { "metric",      REAL(struct experiment, metric) },
    { "metrics",     TEXT(struct experiment, metrics) },
    { "message",     TEXT(struct experiment, message) },
    { "exec",        TEXT(struct experiment, exec) },
    { "driver_id",   TEXT(struct experiment, driver_id) },
    { "started_ms",  INT(struct experiment, started_ms) },
    { "ended_ms",    INT(struct experiment, ended_ms) },
    { "told",        INT(struct experiment, told) },
    { .type = FIELD_END },
};

static const char *const names[SEARCH_N_STATES] = {
    [SEARCH_SUBMITTED]     = "SUBMITTED",
    [SEARCH_RUNNING]       = "RUNNING",
    [SEARCH_FINISHED]      = "FINISHED",
    [SEARCH_FAILED]        = "FAILED",
    [SEARCH_STOPPED]       = "STOPPED",
    [SEARCH_RECOVERFAILED] = "RECOVERFAILED",
};

static const struct {
    enum search_state from;
    enum search_event event;
    enum search_state to;
} steps[] = {
    { SEARCH_SUBMITTED,     SEARCH_BEGUN,      SEARCH_RUNNING },
    { SEARCH_SUBMITTED,     SEARCH_FRUITLESS,  SEARCH_FAILED },         /* nothing could be submitted */
    { SEARCH_SUBMITTED,     SEARCH_DONE,       SEARCH_FINISHED },       /* restarted with nothing left to run */
    { SEARCH_SUBMITTED,     SEARCH_HALTED,     SEARCH_STOPPED },
    { SEARCH_SUBMITTED,     SEARCH_FILES_GONE, SEARCH_RECOVERFAILED },
    { SEARCH_RUNNING,       SEARCH_DONE,       SEARCH_FINISHED },
    { SEARCH_RUNNING,       SEARCH_FRUITLESS,  SEARCH_FAILED },
    { SEARCH_RUNNING,       SEARCH_HALTED,     SEARCH_STOPPED },
    { SEARCH_RUNNING,       SEARCH_FILES_GONE, SEARCH_RECOVERFAILED },
    { SEARCH_STOPPED,       SEARCH_AGAIN,      SEARCH_SUBMITTED },
    { SEARCH_RECOVERFAILED, SEARCH_AGAIN,      SEARCH_SUBMITTED },
};

int search_step(enum search_state from, enum search_event event)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i].from == from && steps[i].event == event)
            return (int)steps[i].to;
    return -1;
}

const char *search_state_name(enum search_state state) { return names[state]; }

int search_state_parse(const char *name)
{
    for (int i = 0; i < SEARCH_N_STATES; i++)
        if (text_same(names[i], name))
            return i;
    return -1;
}

bool search_state_is_final(enum search_state state) { return state >= SEARCH_FINISHED; }

const char *experiment_outcome(const char *exec_state, bool has_metric, bool timed_out)
{
    if (strcmp(exec_state, "FINISHED") == 0)
        return has_metric ? "FINISHED" : "FAILED";
    return strcmp(exec_state, "KILLED") == 0 && !timed_out ? "KILLED" : "FAILED";
}

bool metric_is_better(bool maximize, double metric, int64_t id, double best, int64_t best_id)
{
    if (best_id == INT_UNSET || isnan(best))
        return true;
    if (metric == best)
        return id < best_id;
    return maximize ? metric > best : metric < best;
}
