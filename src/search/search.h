// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a search (a `hypersearch` task) and its experiments are: their rows, their states, and what
 * may happen to them. Pure. */

#include "base/field.h"

/* metricVal of an experiment that failed or was killed, whatever the objective: what clients
 * expect. */
#define METRIC_FAILED 9999.99

struct search {                 /* columns of table search; none of them is the record as such, see echo.h */
    int64_t seq;
    const char *name;
    const char *creator;
    const char *state;
    const char *message;        /* why it failed or stopped: a sentence; NULL */
    const char *sig_name;
    const char *args;           /* secrets redacted */
    const char *spec;           /* the document, as document_write() made it */
    const char *package;        /* folder below <data>/searches; NULL: no files were uploaded, and none are kept */
    int64_t seed;
    int64_t created_ms;         /* Unix time */
    int64_t started_ms;         /* of the present run */
    int64_t ended_ms;           /* INT_UNSET while active */
    int64_t spent_ms;           /* of earlier runs */
    const char *wish;           /* "", "stop" or "force" */
    int64_t planned;            /* experiments in all; -1 = unlimited */
    int64_t n_running;          /* submitted and not final */
    int64_t n_complete;         /* final, failed ones included */
    int64_t n_failed;
    int64_t best;               /* id of the best experiment; INT_UNSET until there is one */
    double best_metric;
    int64_t version;            /* grows with every change of the search or its experiments */
    int64_t prior_told;         /* points its algorithm was told first; INT_UNSET: it began without any */
    int64_t prior_skipped;      /* those that are not of its space */
};

extern const struct field search_fields[];

struct experiment {             /* columns of table experiment */
    int64_t id;
    const char *cube;           /* JSON list: the point of the unit cube */
    const char *hyperparams;    /* JSON list, as values_echo() made it */
    int64_t resource;           /* given to it, last in hyperparams; INT_UNSET: none */
    int64_t parent;             /* experiment whose point it runs again; INT_UNSET: none */
    bool stopped_early;         /* by the median rule: it keeps its metric and is no failure */
    const char *state;
    double metric;              /* NaN until known */
    const char *metrics;        /* JSON list of {name,min,max,latest}, so far while it runs; NULL */
    const char *message;        /* why there is no metric: a sentence; NULL */
    const char *exec;           /* id of its task; NULL until submitted */
    const char *driver_id;
    int64_t started_ms, ended_ms;   /* Unix time, INT_UNSET until then */
    int64_t told;               /* the call that a plugin was told its end with; INT_UNSET: not yet */
};

extern const struct field experiment_fields[];

enum search_state {
    SEARCH_SUBMITTED, /* accepted; no experiment yet */
    SEARCH_RUNNING,   /* also while it is being stopped: clients poll for anything else */
    SEARCH_FINISHED,  /* this and all below are final */
    SEARCH_FAILED,
    SEARCH_STOPPED,
    SEARCH_RECOVERFAILED,
    SEARCH_N_STATES,
};

enum search_event {
    SEARCH_BEGUN,      /* its first experiment was submitted */
    SEARCH_DONE,       /* nothing more to run, and there is a best experiment */
    SEARCH_FRUITLESS,  /* nothing more to run, and no experiment has a metric */
    SEARCH_HALTED,     /* someone asked, and its experiments have ended */
    SEARCH_FILES_GONE, /* its package is not on disk any more */
    SEARCH_AGAIN,      /* restart */
    SEARCH_N_EVENTS,
};

/* The state that follows, or -1: not possible, nothing happens. */
int search_step(enum search_state from, enum search_event event);
const char *search_state_name(enum search_state state); /* as in the API */
int search_state_parse(const char *name);               /* -1 when unknown; case ignored */
bool search_state_is_final(enum search_state state);

/* How the task of an experiment ended, as the state of the experiment: "FINISHED", "FAILED" or
 * "KILLED". `has_metric`: it ended well and left a usable metric. `timed_out`: killed by
 * maxRunTime. */
const char *experiment_outcome(const char *exec_state, bool has_metric, bool timed_out);

/* Whether `metric` of experiment `id` is better than the best so far; ties go to the lower id. */
bool metric_is_better(bool maximize, double metric, int64_t id, double best, int64_t best_id);
